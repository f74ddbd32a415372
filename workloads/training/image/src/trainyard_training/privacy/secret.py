"""The random numbers of a private run, all of them from one secret.

Who knows the noise subtracts it, and who knows which examples a step took gains nothing from the others' absence. So
neither comes from the job's seed, which the job file shows. The first worker draws the secret from the operating
system; every worker has it, and the encrypted checkpoints keep it. Hence a step that was lost with its process is made
again with the same examples and the same noise: it is the same release, not a second one.
"""

import hashlib
import hmac
import secrets
from typing import Literal

import numpy as np

Purpose = Literal["sample", "augmentation", "noise"]

_BYTES = 32


class SecretRandom:
    """Gives a random generator of its own for each purpose, step and shard or stream."""

    def __init__(self, secret: str) -> None:
        """``secret``: as ``new_secret`` gave it."""
        self.secret = secret

    @staticmethod
    def new_secret() -> str:
        """Another secret: 256 bits in hexadecimal."""
        return secrets.token_hex(_BYTES)

    def generator(self, purpose: Purpose, step: int, which: int = 0) -> np.random.Generator:
        """The same for equal arguments, and independent of all others.

        Philox (Salmon et al., SC 2011) with a key of 128 bits derived by HMAC-SHA256. PyTorch's own generator on CPUs
        takes 32 bits of its seed, which can be tried out.
        """
        message = f"{purpose}/{step}/{which}".encode()
        derived = hmac.digest(bytes.fromhex(self.secret), message, hashlib.sha256)
        return np.random.Generator(np.random.Philox(key=int.from_bytes(derived[:16])))
