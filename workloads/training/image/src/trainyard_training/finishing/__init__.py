"""What is done with a model once it is trained: evaluation, pictures, smaller variants, ONNX.

``assembly.finish`` does all of it. Each of the other modules does one part and can be used alone.
"""
