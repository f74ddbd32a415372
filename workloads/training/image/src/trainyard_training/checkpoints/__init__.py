"""Checkpoints of a run: distributed, asynchronous, encrypted, and believed only when they have been verified."""

from trainyard_training.checkpoints.checkpoints import Checkpoints
from trainyard_training.checkpoints.encrypted_files import EncryptedFiles
from trainyard_training.checkpoints.run_state import RunState

__all__ = ["Checkpoints", "EncryptedFiles", "RunState"]
