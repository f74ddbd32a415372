"""The servers that serving is compared with, each as its own documentation sets up such a model.

Every program runs in an environment of its own and gets its model from `network`. Beside each is the complete list of
its environment's packages but for PyTorch and NumPy, which all take from this project's environment.
"""

FOLDER_VARIABLE = "TRAINYARD_BENCH_MODEL"
"""Names the folder with the files of the model that a program serves."""
WEIGHTS_FILE = "weights.pt"
SHAPE_FILE = "shape.json"
