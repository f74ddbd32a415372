"""`yard train follow NAME`: shows a job's output until it has ended."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.train_folder import Name, errors_of_jobs, job_folder

if TYPE_CHECKING:
    from workloads.training.jobs.records import JobFolder
    from workloads.training.jobs.states import JobStatus

# Nobody waits for a line of this machine's; the clouds count requests.
_POLL_SECONDS = {"local": 0.3, "sagemaker": 10.0, "vertex": 10.0}


def follow(name: Name, json: options.Json = False, directory: options.Directory = Path()) -> int:
    """Show a job's output until it has ended.

    From its first line. Ends without success where the job does: 8 for a stopped job, 1 for a failed one.
    """
    with errors_of_jobs():
        return show_until_end(job_folder(directory, name), json=json)


def show_until_end(folder: "JobFolder", *, json: bool = False, output: bool = True) -> int:
    """Prints changes of state to standard error until the job has ended; returns the exit code that says how.

    :param json: Whether the output goes to standard error too, and the end as JSON to standard output.
    :param output: Whether what the job prints is shown.
    """
    from workloads.training.jobs.following import follow as lines_of
    from workloads.training.jobs.states import JobStatus

    status: JobStatus | None = None
    try:
        for told in lines_of(folder, _POLL_SECONDS[folder.platform().kind]):
            if isinstance(told, JobStatus):
                status = told
                typer.echo(f"job {folder.name}: {state_text(status)}", err=True)
            elif output:
                typer.echo(told, err=json)
    except KeyboardInterrupt:
        raise CommandError(
            f"no longer following; job {folder.name} goes on, 'yard train stop {folder.name}' would end it",
            ExitStatus.CANCELLED,
        ) from None
    assert status is not None
    if json:
        from cli.json_output import print_json

        print_json({"name": folder.name, **status.document()})
    return {"succeeded": ExitStatus.SUCCESS, "stopped": ExitStatus.CANCELLED}.get(status.state, ExitStatus.ERROR)


def state_text(status: "JobStatus") -> str:
    """The state, with its reason and, once it has begun, what it took and cost."""
    reason = f": {status.reason}" if status.reason else ""
    spent = f" after {status.seconds:,.0f} s, {status.cost_text}" if status.has_ended and status.started else ""
    return f"{status.state}{spent}{reason}"
