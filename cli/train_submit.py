"""`yard train submit JOB.json`: creates a job, after everything about it has been checked."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.exit_status import ExitStatus
from cli.train_folder import errors_of_jobs, jobs_folder
from cli.train_follow import show_until_end

if TYPE_CHECKING:
    from workloads.training.jobs.submission import Order


def submit(
    job_file: Annotated[Path, typer.Argument(metavar="JOB.json", help="What to train.", dir_okay=False)],
    platform: Annotated[
        Path | None,
        typer.Option(
            "--platform", help="The platform's file, see docs/training-jobs.md.", dir_okay=False, show_default="local"
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="Name of the job.", show_default="from the run and the time")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show its output until it has ended.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, and print what would be asked for.")] = False,
    json: options.Json = False,
    directory: options.Directory = Path(),
) -> int:
    """Start a training job.

    Both files are checked whole before anything is created. The job goes on when this command ends.
    """
    jobs = jobs_folder(directory)
    with errors_of_jobs():
        from workloads.training.jobs.submission import load_order
        from workloads.training.jobs.submission import submit as create

        # The word is no file's name: a file of that name is ./local.
        order = load_order(job_file, None if platform in (None, Path("local")) else platform)
        if dry_run:
            _print_request(order, name)
            return ExitStatus.SUCCESS
        folder = create(order, jobs, name)
        if json and not follow:
            from cli.json_output import print_json

            print_json({"name": folder.name, "platform": order.platform.kind, "remote": folder.read().remote})
        else:
            hint = "" if follow else f"; 'yard train follow {folder.name}' shows its output"
            typer.echo(f"job {folder.name} is submitted ({order.platform.kind}){hint}", err=json)
        if not follow:
            return ExitStatus.SUCCESS
        return show_until_end(folder, json=json)


def _print_request(order: "Order", name: str | None) -> None:
    from datetime import UTC, datetime

    from cli.json_output import print_json
    from workloads.training.jobs.platform import connect
    from workloads.training.jobs.records import new_name

    request = connect(order.platform).request(order.job, name or new_name(order.job, datetime.now(UTC)))
    print_json(dict(request))
