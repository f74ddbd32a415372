"""How `yard releases` looks: a table of the versions, and what is to be said of them."""

from rich.console import Console

from cli.data_tables import column_table
from cli.releases_measured import Measured
from cli.releases_report import Report, differs, failures, notes
from cli.tables import print_whole, say
from planning.capacity.measurement import PERCENTILES


def print_report(report: Report) -> None:
    """All of it but the differences, which are warnings."""
    out = Console()
    say(out, f"{report.model} through {report.protocol} at {report.address}")
    latencies = [f"p{percent} ms" for percent in PERCENTILES]
    table = column_table(
        [
            "version", "run", "variant", "requests", "KiB", "accuracy", "in manifest", *latencies, "ms in manifest",
            "examples/s", "",
        ],
        left=3,
    )  # fmt: skip
    for each in report.releases:
        table.add_row(
            str(each.release.version),
            each.release.run,
            each.model.variant or "-",
            f"{each.release.percent}%",
            f"{each.model.bytes / 1024:,.1f}",
            _figure(each.accuracy, ".4f"),
            _figure(each.model.accuracy, ".4f"),
            *(_figure(each.single.latency_ms(percent) if each.single else None, ",.2f") for percent in PERCENTILES),
            _figure(each.model.latency_ms, ",.2f"),
            _figure(each.examples_per_second, ",.0f"),
            _mark(each, report.tolerance),
        )
    print_whole(out, table)
    for failure in failures(report):
        say(out, f"Failed: {failure}")
    say(out, "Notes:")
    for note in notes(report):
        say(out, f"  {note}")


def _mark(measured: Measured, tolerance: float) -> str:
    return "failed" if measured.failure else "differs" if differs(measured, tolerance) else ""


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
