"""Metrics read from what the training prints, by the same expressions on every platform."""

import math
import re
from collections.abc import Iterable
from pathlib import Path

_TAIL_BYTES = 65_536

METRICS: dict[str, str] = {
    "step": r"^step +([0-9]+)/",
    "training_loss": r"^step .* loss +([0-9.eE+-]+)",
    "examples_per_second": r"^step .* ([0-9,.]+) (?:images|examples)/s",
    "test_accuracy": r"test[ _]accuracy +([0-9.]+)",
}
"""Name -> expression whose first group is the value; also what SageMaker is given as MetricDefinitions."""


def read_metrics(lines: Iterable[str]) -> dict[str, float]:
    """The last value of each metric that occurs in the lines."""
    found: dict[str, float] = {}
    for line in lines:
        for name, expression in METRICS.items():
            match = re.search(expression, line)
            value = _number(match[1]) if match else None
            if value is not None:
                found[name] = value
    return found


def metrics_in(path: Path) -> dict[str, float]:
    """The metrics at the end of a file of such lines; none where there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
            return read_metrics(file.read().decode(errors="replace").splitlines())
    except FileNotFoundError:
        return {}


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "").rstrip("."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
