"""`yard train status NAME`: how one job is doing."""

from pathlib import Path

import typer

from cli import options
from cli.exit_status import ExitStatus
from cli.train_folder import Name, errors_of_jobs, job_folder


def status(name: Name, json: options.Json = False, directory: options.Directory = Path()) -> int:
    """Show how a job is doing, and what it has cost.

    Asks the job's platform, unless the job has ended.
    """
    with errors_of_jobs():
        from workloads.training.jobs.submission import refresh

        folder = job_folder(directory, name)
        record = refresh(folder)
        kind = folder.platform().kind
    now = record.status
    if json:
        from cli.json_output import print_json

        details = {"remote": record.remote, "restarts": record.restarts, "exit_code": record.exit_code}
        print_json({"name": record.name, "platform": kind, **details, **now.document()})
        return ExitStatus.SUCCESS
    rows = [
        ("job", record.name),
        ("platform", f"{kind}, {record.remote}" if record.remote else kind),
        ("state", f"{now.state}: {now.reason}" if now.reason else now.state),
        ("created", f"{now.created:%Y-%m-%d %H:%M:%S} UTC"),
        ("started", f"{now.started:%Y-%m-%d %H:%M:%S} UTC" if now.started else "-"),
        ("ended", f"{now.ended:%Y-%m-%d %H:%M:%S} UTC" if now.ended else "-"),
        ("time", f"{now.seconds:,.0f} s, {record.restarts} restarts"),
        ("cost", now.cost_text),
        *((metric, f"{value:g}") for metric, value in now.metrics.items()),
    ]
    width = max(len(title) for title, _ in rows)
    for title, text in rows:
        typer.echo(f"{title:{width}}  {text}")
    return ExitStatus.SUCCESS
