"""The group of data-parallel workers that trains together, as torchrun starts it; one process alone is a group too."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from trainyard_artifacts.specification import SpecificationError
from trainyard_training.failures import WorkerLostError

GPUS_VARIABLE = "TRAINYARD_GPUS"
"""Environment variable of how many GPUs the surroundings have given to this machine's processes, where they say so."""
COLLECTIVE_TIMEOUT = timedelta(minutes=5)
"""So long a worker waits for the others before it takes one for lost."""


@dataclass(frozen=True)
class Workers:
    """This process's place in the group, and the few things that all of them do together."""

    rank: int
    count: int
    device: torch.device
    group: dist.ProcessGroup | None = None
    """Where they are some of the processes, the first ones, and not all of them."""

    @property
    def is_first(self) -> bool:
        """Rank 0 speaks to the user, writes checkpoints and publishes."""
        return self.rank == 0

    def sum(self, values: list[float]) -> list[float]:
        """Element-wise sum over all workers, the same on each of them."""
        return self.sum_later(values)()

    def sum_later(self, values: list[float]) -> Callable[[], list[float]]:
        """As ``sum``, but goes on at once: what is returned waits for the others."""
        if self.count == 1:
            return lambda: values
        # On the CPU, so that nothing waits for what the GPU has been asked to do.
        tensor = torch.tensor(values, dtype=torch.float64)
        work = dist.all_reduce(tensor, async_op=True, group=self.group)

        def wait() -> list[float]:
            assert work is not None
            work.wait()
            return [float(value) for value in tensor.tolist()]

        return wait

    def new_group(self) -> dist.ProcessGroup:
        """Another group of the same workers, on the CPU, for what they do beside their steps."""
        group: dist.ProcessGroup = dist.new_group(
            list(range(self.count)), backend="gloo", use_local_synchronization=True
        )
        return group

    def gather(self, value: float) -> list[float]:
        """Every worker's value, in the order of their ranks, on every worker."""
        return self.sum([value if rank == self.rank else 0.0 for rank in range(self.count)])

    def any(self, value: bool) -> bool:
        """Whether the value is true on any worker."""
        return bool(self.sum([float(value)])[0])

    def from_first(self, value: Any) -> Any:
        """The first worker's ``value``, on every worker. What the others pass is ignored."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, group=self.group)
        return box[0]


@contextmanager
def _others_present() -> Iterator[None]:
    """Tell the end of another worker, which shows as one of many errors in a collective, from this one's own errors."""
    try:
        yield
    except dist.DistError as error:
        raise WorkerLostError(f"another worker is gone: {error}") from None
    except RuntimeError as error:
        if "gloo" not in str(error).lower() and "connection" not in str(error).lower():
            raise
        raise WorkerLostError("another worker is gone; its own message says why") from None


@contextmanager
def join_workers(threads: int = 1, *, servers: int = 0) -> Iterator[Workers]:
    """Join the group that torchrun's environment variables describe: nccl where there are GPUs, gloo elsewhere.

    :param threads: CPU threads of each worker; the workers of one machine share its cores between them.
    :param servers: How many of them, the last ones, only keep parameters; those stay on the CPU.

    Raises:
        SpecificationError: this machine has GPUs, but none for this process, or none that can be used.
        WorkerLostError: the other workers cannot be reached, or one is gone.
    """
    torch.set_num_threads(threads)
    device = _device_of_this_process(servers)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    # On a machine with GPUs both: gloo for what the workers agree on, which is on the CPU.
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    if "RANK" in os.environ:
        with _others_present():
            dist.init_process_group(backend, timeout=COLLECTIVE_TIMEOUT)
    else:
        store = dist.HashStore()
        dist.init_process_group(backend, store=store, rank=0, world_size=1, timeout=COLLECTIVE_TIMEOUT)
    try:
        with _others_present():
            yield Workers(rank=dist.get_rank(), count=dist.get_world_size(), device=device)
    finally:
        dist.destroy_process_group()


def _device_of_this_process(servers: int) -> torch.device:
    rank, count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if not torch.cuda.is_available():
        if given := os.environ.get(GPUS_VARIABLE):
            # On the CPU it would take many times as long, and the GPUs would be paid all the same.
            raise SpecificationError(
                f"{GPUS_VARIABLE}: {given} GPUs are given to this job, and PyTorch can use none: NVIDIA's driver is not"
                f" among the libraries in LD_LIBRARY_PATH, or it is older than CUDA {torch.version.cuda} needs"
            )
        return torch.device("cpu")
    number, here = int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    # Asked on every process of the machine: one that alone ends leaves the others waiting for it.
    training, gpus = min(here, count - servers - (rank - number)), torch.cuda.device_count()
    if training > gpus:
        raise SpecificationError(
            f"--nproc-per-node, resources.processes_per_instance: {training} processes train on a machine with {gpus}"
            f" GPUs, and each needs one of its own; valid is at most {gpus}"
        )
    return torch.device("cuda", number) if rank < count - servers else torch.device("cpu")
