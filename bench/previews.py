"""Previews of many resources: time, CPU time and peak memory of the whole command, beside the real Pulumi CLI.

The program registers component resources in a loop, each with two inputs and an output. A *first* preview finds no
state; a *no-change* preview finds all of them recorded by an `up` before it. Where `pulumi` is on PATH, both commands
preview the same program, each in a folder with a state of its own. All sizes and both commands take turns, so that
whatever else the machine does meets all of them alike.
"""

import json
import os
import re
import shutil
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench import measure
from bench.errors import BenchError
from bench.machine import describe_machine
from bench.measure import Command, Run
from bench.results import Comparison, Result, Target, Unit

NAME = "previews"
SIZES = (10, 100, 1_000, 5_000)
STACK = "bench"

TIME_TARGET = Target(of="ratio", at_most=0.25)
GROWTH_TARGET = Target(of="value", at_most=1.2)
"""Linear growth, with room for what a larger heap costs."""

_LEAST_COST_SECONDS = 1e-6

Kind = Literal["first", "no-change"]
KINDS: tuple[Kind, ...] = ("first", "no-change")

_PROGRAM = '''\
"""Registers component resources, as many as a preview is measured with."""

import pulumi


class Item(pulumi.ComponentResource):
    def __init__(self, index: int) -> None:
        super().__init__("bench:index:Item", f"item-{index}", {"index": index, "label": f"item number {index}"})
        self.register_outputs({"index": index})


for index in range(COUNT):
    Item(index)
'''


@dataclass(frozen=True, slots=True)
class Contestant:
    """A command that previews, and all that it needs."""

    name: str
    executable: tuple[str, ...]
    environment: dict[str, str]
    has_stacks_to_make: bool
    """Whether a stack has to be made before it can be previewed."""

    def command(self, folder: Path, *arguments: str) -> Command:
        """The command with these arguments, in a project folder."""
        return Command(arguments=[*self.executable, *arguments], directory=folder, environment=self.environment)


@dataclass(frozen=True, slots=True)
class Project:
    """A program of one size, and who previews it in that folder."""

    contestant: Contestant
    size: int
    folder: Path


@dataclass(slots=True)
class Measured:
    """A project's previews of one kind."""

    peak_mib: float
    runs: list[Run] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The median wall time."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def cpu_seconds(self) -> float:
        """The median CPU time."""
        return statistics.median(run.cpu_seconds for run in self.runs)

    @property
    def least_seconds(self) -> float:
        """The wall time of the run that was disturbed least."""
        return min(run.seconds for run in self.runs)


def runs_of(size: int) -> int:
    """How often a preview of so many resources is timed; the result is the median."""
    return 5 if size <= 100 else 3


def steps(sizes: Sequence[int], *, with_cli: bool, runs_of: Callable[[int], int] = runs_of) -> int:
    """How many times `measure_previews` tells its progress."""
    contestants = 2 if with_cli else 1
    return sum(contestants * (1 + len(KINDS) * (1 + runs_of(size))) for size in sizes)


def measure_previews(
    folder: Path,
    progress: Callable[[str], None],
    *,
    yard: Sequence[str],
    pulumi: str | None,
    sizes: Sequence[int] = SIZES,
    runs_of: Callable[[int], int] = runs_of,
) -> list[Result]:
    """Measures previews of each size; `folder` is an empty one for the projects and their state.

    `yard` is the command as the user calls it, `pulumi` the path of the real one, None where it is not to be compared
    with. Raises BenchError where a command fails or previews something else than it was given.
    """
    contestants = [_yard(yard)]
    if pulumi is not None:
        contestants.append(_pulumi(pulumi, folder / "home"))
    projects = [
        Project(contestant, size, make_project(folder / f"{contestant.name.replace(' ', '-')}-{size}", size))
        for size in sorted(sizes)
        for contestant in contestants
    ]
    results = []
    for kind in KINDS:
        for project in projects:
            _prepare(project, kind, progress)
        measured = _measure(projects, kind, runs_of, progress)
        results += _results(kind, contestants, list(zip(projects, measured, strict=True)))
    return results


def make_project(folder: Path, size: int) -> Path:
    """Writes a project with a program of so many components; returns its folder."""
    (folder / "state").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(
        f"name: bench\nruntime:\n  name: python\n  options:\n    virtualenv: {json.dumps(sys.prefix)}\n",
        encoding="utf-8",
    )
    (folder / f"Pulumi.{STACK}.yaml").write_text("config: {}\n", encoding="utf-8")
    (folder / "__main__.py").write_text(_PROGRAM.replace("COUNT", str(size)), encoding="utf-8")
    return folder


