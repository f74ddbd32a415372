"""`yard runs compare A B ...`: what differs between runs, and what came of it; with a picture if wanted."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from cli.runs_show import Stack

if TYPE_CHECKING:
    from lifecycle.runs.comparison import RunComparison


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Runs, or how their names begin.", show_default=False)
    ],
    stack: Stack = "",
    json: options.Json = False,
    picture: options.Picture = None,
    directory: options.Directory = Path(),
) -> int:
    """Show what differs between runs, and what came of it.

    --picture draws accuracy against cost and time, and learning curves where a run's was kept.
    """
    from cli.runs_records import choose, find_records, tell_problems
    from lifecycle.runs.comparison import compare_runs
    from planning.pictures import check_picture_path

    if picture is not None:
        check_picture_path(picture)
    project = find_project_folder(directory)
    found = find_records(project, stack)
    tell_problems(found)
    records = list({record.id: record for record in (choose(found.records, name) for name in runs)}.values())
    if len(records) < 2:
        raise CommandError(f"ID is {', '.join(runs)}: must be two different runs or more", ExitStatus.CONFIGURATION)
    comparison = compare_runs(records)
    if json:
        from cli.json_output import print_json

        print_json(document_of(comparison))
    else:
        _print(comparison)
    if picture is not None:
        from cli.picture_file import write_picture
        from cli.runs_picture import draw
        from lifecycle.runs.curve import read_curve
        from lifecycle.runs.folder import runs_folder

        curves = [read_curve(runs_folder(project) / record.id) for record in records]
        write_picture(picture, draw(records, curves, picture.suffix), json=json)
    return ExitStatus.SUCCESS


def document_of(comparison: "RunComparison") -> dict[str, Any]:
    """The comparison as JSON."""
    return {
        "runs": list(comparison.ids),
        "same": comparison.same,
        "differences": [
            {"group": each.group, "name": each.name, "values": list(each.values)} for each in comparison.differences
        ],
        "measures": [
            {"name": each.name, "unit": each.unit, "better": each.better, "values": list(each.values)}
            for each in comparison.measures
        ],
    }


def _print(comparison: "RunComparison") -> None:
    from rich.console import Console

    from cli.tables import print_whole, say

    console = Console(highlight=False)
    if comparison.differences:
        rows = [
            (f"{each.group}: {each.name}", [_shown(value) for value in each.values]) for each in comparison.differences
        ]
        say(console, f"What differs ({comparison.same} settings, versions and digests are the same):")
        print_whole(console, _table(comparison.ids, rows))
    else:
        say(console, f"Nothing differs in settings, versions and plan ({comparison.same} are the same).")
    say(console, "What came of it:")
    print_whole(console, _table(comparison.ids, [_measure_row(each) for each in comparison.measures]))


def _shown(value: Any) -> str:
    """A value of a difference; a digest by its beginning, which tells it from others."""
    if value is None:
        return "-"
    text = str(value)
    return f"{text[:12]}…" if re.fullmatch(r"[0-9a-f]{40,}", text) else text


def _measure_row(measure: Any) -> tuple[str, list[str]]:
    from lifecycle.runs.report import number

    known = [value for value in measure.values if value is not None]
    best = {"more": max, "less": min}.get(measure.better)
    marked = best(known) if best and len(set(known)) > 1 else None
    cells = ["-" if value is None else f"{number(value)}{' *' if value == marked else ''}" for value in measure.values]
    return f"{measure.name}{f', {measure.unit}' if measure.unit else ''}", cells


def _table(ids: tuple[str, ...], rows: list[tuple[str, list[str]]]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for each in ids:
        table.add_column(each, justify="right", overflow="fold", max_width=48)
    for name, cells in rows:
        table.add_row(Text(name), *map(Text, cells))
    return table
