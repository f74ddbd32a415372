"""One simulated comparison from start to end: traces or a calibration in, all policies' results out.

Our policy learns from the past only. Of a trace file that is its first half, and the runs lie in the second half, one
after the other without overlap. Of generated traces it is another trace of 30 days with another seed. All policies are
run on the same windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from planning import quantities
from planning.errors import PlanningError
from planning.simulation.calibration import Calibration
from planning.simulation.comparison import Comparison, Group, compare
from planning.simulation.forecast import Forecast, learn
from planning.simulation.generator import DEFAULT_STEP_HOURS, generate
from planning.simulation.least_expected_cost import least_expected_cost
from planning.simulation.policies import always_on_demand, greedy, spot_only, uniform_progress
from planning.simulation.simulate import Modes, Policy, run
from planning.simulation.task import Task
from planning.simulation.traces import (
    Availability,
    Booleans,
    Trace,
    Windows,
    availability_of,
    cut_windows,
    split_history,
    steps_within,
)

MOST_STATES = 3_000_000_000
"""Runs times steps times steps of work, all of which the omniscient bound looks at: about a minute of computing."""
MOST_RUNS = 10_000
HISTORY_HOURS = 720.0
"""What our policy has seen before generated traces: 30 days."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timeline:
    """What the policies did in one run, step by step."""

    step_hours: float
    available: Booleans
    modes: tuple[tuple[str, Modes], ...]
    """Label of the policy and what it was on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """What was compared, and how it came out."""

    comparison: Comparison
    timeline: Timeline
    """Of the first run."""
    sources: tuple[str, ...]
    """Where the traces are from."""


def study_generated(task: Task, calibration: Calibration, traces: int, seed: int) -> Study:
    """Compares the policies on generated traces, each as long as the deadline. The same for the same seed.

    :raises PlanningError: numbers that make no sense.
    """
    quantities.whole("traces", traces, 1)
    quantities.whole("seed", seed, 0)
    _refuse_endless(task, [(traces, DEFAULT_STEP_HOURS)])
    past = generate(calibration, HISTORY_HOURS, _seed(seed, 0))
    runs = [generate(calibration, task.deadline_hours, _seed(seed, number)) for number in range(1, traces + 1)]
    windows = cut_windows([availability_of(each) for each in runs], task.deadline_hours, traces)
    forecast = learn([availability_of(past)])
    source = (
        f"{calibration.name}, generated in steps of {DEFAULT_STEP_HOURS:g} h with seed {seed}: "
        f"available {calibration.share:.0%} of the time; {calibration.source}"
    )
    return _study(task, [_group(task, each, forecast) for each in windows], (source,))


def study_traces(task: Task, traces: Sequence[Trace], most: int) -> Study:
    """Compares the policies on the second halves of traces, each with what its first half teaches.

    :param most: No more runs than this, in equal measure from each trace.
    :raises PlanningError: a second half is shorter than the deadline, or numbers that make no sense.
    """
    quantities.whole("traces", most, 1)
    halves = [split_history(availability_of(trace)) for trace in traces]
    sizes = _shares([future for _, future in halves], task.deadline_hours, most)
    _refuse_endless(task, [(size, future.step_hours) for (_, future), size in zip(halves, sizes, strict=True)])
    groups = [
        _group(task, each, learn([past]))
        for (past, future), size in zip(halves, sizes, strict=True)
        if size
        for each in cut_windows([future], task.deadline_hours, size)
    ]
    sources = tuple(
        f"{future.name}: runs in its last {future.hours:.4g} h: {size}; known before: its first {past.hours:.4g} h"
        for (past, future), size in zip(halves, sizes, strict=True)
    )
    return _study(task, groups, sources)


def _refuse_endless(task: Task, runs: Sequence[tuple[int, float]]) -> None:
    """Nobody waits for hours without a word. `runs`: how many have steps of so many hours."""
    states = sum(
        count * steps_within(task.deadline_hours, step) * steps_within(task.work_hours, step) for count, step in runs
    )
    count = sum(count for count, _ in runs)
    if states > MOST_STATES or count > MOST_RUNS:
        raise PlanningError(
            f"--traces = {count} and --deadline-hours = {task.deadline_hours:g}: would take too long; must be "
            f"{MOST_RUNS:,} runs or fewer, and runs x steps x steps of work {MOST_STATES:,} or fewer, which are "
            f"{states:,}: fewer runs, an earlier deadline, or a trace of longer steps"
        )


def _shares(futures: Sequence[Availability], deadline_hours: float, most: int) -> list[int]:
    """How many runs each trace gives."""
    cut_windows(futures, deadline_hours, 0)
    room = [sum(windows.count for windows in cut_windows([future], deadline_hours)) for future in futures]
    shares = [0] * len(futures)
    while sum(shares) < min(most, sum(room)):
        for index in range(len(futures)):
            if shares[index] < room[index] and sum(shares) < most:
                shares[index] += 1
    return shares


def _seed(seed: int, number: int) -> int:
    """A seed of its own for each trace: those of two studies do not meet before a million traces."""
    return seed * 1_000_000 + number


def _group(task: Task, windows: Windows, forecast: Forecast) -> Group:
    return Group(
        windows=windows,
        policies=(
            always_on_demand(),
            greedy(task),
            uniform_progress(task),
            least_expected_cost(task, forecast, windows.step_hours),
            spot_only(),
        ),
    )


def _study(task: Task, groups: Sequence[Group], sources: tuple[str, ...]) -> Study:
    return Study(comparison=compare(task, groups), timeline=_timeline(task, groups[0]), sources=sources)


def _timeline(task: Task, group: Group) -> Timeline:
    def first(policy: Policy) -> Modes:
        return run(policy, task, group.windows).modes[0]

    return Timeline(
        step_hours=group.windows.step_hours,
        available=group.windows.available[0],
        modes=tuple((policy.label, first(policy)) for policy in group.policies),
    )
