"""`yard runs list`: a line for each run, the newest last."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lifecycle.runs.record import RunRecord

STACK: Any = typer.Option(
    "--stack", "-s", help="Only this stack's, with those in its bucket.", show_default="all of this machine"
)


def list_runs(
    stack: Annotated[str, STACK] = "",
    json: options.Json = False,
    directory: options.Directory = Path(),
) -> int:
    """List the ephemeral runs of this project, the newest last.

    Those of this machine; with --stack also those in the models bucket of a stack that is deployed.
    """
    from cli.runs_records import find_records, tell_problems

    found = find_records(find_project_folder(directory), stack)
    records = [record for record in found.records if not stack or record.stack == stack]
    tell_problems(found)
    if json:
        from cli.json_output import print_json

        print_json({"runs": [summary(record) for record in records], "problems": list(found.problems)})
    else:
        _print_table(records)
    return ExitStatus.SUCCESS


def summary(record: "RunRecord") -> dict[str, Any]:
    """What a line of the list says, as JSON."""
    from lifecycle.runs.report import ACCURACY

    return {
        "id": record.id,
        "stack": record.stack,
        "cloud": record.cloud,
        "created": record.created,
        "ended": record.ended,
        "phase": record.phase,
        "outcome": record.outcome,
        "test_accuracy": record.metrics.get(ACCURACY),
        "usd": record.cost.usd,
        "on_demand_usd": record.cost.on_demand_usd,
        "interruptions": len(record.interruptions),
        "goodput": record.goodput,
        "leftovers": len(record.leftovers),
    }


def _print_table(records: "Sequence[RunRecord]") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cli.tables import print_whole, say
    from lifecycle.runs.report import ACCURACY, goodput, outcome

    console = Console(highlight=False)
    if not records:
        say(console, "There is no run yet: yard train -s STACK makes one.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("id", "stack", "started", "outcome"):
        table.add_column(title, no_wrap=True)
    for title in ("accuracy", "cost", "interruptions", "goodput"):
        table.add_column(title, justify="right", no_wrap=True)
    for record in records:
        accuracy = record.metrics.get(ACCURACY)
        leftovers = f", {len(record.leftovers)} left" if record.leftovers else ""
        table.add_row(
            *map(
                Text,
                (
                    record.id,
                    record.stack,
                    record.created,
                    f"{outcome(record)}{leftovers}",
                    "-" if accuracy is None else f"{accuracy:.4f}",
                    f"${record.cost.usd:,.2f}",
                    "-" if record.goodput is None and not record.interruptions else str(len(record.interruptions)),
                    goodput(record),
                ),
            )
        )
    print_whole(console, table)
