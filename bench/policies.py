"""What the policy pack costs: the time that it adds to a preview, and the time that it takes to answer by itself.

The same program is previewed without the pack, with it, and with as many policies served by the policy SDK's own class.
The SDK's policies judge nothing: it is the least that its loop over policies and resources takes; the pack's rules
count in its own figure. All take turns, so that whatever else the machine does meets all of them alike. Every policy is
advisory, so that no preview fails, and all are asked.

Pulumi's engine asks about one resource after the other, and then about the stack: so the packs are asked directly, too.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import measure, policy_resources
from bench.errors import BenchError
from bench.machine import describe_machine
from bench.measure import Command
from bench.results import Comparison, Result, Target
from engine.analyzer_messages import analyze_request, analyzer_resource
from engine.analyzers import PolicyPack

NAME = "policies"
SIZES = (100, 1_000, 5_000)
CALLS = 300
"""How often each pack is asked about one resource."""
ADDED_TARGET = Target(of="value", at_most=0.5)
"""Milliseconds a resource, in a preview, the pack's start included."""
ANSWER_TARGET = Target(of="ratio", at_most=0.5)
"""Of the time that the SDK's loop takes."""

_LEAST_MILLISECONDS = 0.001
_ADVISORY = {"all": "advisory"}
_FLOOR = "the SDK's loop over as many empty policies"
_FLOOR_PROGRAM = '''\
"""As many policies as the pack in {FOLDER} has, which judge nothing, served by the policy SDK."""

import sys

sys.path.insert(0, {ROOT!r})

from policies.catalogue import RULES
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy, StackValidationPolicy


def policy(rule):
    kind = ResourceValidationPolicy if rule.kind == "resource" else StackValidationPolicy
    return kind(rule.id, rule.title, lambda args, report: None)


PolicyPack("floor", [policy(rule) for rule in RULES], EnforcementLevel.ADVISORY)
'''


@dataclass(slots=True)
class Added:
    """What a pack adds to previews of one size: wall time of previews with it and without it, by turn."""

    size: int
    pairs: list[tuple[float, float]] = field(default_factory=list)

    @property
    def milliseconds_a_resource(self) -> float:
        """The median of what it added; not less than a microsecond, which can only be noise."""
        added = statistics.median(with_pack - without for with_pack, without in self.pairs)
        return max(added / self.size * 1_000, _LEAST_MILLISECONDS)


def runs_of(size: int) -> int:
    """How often a preview of so many resources is timed with the pack; the result is the median."""
    return 9 if size <= 100 else 5 if size <= 1_000 else 3


def floor_runs_of(size: int) -> int:
    """How often it is timed with the SDK's loop, which takes many times as long."""
    return 3 if size <= 100 else 1


def steps(sizes: Sequence[int], *, runs_of: Callable[[int], int] = runs_of) -> int:
    """How many times `measure_policies` tells its progress."""
    return sum(1 + 2 * runs_of(size) + min(floor_runs_of(size), runs_of(size)) for size in sizes) + 2 * (1 + len(sizes))


def missing(pack: Path) -> str | None:
    """Why the pack cannot run on this machine."""
    python = pack / ".venv" / "bin" / "python"
    return None if os.access(python, os.X_OK) else f"there is no {python} (`make setup` makes it)"


def measure_policies(
    folder: Path,
    progress: Callable[[str], None],
    *,
    yard: Sequence[str],
    pack: Path,
    sizes: Sequence[int] = SIZES,
    runs_of: Callable[[int], int] = runs_of,
    calls: int = CALLS,
) -> list[Result]:
    """Measures the policy pack in the folder `pack`; `folder` is an empty one for projects and the SDK's pack.

    `yard` is the command as the user calls it. Raises BenchError where a command fails or previews something else than
    it was given, and PolicyPackError where a pack does not start or cannot answer.
    """
    floor = make_floor(folder / "floor", pack)
    settings = folder / "settings.json"
    settings.write_text(json.dumps(_ADVISORY), encoding="utf-8")
    results = []
    for size in sorted(sizes):
        project = make_project(folder / str(size), size)
        preview = _Preview(project, size, list(yard), settings)
        results.append(_added(preview, pack, floor, runs_of(size), progress))
    answers = [_answers(directory, sizes, calls, progress) for directory in (pack, floor)]
    own, floors = answers
    return results + [_result(name, own[name], floors[name], ANSWER_TARGET) for name in own]


