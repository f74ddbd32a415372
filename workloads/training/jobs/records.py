"""A job's folder: what was submitted where, and how it was last seen. Files appear whole or not at all.

``STATE_FOLDER/jobs/NAME/`` has ``job.json`` and ``platform.json`` as they were submitted, ``record.json``, and for jobs
on this machine ``output.log``. None of them holds a credential: those stay in the environment of whoever submits.
"""

import re
import shutil
from datetime import datetime
from pathlib import Path

from pydantic import Field

from trainyard_artifacts.fetch import Origin, write_atomically
from trainyard_artifacts.specification import Specification, SpecificationError, load_specification
from trainyard_training.publish import origin_of
from trainyard_training.specification import TrainingSpecification
from workloads.training.jobs.errors import JobError
from workloads.training.jobs.platforms import PlatformSpecification, load_platform
from workloads.training.jobs.states import JobStatus

JOB_FILE = "job.json"
PLATFORM_FILE = "platform.json"
RECORD_FILE = "record.json"
OUTPUT_FILE = "output.log"
NAME_PATTERN = re.compile(r"^[a-z](-?[a-z0-9]){0,62}$")
"""What all three platforms take: at most 63 lower-case letters, digits and single dashes, a letter first."""


class ProcessIdentity(Specification):
    """One process of this machine, told from a later one that has the same number."""

    pid: int
    started: float
    """As psutil tells it, in seconds."""


class Record(Specification):
    """What is known of a submitted job."""

    name: str
    remote: str | None = None
    """The platform's own name of the job: an ARN, or ``projects/.../customJobs/...``; null: none yet."""
    process: ProcessIdentity | None = None
    """On this machine: the supervisor, which is the one that writes this file while it lives."""
    launcher: ProcessIdentity | None = None
    """On this machine: what the supervisor has started last."""
    status: JobStatus
    restarts: int = Field(default=0, ge=0)
    exit_code: int | None = None


class JobFolder:
    """One job's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The job's name."""
        return self.path.name

    @property
    def output(self) -> Path:
        """What a job on this machine prints."""
        return self.path / OUTPUT_FILE

    def create(self, job: TrainingSpecification, platform: PlatformSpecification, record: Record) -> None:
        """Make the folder with all three files, for its owner only.

        Raises:
            JobError: there is a job of that name.
            OSError: it cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.path.mkdir(mode=0o700)
        except FileExistsError:
            raise JobError(f"there is a job {self.name} already; name another one with --name") from None
        write_atomically(self.path / JOB_FILE, job.model_dump_json(indent=2).encode())
        write_atomically(self.path / PLATFORM_FILE, platform.model_dump_json(indent=2).encode())
        self.write(record)

    def remove(self) -> None:
        """Forget a job that was never started."""
        shutil.rmtree(self.path, ignore_errors=True)

    def write(self, record: Record) -> None:
        """Replace the record."""
        write_atomically(self.path / RECORD_FILE, record.model_dump_json(indent=2).encode())

    def read(self) -> Record:
        """The record.

        Raises:
            JobError: there is no such job, or its record cannot be used.
        """
        if not self.path.is_dir():
            raise JobError(f"there is no job {self.name}; 'yard train list' shows those that there are")
        try:
            return load_specification(self.path / RECORD_FILE, Record)
        except SpecificationError as error:
            raise JobError(f"the record of job {self.name} cannot be used: {one_problem(error)}") from None

    def job(self) -> TrainingSpecification:
        """The job as it was submitted.

        Raises:
            JobError: the file cannot be used.
        """
        try:
            return load_specification(self.path / JOB_FILE, TrainingSpecification)
        except SpecificationError as error:
            raise JobError(f"job {self.name} cannot be read back: {one_problem(error)}") from None

    def origin(self) -> Origin:
        """What the manifest of the job has to say of where it is from. Raises JobError as ``job`` does."""
        return origin_of(self.job())

    def platform(self) -> PlatformSpecification:
        """The platform as it was submitted to.

        Raises:
            JobError: the file cannot be used.
        """
        try:
            return load_platform(self.path / PLATFORM_FILE)
        except SpecificationError as error:
            raise JobError(f"the platform of job {self.name} cannot be read back: {one_problem(error)}") from None


def folder_of(jobs: Path, name: str) -> JobFolder:
    """The folder of the job called ``name``.

    Raises:
        JobError: it is no name.
    """
    if not NAME_PATTERN.match(name):
        raise JobError(
            f"{name!r} is no job's name; expected up to 63 lower-case letters, digits and single dashes, a letter first"
        )
    return JobFolder(jobs / name)


def folders(jobs: Path) -> list[JobFolder]:
    """All jobs' folders, by name."""
    return [JobFolder(path) for path in sorted(jobs.glob("*")) if (path / RECORD_FILE).is_file()]


def new_name(job: TrainingSpecification, now: datetime) -> str:
    """A name for a job that is submitted now: its own, its run and the time, as far as platforms take them."""
    words = re.sub(r"[^a-z0-9]+", "-", f"{job.job}-{job.run}".lower()).strip("-")
    letters = words if words[:1].isalpha() else f"job-{words}".rstrip("-")
    return f"{letters[:46].rstrip('-')}-{now:%Y%m%d-%H%M%S}"


def one_problem(error: SpecificationError) -> str:
    """The first line of a specification's error."""
    return str(error).splitlines()[0]
