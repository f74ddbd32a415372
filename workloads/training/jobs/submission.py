"""From two files to a job that exists: everything wrong in both is told at once, before anything is created."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from trainyard_artifacts.specification import SpecificationError, load_specification
from trainyard_training.specification import TrainingSpecification
from workloads.training.jobs.agreement import problems
from workloads.training.jobs.errors import JobRefusedError
from workloads.training.jobs.platform import connect
from workloads.training.jobs.platforms import LocalPlatform, PlatformSpecification, load_platform
from workloads.training.jobs.records import JobFolder, Record, folder_of, folders, new_name
from workloads.training.jobs.states import JobStatus


@dataclass(frozen=True)
class Order:
    """A job and the platform that is to run it; they fit together."""

    job: TrainingSpecification
    platform: PlatformSpecification


def load_order(job_file: Path, platform_file: Path | None) -> Order:
    """Read and check both files.

    :param platform_file: None: this machine, with defaults.

    Raises:
        SpecificationError: one line for each thing that is wrong in either, or between them.
    """
    wrong: list[str] = []
    job: TrainingSpecification | None = None
    platform: PlatformSpecification | None = None
    try:
        job = load_specification(job_file, TrainingSpecification)
    except SpecificationError as error:
        wrong.append(str(error))
    try:
        platform = load_platform(platform_file) if platform_file else LocalPlatform()
    except SpecificationError as error:
        wrong.append(str(error))
    if job is not None and platform is not None:
        pair = f"{job_file}, with {platform_file or 'this machine'}"
        wrong += [f"{pair}: {problem}" for problem in problems(job, platform)]
    if job is None or platform is None or wrong:
        raise SpecificationError("\n".join(wrong))
    return Order(job, platform)


def submit(order: Order, jobs: Path, name: str | None) -> JobFolder:
    """Create the job, its record first, so that no job runs that nobody knows of.

    :param jobs: The folder of all jobs' folders.
    :param name: None: made of the job's own name, its run and the time.

    Raises:
        JobRefusedError, JobError: the platform refuses, the name is taken or none, or the same run is at work;
            nothing is left behind.
        PlatformUnavailableError: whether the job exists is unknown, so its record stays.
        OSError: the folder cannot be written.
    """
    refuse_second(order, jobs)
    now = datetime.now(UTC)
    folder = folder_of(jobs, name or new_name(order.job, now))
    price = order.job.resources.usd_per_hour
    record = Record(name=folder.name, status=JobStatus(state="queued", created=now, usd_per_hour=price))
    folder.create(order.job, order.platform, record)
    try:
        remote = connect(order.platform).create(order.job, folder)
    except JobRefusedError:
        folder.remove()
        raise
    if remote is not None:
        folder.write(record.model_copy(update={"remote": remote}))
    return folder


def refuse_second(order: Order, jobs: Path) -> None:
    """Check that no job of this project is at the same run already: both would write the same checkpoints.

    Raises:
        JobError: there is one, or one may be and its platform does not tell.
    """
    for other in folders(jobs):
        if other.job().checkpoints_uri == order.job.checkpoints_uri and not refresh(other).status.has_ended:
            raise JobRefusedError(
                f"run {order.job.job}/{order.job.run} is at work already, as job {other.name}; stop it first by"
                f" 'yard train stop {other.name} --wait'"
            )


def refresh(folder: JobFolder) -> Record:
    """The record with the job's present status, asked of its platform unless it has ended. Also written down.

    Raises:
        JobError: there is no such job, or its platform does not tell.
    """
    record = folder.read()
    if record.status.has_ended:
        return record
    platform = folder.platform()
    status = connect(platform).status(folder, record)
    record = record.model_copy(update={"status": status})
    if not isinstance(platform, LocalPlatform):
        folder.write(record)
    return record
