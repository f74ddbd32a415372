"""The strategies in which all workers make every step together: data parallel (DDP) and fully sharded (FSDP2)."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.nn.parallel import DistributedDataParallel

from trainyard_training.choices import Strategy
from trainyard_training.workers import Workers


class ParallelModel:
    """One model over a group of workers."""

    def __init__(self, model: nn.Module, strategy: Strategy, workers: Workers) -> None:
        """Spread ``model``, which is on the worker's device; with ``fully_sharded`` its parameters become shards."""
        self.model = model
        """The model itself, whose parameters the optimiser takes."""
        self.compute: nn.Module = model
        """What to call: gradients of a call are averaged over the workers, unless ``accumulating``."""
        self.is_sharded = strategy.kind == "fully_sharded"
        if self.is_sharded:
            mesh = init_device_mesh(workers.device.type, (workers.count,))
            for part in _parts_with_parameters(model):
                fully_shard(part, mesh=mesh)
            fully_shard(model, mesh=mesh)
        elif strategy.kind == "data_parallel" and workers.count > 1:
            self.compute = DistributedDataParallel(model, gradient_as_bucket_view=True)

    @contextmanager
    def accumulating(self) -> Iterator[None]:
        """Gradients of calls in here stay on their worker and are added up."""
        if isinstance(self.compute, DistributedDataParallel):
            with self.compute.no_sync():
                yield
        elif isinstance(self.model, FSDPModule):
            self.model.set_requires_gradient_sync(False)
            try:
                yield
            finally:
                self.model.set_requires_gradient_sync(True)
        else:
            yield


def _parts_with_parameters(model: nn.Module) -> list[nn.Module]:
    """The parts that are gathered one after another in a forward pass: what a container holds, each on its own."""
    parts: list[nn.Module] = []
    for child in model.children():
        if isinstance(child, nn.Sequential | nn.ModuleList):
            parts += [part for part in child.children() if any(True for _ in part.parameters())]
        elif any(True for _ in child.parameters()):
            parts.append(child)
    return parts
