"""What the commands of `yard train` share: where jobs are kept, and how their errors end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder

if TYPE_CHECKING:
    from workloads.training.jobs.records import JobFolder

Name = Annotated[str, typer.Argument(metavar="NAME", help="The job, as `submit` and `list` call it.")]


def jobs_folder(directory: Path) -> Path:
    """Where the project's jobs are kept."""
    return find_project_folder(directory) / ".trainyard" / "jobs"


def job_folder(directory: Path, name: str) -> "JobFolder":
    """One job's folder; whether there is such a job is found when it is read."""
    from workloads.training.jobs.records import folder_of

    return folder_of(jobs_folder(directory), name)


@contextmanager
def errors_of_jobs() -> Iterator[None]:
    """Inside the block, errors about jobs end the command with one message."""
    from trainyard_artifacts.errors import ArtifactError
    from trainyard_artifacts.specification import SpecificationError
    from workloads.training.jobs.errors import JobError

    try:
        yield
    except SpecificationError as error:
        raise CommandError(f"the job cannot be submitted:\n{error}", ExitStatus.CONFIGURATION) from None
    except (ArtifactError, JobError) as error:
        raise CommandError(str(error)) from None
