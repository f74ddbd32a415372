"""Previews of many resources: time, CPU time and peak memory of the whole command, beside the real Pulumi CLI.

The program registers component resources in a loop, each with two inputs and an output. A *first* preview finds no
state; a *no-change* preview finds all of them recorded by an `up` before it. Where `pulumi` is on PATH, both commands
preview the same program, turn by turn, each in a folder with a state of its own, and the results are compared.
"""

import os
import re
import shutil
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
class Measured:
    """One contestant's preview of one size and kind."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


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
    medians: dict[tuple[Kind, int], list[Measured]] = {}
    for size in sorted(sizes):
        folders = [make_project(folder / f"{each.name.replace(' ', '-')}-{size}", size) for each in contestants]
        for contestant, project in zip(contestants, folders, strict=True):
            if contestant.has_stacks_to_make:
                measure.run(contestant.command(project, "stack", "init", STACK))
        for kind in KINDS:
            if kind == "no-change":
                for contestant, project in zip(contestants, folders, strict=True):
                    progress(f"{size:,} components: {contestant.name} up")
                    measure.run(contestant.command(project, "up", "--stack", STACK, "--yes", "--skip-preview"))
            medians[kind, size] = _measure_kind(contestants, folders, kind, size, runs_of(size), progress)
    return [result for kind in KINDS for result in _results(kind, contestants, medians)]


def make_project(folder: Path, size: int) -> Path:
    """Writes a project with a program of so many components; returns its folder."""
    (folder / "state").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(
        f"name: bench\nruntime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n", encoding="utf-8"
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


def _measure_kind(
    contestants: Sequence[Contestant],
    folders: Sequence[Path],
    kind: Kind,
    size: int,
    runs: int,
    progress: Callable[[str], None],
) -> list[Measured]:
    """The medians of each contestant, run turn by turn so that all meet the same machine."""
    what = f"{size:,} components: {kind} preview"
    commands = [
        contestant.command(folder, "preview", "--stack", STACK)
        for contestant, folder in zip(contestants, folders, strict=True)
    ]
    peaks = []
    for contestant, command in zip(contestants, commands, strict=True):
        progress(f"{what}, {contestant.name}, memory")
        peaks.append(measure.peak_memory_mib(command))
    done: list[list[Run]] = [[] for _ in contestants]
    for number in range(1, runs + 1):
        for contestant, command, its_runs in zip(contestants, commands, done, strict=True):
            progress(f"{what}, {contestant.name}, run {number} of {runs}")
            its_runs.append(measure.run(command))
            _require(its_runs[-1].output, kind, size, contestant.name)
    return [
        Measured(
            statistics.median(run.seconds for run in its_runs),
            statistics.median(run.cpu_seconds for run in its_runs),
            peak,
        )
        for its_runs, peak in zip(done, peaks, strict=True)
    ]


def _require(output: str, kind: Kind, size: int, who: str) -> None:
    """Raises BenchError unless the preview says that it found the components, and the stack around them."""
    expected = f"{size + 1} {'to create' if kind == 'first' else 'unchanged'}"
    if not re.search(rf"\b{expected}\b", output):
        raise BenchError(f"{who} was expected to preview {expected!r}, and printed:\n{output[-2000:]}")


def _results(
    kind: Kind, contestants: Sequence[Contestant], medians: dict[tuple[Kind, int], list[Measured]]
) -> list[Result]:
    sizes = [size for each, size in medians if each == kind]
    results = []

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

    for size in sizes:
        measured = medians[kind, size]
        add(f"{size}/time", [each.seconds for each in measured], "s", TIME_TARGET)
        add(f"{size}/cpu-time", [each.cpu_seconds for each in measured], "s", None)
        add(f"{size}/memory", [each.peak_mib for each in measured], "MiB", None)
    if len(sizes) > 2:
        growths = [
            growth({size: medians[kind, size][index].seconds for size in sizes}) for index in range(len(contestants))
        ]
        add("growth", growths, "x", GROWTH_TARGET)
    return results


def find_pulumi() -> str | None:
    """The real Pulumi CLI on PATH, or None."""
    return shutil.which("pulumi")
