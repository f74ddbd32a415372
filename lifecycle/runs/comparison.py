"""Runs side by side: what differs in how they were made, and what came of it. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lifecycle.runs.record import RunRecord
from lifecycle.runs.record_content import EXPIRY
from lifecycle.runs.report import flat


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same in all runs."""

    group: str
    """settings, versions or plan."""
    name: str
    values: tuple[Any, ...]
    """One for each run, as JSON has it; None where a run has none."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of each run."""

    name: str
    unit: str
    values: tuple[float | None, ...]
    better: str
    """more, less, or empty where neither is."""


@dataclass(frozen=True, slots=True)
class RunComparison:
    """What there is to say of several runs."""

    ids: tuple[str, ...]
    differences: tuple[Difference, ...]
    same: int
    """How many settings, versions and digests are the same in all."""
    measures: tuple[Measure, ...]


def compare_runs(records: Sequence[RunRecord]) -> RunComparison:
    """The comparison of two or more runs, in their order."""
    groups: list[tuple[str, list[dict[str, Any]]]] = [
        ("plan", [{"sha256 of the plan": each.plan_sha256 or None, "cloud": each.cloud} for each in records]),
        ("settings", [_settings(each) for each in records]),
        ("versions", [dict(each.versions) for each in records]),
    ]
    differences, same = [], 0
    for group, found in groups:
        for name in sorted({name for each in found for name in each}):
            values = tuple(each.get(name) for each in found)
            if all(value == values[0] and type(value) is type(values[0]) for value in values):
                same += 1
            else:
                differences.append(Difference(group, name, values))
    return RunComparison(tuple(each.id for each in records), tuple(differences), same, tuple(_measures(records)))


_MEASURES: tuple[tuple[str, str, str, Callable[[RunRecord], float | None]], ...] = (
    ("cost", "USD", "less", lambda run: run.cost.usd),
    ("cost on demand", "USD", "", lambda run: run.cost.on_demand_usd),
    ("deployed", "s", "less", lambda run: run.cost.seconds),
    ("goodput", "", "more", lambda run: run.goodput),
    ("interruptions", "", "less", lambda run: float(len(run.interruptions))),
    ("lost steps", "", "less", lambda run: float(sum(each.lost_steps for each in run.interruptions))),
    ("lost time", "s", "less", lambda run: sum(each.lost_seconds for each in run.interruptions)),
    ("artifacts", "bytes", "", lambda run: float(sum(each.bytes for each in run.artifacts)) if run.artifacts else None),
)


def _settings(record: RunRecord) -> dict[str, Any]:
    """The settings without the one that is another in every run."""
    return {name: value for name, value in flat(record.settings).items() if name.rpartition(":")[2] != EXPIRY}


def _better(metric: str) -> str:
    """Whether more or less of a metric is better, by its name; empty: nobody knows."""
    if any(word in metric for word in ("loss", "error", "difference", "epsilon")):
        return "less"
    return "more" if any(word in metric for word in ("accuracy", "f1")) else ""


def _measures(records: Sequence[RunRecord]) -> list[Measure]:
    metrics = sorted({name for record in records for name in record.metrics})
    found = [
        Measure(each, "", tuple(record.metrics.get(each) for record in records), _better(each)) for each in metrics
    ]
    for name, unit, better, value in _MEASURES:
        values = tuple(value(record) for record in records)
        if any(values):
            found.append(Measure(name, unit, values, better))
    return found