def growth(seconds: dict[int, float]) -> float:
    """How the cost of one more resource grows from the second largest size to the largest; 1 is linear.

    `seconds` by size, three sizes at least. What the smallest size takes counts as the cost of starting, and is left
    out: with it, any growth would look smaller than it is. A cost below a microsecond counts as one: it is noise.
    """
    smallest, *_, second, largest = sorted(seconds)
    cost = {
        size: max((seconds[size] - seconds[smallest]) / (size - smallest), _LEAST_COST_SECONDS)
        for size in (second, largest)
    }
    return cost[largest] / cost[second]


def _yard(executable: Sequence[str]) -> Contestant:
    return Contestant("yard", tuple(executable), _environment(), has_stacks_to_make=False)


def _pulumi(executable: str, home: Path) -> Contestant:
    home.mkdir()
    environment = _environment() | {
        "PULUMI_HOME": str(home),
        # Neither looks for a newer version nor for plugins that the program has no use for: it would only wait.
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # Its `up`, which is not measured, would write the whole state anew for each of 5,000 resources.
        "PULUMI_SKIP_CHECKPOINTS": "true",
    }
    asked = Command(arguments=[executable, "version"], directory=home, environment=environment)
    version = measure.run(asked).output.strip().removeprefix("v")
    return Contestant(f"pulumi {version}", (executable,), environment, has_stacks_to_make=True)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    # Relative, so that each project has its own, and the same kind for both commands.
    return {**kept, "PULUMI_BACKEND_URL": "file://./state", "PULUMI_CONFIG_PASSPHRASE": "bench"}


def _prepare(project: Project, kind: Kind, progress: Callable[[str], None]) -> None:
    """Brings the project into the state that previews of this kind find."""
    who = project.contestant
    if kind == "first":
        if who.has_stacks_to_make:
            measure.run(who.command(project.folder, "stack", "init", STACK))
    else:
        progress(f"{project.size:,} components: {who.name} up")
        measure.run(who.command(project.folder, "up", "--stack", STACK, "--yes", "--skip-preview"))


def _measure(
    projects: Sequence[Project], kind: Kind, runs_of: Callable[[int], int], progress: Callable[[str], None]
) -> list[Measured]:
    """Measures previews of one kind, of every project in turn; memory first, which warms up for the times."""
    measured = []
    for project in projects:
        progress(f"{_what(project, kind)}, memory")
        measured.append(Measured(measure.peak_memory_mib(_preview(project))))
    for number in range(1, max(runs_of(project.size) for project in projects) + 1):
        for project, its in zip(projects, measured, strict=True):
            if number <= runs_of(project.size):
                progress(f"{_what(project, kind)}, run {number} of {runs_of(project.size)}")
                its.runs.append(measure.run(_preview(project)))
                _require(its.runs[-1].output, kind, project)
    return measured


def _preview(project: Project) -> Command:
    return project.contestant.command(project.folder, "preview", "--stack", STACK)


def _what(project: Project, kind: Kind) -> str:
    return f"{project.size:,} components: {kind} preview, {project.contestant.name}"


def _require(output: str, kind: Kind, project: Project) -> None:
    """Raises BenchError unless the preview says that it found the components, and the stack around them."""
    expected = f"{project.size + 1} {'to create' if kind == 'first' else 'unchanged'}"
    if not re.search(rf"\b{expected}\b", output):
        name = project.contestant.name
        raise BenchError(f"{name} was expected to preview {expected!r}, and printed:\n{output[-2000:]}")


def _results(
    kind: Kind, contestants: Sequence[Contestant], measured: Sequence[tuple[Project, Measured]]
) -> list[Result]:
    results: list[Result] = []

    def add(name: str, values: Sequence[float], unit: Unit, target: Target | None) -> None:
        compared = Comparison(what=contestants[1].name, value=values[1]) if len(values) > 1 else None
        results.append(
            Result(
                name=f"{NAME}/{kind}/{name}",
                value=values[0],
                unit=unit,
                compared_with=compared,
                target=target,
                machine=describe_machine(),
            )
        )

    sizes = sorted({project.size for project, _ in measured})
    for size in sizes:
        of_size = [its for project, its in measured if project.size == size]
        add(f"{size}/time", [its.seconds for its in of_size], "s", TIME_TARGET)
        add(f"{size}/cpu", [its.cpu_seconds for its in of_size], "s", None)
        add(f"{size}/memory", [its.peak_mib for its in of_size], "MiB", None)
    if len(sizes) > 2:
        growths = [
            growth({project.size: its.least_seconds for project, its in measured if project.contestant is contestant})
            for contestant in contestants
        ]
        add("growth", growths, "x", GROWTH_TARGET)
    return results


def find_pulumi() -> str | None:
    """The real Pulumi CLI on PATH, or None."""
    return shutil.which("pulumi")
