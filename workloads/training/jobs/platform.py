"""What a platform has to be able to do, and which code does it for each kind."""

from collections.abc import Mapping
from typing import Any, Protocol

from trainyard_training.specification import TrainingSpecification
from workloads.training.jobs.platforms import PlatformSpecification, SageMakerPlatform, VertexPlatform
from workloads.training.jobs.records import JobFolder, Record
from workloads.training.jobs.states import JobStatus


class Platform(Protocol):
    """Runs jobs. Every method raises JobError with a whole message."""

    def request(self, job: TrainingSpecification, name: str) -> Mapping[str, Any]:
        """What is asked of the platform to create the job; asks nothing."""
        ...

    def create(self, job: TrainingSpecification, folder: JobFolder) -> str | None:
        """Create the job; returns the platform's own name of it, if it has one."""
        ...

    def status(self, folder: JobFolder, record: Record) -> JobStatus:
        """How it is doing now."""
        ...

    def output(self, folder: JobFolder, record: Record, position: str | None) -> tuple[list[str], str | None]:
        """Lines that it has printed since ``position`` (None: from the beginning), and the position behind them."""
        ...

    def stop(self, folder: JobFolder, record: Record) -> None:
        """Ask it to stop with a checkpoint. A job that has ended is left as it is."""
        ...


def connect(specification: PlatformSpecification) -> Platform:
    """The platform; no request is made yet. Each one's libraries are imported here only."""
    if isinstance(specification, SageMakerPlatform):
        from workloads.training.jobs.sagemaker import SageMaker

        return SageMaker(specification)
    if isinstance(specification, VertexPlatform):
        from workloads.training.jobs.vertex import Vertex

        return Vertex(specification)
    from workloads.training.jobs.local import ThisMachine

    return ThisMachine(specification)
