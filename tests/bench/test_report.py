"""The table, as it is printed."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.report import print_results, quantity
from bench.results import Comparison, Result, Target, Unit

GOLDEN = Path(__file__).parent / "golden"
MACHINE: dict[str, Any] = {
    "cpu": "Example CPU",
    "cores": 2,
    "memory_gib": 23.5,
    "os": "Example OS 12",
    "python": "3.11.7",
    "load": 0.5,
}
RATIO = Target(of="ratio", at_most=0.25)


def result(name: str, value: float, unit: Unit, compared: float | None = None, target: Target | None = None) -> Result:
    comparison = None if compared is None else Comparison(what="pulumi 3.260.0", value=compared)
    return Result(name=name, value=value, unit=unit, compared_with=comparison, target=target, machine=MACHINE)


def printed(results: list[Result]) -> str:
    stream = io.StringIO()
    print_results([each.document() for each in results], Console(file=stream, width=100, color_system=None))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def test_results_beside_the_real_command() -> None:
    results = [
        result("previews/first/10/time", 0.2214, "s", 1.381, RATIO),
        result("previews/first/10/memory", 75.6, "MiB", 198.9),
        result("previews/first/5000/time", 7.01, "s", 26.0, RATIO),
        result("previews/first/growth", 1.08, "x", 1.02, Target(of="value", at_most=1.2)),
        result("main-job/training", 13.48, "s"),
        result("main-job/total", 121.5, "s", None, Target(of="value", at_most=60)),
    ]
    assert printed(results) == (GOLDEN / "compared.txt").read_text()


def test_results_without_the_real_command_say_so() -> None:
    results = [
        result("previews/first/10/time", 0.2214, "s", None, RATIO),
        result("previews/first/10/memory", 75.6, "MiB"),
    ]
    assert printed(results) == (GOLDEN / "alone.txt").read_text()


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(0.2214, "s", "0.22 s"), (99.99, "s", "99.99 s"), (1234.5, "s", "1,234 s"), (75.6, "MiB", "76 MiB")],
)
def test_quantities_have_the_digits_they_deserve(value: float, unit: str, shown: str) -> None:
    assert quantity(value, unit) == shown
