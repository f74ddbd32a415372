"""Compares policies on the same traces: means with 95 % confidence intervals, and differences run by run.

Intervals are Student's t intervals of the mean over runs that are taken as independent: mean ± t(0.975, n-1) s / √n.
The differences are paired: each run's cost under one policy minus the same run's under another, which takes out that
some traces are dear for everyone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from planning.errors import PlanningError
from planning.simulation.omniscient import least_possible_usd
from planning.simulation.simulate import Outcomes, Policy, run
from planning.simulation.task import Task
from planning.simulation.traces import Floats, Windows

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean, and the interval that holds the true one with 95 % confidence; no interval for a single run."""

    mean: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Floats) -> "Estimate":
        """The mean of independent runs."""
        mean = float(values.mean())
        if len(values) < 2:
            return cls(mean=mean, low=None, high=None)
        reach = (
            float(student.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * float(values.std(ddof=1)) / len(values) ** 0.5
        )
        return cls(mean=mean, low=mean - reach, high=mean + reach)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """How a policy did over all runs."""

    name: str
    label: str
    usd: Estimate
    saved: Estimate
    """Share of the cost on demand that is not spent; below 0 it costs more. The run on demand takes one start too."""
    above_bound: Estimate
    """Cost above the omniscient bound, as a share of the bound."""
    missed: int
    """Runs that were late."""
    finish_hours: float
    """Mean over the runs."""
    starts: float
    interruptions: float
    spot_hours: float
    on_demand_hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one policy costs more than another on the same runs; below 0 it is cheaper."""

    policy: str
    than: str
    usd: Estimate
    """US dollars a run."""

    @property
    def is_certain(self) -> bool:
        """Whether the interval leaves out that there is no difference."""
        return self.usd.low is not None and self.usd.high is not None and (self.usd.low > 0 or self.usd.high < 0)


COMPARED = (
    ("greedy", "on_demand"),
    ("uniform_progress", "greedy"),
    ("least_expected_cost", "greedy"),
    ("least_expected_cost", "uniform_progress"),
)
"""The order of the published policies, and where ours stands in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a task costs under each policy, on the same runs."""

    runs: int
    spot_share: float
    """The share of time, in the runs' windows, in which spot was available."""
    results: tuple[PolicyResult, ...]
    differences: tuple[Difference, ...]
    """Those of `COMPARED` that took part."""
    bound: Estimate
    """The omniscient bound in US dollars: what the best plan costs that knows the trace beforehand."""

    def difference_of(self, policy: str, than: str) -> Difference:
        """One of the differences. Raises PlanningError for one that was not compared."""
        for each in self.differences:
            if (each.policy, each.than) == (policy, than):
                return each
        raise PlanningError(f"difference of {policy!r} to {than!r}: must be one of {COMPARED}")

    def result_of(self, name: str) -> PolicyResult:
        """The result of one policy. Raises PlanningError for one that did not take part."""
        for each in self.results:
            if each.name == name:
                return each
        raise PlanningError(f"policy = {name!r}: must be one of {', '.join(each.name for each in self.results)}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Windows of one step length, and the policies for them."""

    windows: Windows
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Runs:
    usd: Floats
    finish_hours: Floats
    starts: Floats
    interruptions: Floats
    spot_hours: Floats
    on_demand_hours: Floats
    missed: Floats


def compare(task: Task, groups: Sequence[Group]) -> Comparison:
    """Runs all policies, `on_demand` among them, on all windows.

    :raises PlanningError: there is nothing to run, groups have other policies, or `on_demand` is missing.
    """
    if not groups:
        raise PlanningError("windows: there must be one or more to simulate")
    labels = [[(each.name, each.label) for each in group.policies] for group in groups]
    names = [name for name, _ in labels[0]]
    if any(each != labels[0] for each in labels) or "on_demand" not in names:
        raise PlanningError(f"policies = {names}: every group needs the same, on_demand among them")
    runs = {
        name: _together([run(group.policies[index], task, group.windows) for group in groups])
        for index, name in enumerate(names)
    }
    bound = np.concatenate([least_possible_usd(task, group.windows) for group in groups])
    open_steps = sum(int(group.windows.available.sum()) * group.windows.step_hours for group in groups)
    all_steps = sum(group.windows.available.size * group.windows.step_hours for group in groups)
    return Comparison(
        runs=len(bound),
        spot_share=open_steps / all_steps,
        bound=Estimate.of(bound),
        results=tuple(_result(name, label, runs, bound) for name, label in labels[0]),
        differences=tuple(
            Difference(policy=one, than=other, usd=Estimate.of(runs[one].usd - runs[other].usd))
            for one, other in COMPARED
            if {one, other} <= set(names)
        ),
    )


def _together(outcomes: Sequence[Outcomes]) -> _Runs:
    def joined(name: str) -> Floats:
        return np.concatenate([getattr(each, name) for each in outcomes]).astype(np.float64)

    return _Runs(**{name: joined(name) for name in _Runs.__slots__})


def _result(name: str, label: str, runs: dict[str, _Runs], bound: Floats) -> PolicyResult:
    own, on_demand = runs[name], runs["on_demand"]
    return PolicyResult(
        name=name,
        label=label,
        usd=Estimate.of(own.usd),
        saved=Estimate.of(1 - own.usd / on_demand.usd),
        above_bound=Estimate.of(own.usd / bound - 1),
        missed=int(own.missed.sum()),
        finish_hours=float(own.finish_hours.mean()),
        starts=float(own.starts.mean()),
        interruptions=float(own.interruptions.mean()),
        spot_hours=float(own.spot_hours.mean()),
        on_demand_hours=float(own.on_demand_hours.mean()),
    )
