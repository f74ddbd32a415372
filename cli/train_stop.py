"""`yard train stop NAME`: asks a job to stop with a checkpoint."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.exit_status import ExitStatus
from cli.train_folder import Name, errors_of_jobs, job_folder
from cli.train_follow import show_until_end

Wait = Annotated[bool, typer.Option("--wait", "-w", help="Wait until it has ended.")]


def stop(name: Name, wait: Wait = False, directory: options.Directory = Path()) -> int:
    """Stop a job; it leaves a checkpoint.

    Submitted again, the same run goes on from there. A job that has ended is left as it is.
    """
    with errors_of_jobs():
        from workloads.training.jobs.platform import connect
        from workloads.training.jobs.submission import refresh

        folder = job_folder(directory, name)
        record = refresh(folder)
        if record.status.has_ended:
            typer.echo(f"job {name} had ended: {record.status.state}")
            return ExitStatus.SUCCESS
        connect(folder.platform()).stop(folder, record)
        typer.echo(f"job {name} was asked to stop")
        if wait:
            show_until_end(folder, output=False)
    return ExitStatus.SUCCESS
