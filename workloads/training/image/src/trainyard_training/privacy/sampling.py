"""Which examples make up which step of a private training: each is taken with the same probability, by itself.

That is what the accounting of privacy assumes (Abadi et al., arXiv:1607.00133, 3.1). Batches so drawn differ in size
and may be empty. The draw of a shard depends on the step and the shard alone, so the global batch is the same on any
number of workers.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainyard_training.privacy.secret import SecretRandom


class PoissonSampling:
    """Takes examples from every shard in every step."""

    def __init__(self, shard_sizes: Sequence[int], streams: int, sample_rate: float, random: SecretRandom) -> None:
        """:param sample_rate: The probability, from 0 to 1."""
        self._sizes = shard_sizes
        self._streams = streams
        self._rate = sample_rate
        self._random = random

    def pieces(self, stream: int, step: int) -> list[tuple[int, NDArray[np.int64]]]:
        """What the step (0, 1, ...) takes from the stream: each of its shards' numbers, with positions in it."""
        return [
            (
                shard,
                np.flatnonzero(self._random.generator("sample", step, shard).random(self._sizes[shard]) < self._rate),
            )
            for shard in range(stream, len(self._sizes), self._streams)
        ]

    def augmentation_random(self, stream: int, step: int) -> np.random.Generator:
        """Where the random numbers come from by which the stream's part of a step is augmented.

        Secret too: one example more or less gives those after it other numbers, which only nobody's knowing hides.
        """
        return self._random.generator("augmentation", step, stream)
