"""This worker's part of each step's batch, brought ahead of the model.

One thread reads shards ahead of their turn, another puts batches together and augments them, so that the model finds
the next batch ready. Shards stay in memory as far as the specification allows; the others are read in every epoch.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainyard_training.choices import Input
from trainyard_training.data.augmentation import AUGMENTATIONS, nothing
from trainyard_training.data.dataset import Dataset
from trainyard_training.data.examples import Examples, concatenated
from trainyard_training.data.streams import Streams
from trainyard_training.privacy.sampling import PoissonSampling
from trainyard_training.specification import TrainingSpecification


@dataclass(frozen=True)
class Batch:
    """This worker's part of one step's global batch."""

    step: int
    """From 0."""
    inputs: Tensor
    """uint8 images (count, channels, height, width) or float32 features (count, features)."""
    labels: Tensor
    """int64 (count,)."""


class Batches:
    """The batches of one worker, from any step on."""

    def __init__(self, dataset: Dataset, job: TrainingSpecification, *, pin_memory: bool = False) -> None:
        self._input = job.input
        self._streams = Streams(dataset.train_sizes, dataset.streams, job.global_batch_size, job.seed)
        self._mine = range(dataset.rank, dataset.streams, dataset.workers)
        # Features have no neighbours, so what is meant for images, and is the default, leaves them alone.
        is_image = len(dataset.index.input_shape) == 3
        self._augment = AUGMENTATIONS[job.input.augmentation] if is_image else nothing
        self._pin_memory = pin_memory
        self._shards = _Shards(dataset.read_train, job.input)
        self._poisson: PoissonSampling | None = None
        self.waited_seconds = 0.0
        """For how long the model has waited for data, in all."""

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which each example is taken at most once."""
        return self._streams.steps_per_epoch

    def take_by(self, poisson: PoissonSampling) -> None:
        """From now on take what ``poisson`` draws, any number of examples, none included."""
        self._poisson = poisson

    def iterate(self, first_step: int) -> "BatchIterator":
        """Batches of ``first_step`` (0, 1, ...) and all later ones, without an end; to be closed.

        Its ``__next__`` raises DataError and StorageError as the reading of shards does.
        """
        return BatchIterator(
            self.at,
            first_step,
            self._input.prefetch_batches,
            add_wait=self._add_wait,
            closed=self._shards.expect_nothing,
        )

    def at(self, step: int) -> Batch:
        """The batch of one step. Raises DataError, StorageError."""
        parts = []
        last_shards: dict[int, int] = {}
        order = self._poisson or self._streams
        for stream in self._mine:
            pieces = order.pieces(stream, step)
            last_shards[stream] = pieces[-1][0]
            taken = self._taken(pieces)
            random = order.augmentation_random(stream, step)
            parts.append(Examples(self._augment(taken.inputs, random), taken.labels))  # type: ignore[arg-type]
        if self._poisson is None:
            self._read_ahead(step, last_shards)
        together = concatenated(parts)
        inputs, labels = torch.from_numpy(together.inputs), torch.from_numpy(together.labels.astype(np.int64))
        if self._pin_memory:
            inputs, labels = inputs.pin_memory(), labels.pin_memory()
        return Batch(step, inputs, labels)

    def sample(self) -> Examples:
        """Training examples as they are stored: one batch of this worker's. Raises DataError, StorageError."""
        pieces = [piece for stream in self._mine for piece in self._streams.pieces(stream, 0)]
        return concatenated([self._shards.get(shard).at(positions) for shard, positions in pieces])

    def _taken(self, pieces: list[tuple[int, NDArray[np.int64]]]) -> Examples:
        parts = []
        for shard, positions in pieces:
            parts.append(self._shards.get(shard).at(positions))
            if self._poisson is not None:
                # Every step goes through all shards, so there may be more of them than there is room for.
                self._shards.read_ahead({shard}, [])
        return concatenated(parts)

    def _read_ahead(self, step: int, last_shards: Mapping[int, int]) -> None:
        """Ask for what the streams come to next, and let go of what they are through with.

        :param last_shards: The shard, of each stream, in which the step ends.
        """
        following: list[int] = []
        epoch, position = divmod(step, self._streams.steps_per_epoch)
        for stream, current in last_shards.items():
            order = self._streams.shards(stream, epoch)
            place = order.index(current)
            if place + 1 < len(order):
                following.append(order[place + 1])
            if position + 1 == self._streams.steps_per_epoch or place + 1 == len(order):
                following.append(self._streams.shards(stream, epoch + 1)[0])
        self._shards.read_ahead(set(last_shards.values()), following)

    def _add_wait(self, seconds: float) -> None:
        self.waited_seconds += seconds


class _Shards:
    """Shards in memory, and those on their way."""

    def __init__(self, read: Callable[[int], Examples], options: Input) -> None:
        self._read = read
        self._most_bytes = options.cache_mib * 2**20
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shards")
        self._coming: dict[int, Future[Examples]] = {}
        self._here: dict[int, Examples] = {}

    def get(self, number: int) -> Examples:
        """One shard, waiting for it if need be."""
        if number not in self._here:
            coming = self._coming.pop(number, None)
            self._here[number] = self._read(number) if coming is None else coming.result()
        return self._here[number]

    def read_ahead(self, in_use: set[int], following: list[int]) -> None:
        """Begin to read ``following``; of the others, drop those for which there is no room."""
        wanted = in_use | set(following)
        total = sum(examples.inputs.nbytes for examples in self._here.values())
        for number in [number for number in self._here if number not in wanted]:
            if total <= self._most_bytes:
                break
            total -= self._here.pop(number).inputs.nbytes
        for number in following:
            if number not in self._here and number not in self._coming:
                self._coming[number] = self._thread.submit(self._read, number)

    def expect_nothing(self) -> None:
        """Give up reading what was asked for and not begun: the process waits for all else before it ends."""
        self._coming = {number: coming for number, coming in self._coming.items() if not coming.cancel()}


class BatchIterator:
    """Gives one batch after another, made ready by a thread where there is a number to prefetch."""

    def __init__(
        self,
        make: Callable[[int], Batch],
        first_step: int,
        prefetch: int,
        *,
        add_wait: Callable[[float], None],
        closed: Callable[[], None],
    ) -> None:
        self._make = make
        self._step = first_step
        self._add_wait = add_wait
        self._tell_closed = closed
        self._ready: queue.Queue[Batch | Exception] | None = queue.Queue(prefetch) if prefetch else None
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        if self._ready is not None:
            self._thread = threading.Thread(target=self._produce, args=(self._ready,), name="batches", daemon=True)
            self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Batch:
        if self._closed.is_set():
            raise StopIteration
        began = time.monotonic()
        if self._ready is None:
            batch: Batch | Exception = self._make(self._step)
            self._step += 1
        else:
            batch = self._ready.get()
        self._add_wait(time.monotonic() - began)
        if isinstance(batch, Exception):
            self.close()
            raise batch
        return batch

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the thread, and give up reading ahead. There is no next batch then, as after an error."""
        self._closed.set()
        if self._thread is not None and self._ready is not None:
            while self._thread.is_alive():
                with suppress(queue.Empty):
                    self._ready.get_nowait()
                self._thread.join(timeout=0.01)
        self._tell_closed()

    def _produce(self, ready: "queue.Queue[Batch | Exception]") -> None:
        while not self._closed.is_set():
            try:
                made: Batch | Exception = self._make(self._step)
            except Exception as error:
                made = error
            ready.put(made)
            if isinstance(made, Exception):
                return
            self._step += 1