def make_project(folder: Path, size: int) -> Path:
    """Writes a project with a program of so many resources; returns its folder."""
    (folder / "state").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(
        f"name: {policy_resources.PROJECT}\nruntime:\n  name: python\n  options:\n"
        f"    virtualenv: {json.dumps(sys.prefix)}\n",
        encoding="utf-8",
    )
    (folder / f"Pulumi.{policy_resources.STACK}.yaml").write_text("config: {}\n", encoding="utf-8")
    (folder / "__main__.py").write_text(policy_resources.program(size), encoding="utf-8")
    return folder


def make_floor(folder: Path, pack: Path) -> Path:
    """Writes the pack of empty policies, to run in the environment of `pack`; returns its folder."""
    folder.mkdir(parents=True)
    (folder / "PulumiPolicy.yaml").write_text(
        f"version: 1.0.0\nruntime:\n  name: python\n  options:\n    virtualenv: {json.dumps(str(pack / '.venv'))}\n",
        encoding="utf-8",
    )
    program = _FLOOR_PROGRAM.replace("{FOLDER}", pack.name).replace("{ROOT!r}", repr(str(pack.parent)))
    (folder / "__main__.py").write_text(program, encoding="utf-8")
    return folder


@dataclass(frozen=True, slots=True)
class _Preview:
    """Previews of a project."""

    folder: Path
    size: int
    yard: Sequence[str]
    settings: Path

    def seconds(self, pack: Path | None) -> float:
        """The wall time of a preview. Raises BenchError unless it is of all resources, judged by the pack if any."""
        options = ["--policy-pack", str(pack), "--policy-pack-config", str(self.settings)] if pack else []
        arguments = [*self.yard, "preview", "--stack", policy_resources.STACK, *options]
        run = measure.run(Command(arguments=arguments, directory=self.folder, environment=_environment()))
        expected = [f"{self.size + 1} to create", *([" policies)"] if pack else [])]
        if missing := [each for each in expected if each not in run.output]:
            raise BenchError(f"the preview was expected to say {missing[0]!r}, and printed:\n{run.output[-2000:]}")
        return run.seconds


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    return {**kept, "PULUMI_BACKEND_URL": "file://./state", "PULUMI_CONFIG_PASSPHRASE": "bench"}


def _added(preview: _Preview, pack: Path, floor: Path, runs: int, progress: Callable[[str], None]) -> Result:
    own, floors = Added(preview.size), Added(preview.size)
    what = f"{preview.size:,} resources: preview"
    progress(f"{what} with the pack, to warm up")
    preview.seconds(pack)
    for number in range(1, runs + 1):
        progress(f"{what}, run {number} of {runs}")
        without = preview.seconds(None)
        progress(f"{what} with the pack, run {number} of {runs}")
        own.pairs.append((preview.seconds(pack), without))
        if number <= floor_runs_of(preview.size):
            progress(f"{what} with {_FLOOR}")
            floors.pairs.append((preview.seconds(floor), without))
    name = f"preview/{preview.size}/added-to-each"
    return _result(name, own.milliseconds_a_resource, floors.milliseconds_a_resource, ADDED_TARGET)


def _answers(pack: Path, sizes: Sequence[int], calls: int, progress: Callable[[str], None]) -> dict[str, float]:
    """Milliseconds that the pack takes to answer, by the name of the result."""
    whose = "the pack" if (pack / "catalogue.py").exists() else _FLOOR
    answers: dict[str, float] = {}
    with PolicyPack.start(
        pack,
        project=policy_resources.PROJECT,
        stack=policy_resources.STACK,
        config={},
        dry_run=True,
        policy_config=_ADVISORY,
    ) as running:
        progress(f"{calls} questions about one resource, {whose}")
        requests = [analyze_request(state, state.inputs) for state in policy_resources.states(calls)]
        seconds = [_seconds(partial(running.analyze, request)) for request in requests]
        answers["analyze/each-call"] = statistics.median(seconds) * 1_000
        for size in sorted(sizes):
            progress(f"a stack of {size:,} resources, {whose}")
            resources = [analyzer_resource(state, state.outputs) for state in policy_resources.states(size)]
            took = _seconds(partial(running.analyze_stack, resources))
            answers[f"analyze-stack/{size}/each-resource"] = took / size * 1_000
    return answers


def _seconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def _result(name: str, value: float, floor: float, target: Target) -> Result:
    return Result(
        name=f"{NAME}/{name}",
        value=value,
        unit="ms",
        compared_with=Comparison(what=_FLOOR, value=floor),
        target=target,
        machine=describe_machine(),
    )
