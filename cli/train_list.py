"""`yard train list`: all jobs of the project, on whichever platform."""

from pathlib import Path
from typing import TYPE_CHECKING

from cli import options
from cli.exit_status import ExitStatus
from cli.train_folder import errors_of_jobs, jobs_folder

if TYPE_CHECKING:
    from workloads.training.jobs.states import JobStatus


def list_jobs(json: options.Json = False, directory: options.Directory = Path()) -> int:
    """Show all jobs that were submitted from this project.

    Those that have not ended are asked after; one whose platform does not tell is shown as it was last seen.
    """
    from workloads.training.jobs.errors import JobError
    from workloads.training.jobs.records import folders
    from workloads.training.jobs.submission import refresh

    rows: list[tuple[str, str, JobStatus]] = []
    unknown: list[str] = []
    with errors_of_jobs():
        for folder in folders(jobs_folder(directory)):
            try:
                now = refresh(folder).status
            except JobError as error:
                now = folder.read().status
                unknown.append(str(error))
            rows.append((folder.name, folder.platform().kind, now))
    if json:
        from cli.json_output import print_json

        listed = [{"name": name, "platform": kind, **now.document()} for name, kind, now in rows]
        print_json({"jobs": listed, "not_told": unknown})
    else:
        _print_table(rows, unknown)
    return ExitStatus.SUCCESS


def _print_table(rows: "list[tuple[str, str, JobStatus]]", unknown: list[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from cli.tables import print_whole, say

    console = Console(highlight=False)
    if not rows:
        say(console, "There is no job; 'yard train submit JOB.json' starts one.")
        return
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("job", "platform", "state", "created", "seconds", "cost"):
        table.add_column(title, justify="right" if title in ("seconds", "cost") else "left")
    for name, kind, now in rows:
        table.add_row(
            name, kind, now.state, f"{now.created:%Y-%m-%d %H:%M}", f"{now.seconds:,.0f}", now.cost_text
        )  # fmt: skip
    print_whole(console, table)
    for name, _, now in rows:
        if now.state in ("failed", "queued") and now.reason:
            say(console, f"{name}: {now.reason}")
    for problem in unknown:
        say(console, f"as last seen: {problem}")
