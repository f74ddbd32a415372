"""One training run, from shards in a bucket to an encrypted model in another.

``python -m trainyard_training.dataset DATASET.json`` fills the datasets bucket.
``torchrun --standalone --nproc-per-node=2 -m trainyard_training JOB.json`` trains; ``train`` is the place to begin
reading. ``python -m trainyard_training.launch`` takes torchrun's arguments and ends with this package's exit status.
"""

__version__ = "0.1.0"
