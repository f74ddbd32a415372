"""How `yard loadtest` looks: a table of steps for each protocol, its knee, and what the target load needs."""

from rich.console import Console

from cli.data_tables import column_table
from cli.tables import print_whole, say
from planning.capacity.knee import BASES
from planning.capacity.ladder import ENDINGS
from planning.capacity.measurement import PERCENTILES, Step
from planning.capacity.report import NO_KNEE, Curve, LoadTest, notes, usd_per_hour


def print_load_test(test: LoadTest) -> None:
    """All of it."""
    out = Console()
    items = "1 item" if test.batch_size == 1 else f"{test.batch_size} items"
    limit = f", p99 at most {test.p99_limit_ms:g} ms" if test.p99_limit_ms is not None else ""
    say(out, f"{test.model}, {items} a request, {test.bounds.seconds:g} s for each number of clients{limit}")
    for curve in test.curves:
        say(out, f"\n{curve.protocol} at {curve.address}")
        _print_steps(out, curve)
        _print_curve(out, curve, test)
    say(out, "\nNotes:")
    for note in notes(test):
        say(out, f"  {note}")


def _print_steps(out: Console, curve: Curve) -> None:
    table = column_table(
        ["clients", "requests/s", *(f"p{percent} ms" for percent in PERCENTILES), "answered", "failed", ""], left=0
    )
    for step in curve.load.steps:
        table.add_row(
            str(step.concurrency),
            f"{step.requests_per_second:,.1f}",
            *(_milliseconds(step.latency_ms(percent)) for percent in PERCENTILES),
            f"{step.answered:,}",
            f"{step.failed:,}",
            _mark(step, curve),
        )
    print_whole(out, table)


def _print_curve(out: Console, curve: Curve, test: LoadTest) -> None:
    say(out, f"Ended because {ENDINGS[curve.load.ending]}, after {curve.load.sent:,} requests.")
    for kind, said in curve.load.said.items():
        counted = sum(step.errors.get(kind, 0) for step in curve.load.steps)
        say(out, f"Failed: {counted:,} x {kind}, such as: {said}")
    if curve.knee is None:
        say(out, f"Knee: none; {NO_KNEE}.")
    else:
        knee = curve.knee.step
        say(
            out,
            f"Knee: {knee.requests_per_second:,.1f} requests a second with {knee.concurrency} "
            f"client{'s' if knee.concurrency > 1 else ''}, p99 {_milliseconds(knee.latency_ms(99))} ms "
            f"({BASES[curve.knee.basis]}).",
        )
    if curve.fleet and test.need:
        fleet = curve.fleet
        usd = usd_per_hour(fleet, is_here=test.is_here)
        parts = [
            _count(fleet.replicas, "replica"),
            _count(fleet.gpus, "GPU"),
            *([_count(fleet.instances, "instance")] if fleet.instances is not None else []),
            "cost unknown" if usd is None else f"${usd:,.2f} an hour" if usd else "nothing an hour on this machine",
        ]
        say(out, f"For {test.need.target_rps:,g} requests a second: {', '.join(parts)}.")


def _mark(step: Step, curve: Curve) -> str:
    if curve.knee and step is curve.knee.step:
        return "knee"
    return "" if step.is_whole else f"cut short at {step.seconds:.2g} s"


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
