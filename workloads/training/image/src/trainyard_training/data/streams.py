"""Which examples make up which step: arithmetic alone.

The shards are dealt to streams, and every step takes equally many examples from each. In every epoch a stream goes
through its shards in an order drawn anew, and through each shard in an order drawn anew. All random numbers come from
(seed, purpose, epoch or step, shard or stream), so a step's global batch is the same on one worker as on eight, and the
number of the step is the whole position in the data: a run resumes at the exact example, in the middle of an epoch, and
with another number of workers.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainyard_artifacts.specification import SpecificationError

_ORDER, _AUGMENTATION, _SHARDS = 0, 1, 2


class Streams:
    """The order of all examples in all steps; every worker computes its part of it by itself."""

    def __init__(self, shard_sizes: Sequence[int], streams: int, global_batch_size: int, seed: int) -> None:
        """``require_divisible`` has been asked before."""
        self._sizes = shard_sizes
        self._seed = seed
        self.count = streams
        self.per_step = global_batch_size // streams
        """Examples of a step from each stream."""
        self.steps_per_epoch = min(sum(shard_sizes[stream::streams]) for stream in range(streams)) // self.per_step
        """The shortest stream decides; what is left of the others is another part in every epoch."""
        self._orders: dict[tuple[int, int], NDArray[np.int64]] = {}
        self._shards: dict[tuple[int, int], list[int]] = {}

    def shards(self, stream: int, epoch: int) -> list[int]:
        """Numbers of the stream's shards in the order in which the epoch goes through them."""
        if (epoch, stream) not in self._shards:
            # Of this epoch and of its neighbours, since what comes next is asked for ahead.
            self._shards = {key: shards for key, shards in self._shards.items() if abs(key[0] - epoch) <= 1}
            numbers = range(stream, len(self._sizes), self.count)
            drawn = self._random(_SHARDS, epoch, stream).permutation(len(numbers))
            self._shards[epoch, stream] = [numbers[place] for place in drawn]
        return self._shards[epoch, stream]

    def pieces(self, stream: int, step: int) -> list[tuple[int, NDArray[np.int64]]]:
        """What the step (0, 1, ...) takes from the stream: shards' numbers, each with positions in it."""
        epoch, position = divmod(step, self.steps_per_epoch)
        begin = position * self.per_step
        end = begin + self.per_step
        pieces = []
        first = 0
        for shard in self.shards(stream, epoch):
            last = first + self._sizes[shard]
            if first < end and begin < last:
                order = self._order(epoch, shard)
                pieces.append((shard, order[max(begin - first, 0) : end - first]))
            first = last
        return pieces

    def augmentation_random(self, stream: int, step: int) -> np.random.Generator:
        """Where the random numbers come from by which the stream's part of a step is augmented."""
        return self._random(_AUGMENTATION, step, stream)

    def _order(self, epoch: int, shard: int) -> NDArray[np.int64]:
        if (epoch, shard) not in self._orders:
            self._orders = {key: order for key, order in self._orders.items() if key[0] == epoch}
            self._orders[epoch, shard] = self._random(_ORDER, epoch, shard).permutation(self._sizes[shard])
        return self._orders[epoch, shard]

    def _random(self, purpose: int, time: int, which: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, purpose, time, which])


def require_divisible(shard_sizes: Sequence[int], streams: int | None, global_batch_size: int, workers: int) -> int:
    """How many streams there are: as many as asked for, else one for each shard.

    Raises:
        SpecificationError: shards, streams, workers and batch do not divide; all that does not fit is told at once.
    """
    shards = len(shard_sizes)
    problems = []
    if streams is None:
        streams, told = shards, f"the dataset's {shards} shards"
    else:
        told = f"input.streams, {streams},"
        if shards % streams:
            problems.append(f"input.streams: {streams} does not divide the dataset's {shards} shards")
    if streams % workers:
        problems.append(f"{told} cannot be shared evenly by {workers} workers")
    if global_batch_size % streams:
        problems.append(f"global_batch_size: {global_batch_size} is not a multiple of {told.removesuffix(',')}")
    elif not problems:
        smallest = min(sum(shard_sizes[stream::streams]) for stream in range(streams))
        if global_batch_size // streams > smallest:
            problems.append(
                f"global_batch_size: {global_batch_size} takes {global_batch_size // streams} examples of a stream at"
                f" once, the smallest has {smallest}; at most {smallest * streams} is possible"
            )
    if problems:
        raise SpecificationError("\n".join(problems))
    return streams
