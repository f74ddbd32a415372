"""The report on a change of the `prod` stack: how long `yard preview --base` takes, beside one plain preview of it.

A repository of its own has this project's program in two commits, of which the second changes a setting of the stack.
Both revisions are previewed, so twice a plain preview is the least that one core could take; two cores can do both at
once. Without and with the project's policy pack, by which each revision is judged. Both commands take turns, after a
run of each that is not measured, in which Python compiles what it imports.
"""

import os
import shutil
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench import measure
from bench.errors import BenchError
from bench.machine import describe_machine
from bench.measure import Command
from bench.results import Comparison, Result, Target

NAME = "change-report"
STACK = "prod"
RUNS = 5
TARGET = Target(of="value", at_most=5)

_COPIED = ("infra", "planning", "policies", "workloads")
_LEFT_OUT = shutil.ignore_patterns(".venv", "__pycache__", ".pulumi", "*.egg-info")
_PACK = "policies"


def steps(*, with_pack: bool, runs: int = RUNS) -> int:
    """How many times `measure_change_report` tells its progress."""
    return (2 if with_pack else 1) * (1 + runs)


def measure_change_report(
    folder: Path,
    progress: Callable[[str], None],
    *,
    yard: Sequence[str],
    project: Path,
    environment: Path | None = None,
    stack: str = STACK,
    runs: int = RUNS,
) -> list[Result]:
    """Measures the report; `folder` is an empty one for the repository.

    :param yard: The command as the user calls it.
    :param project: The project whose program is previewed.
    :param environment: The virtual environment of its policy pack; None: no pack judges.

    Raises BenchError where a command fails, or the report tells of no change.
    """
    repository = make_repository(folder / "repository", project, stack)
    results = [_measured("", repository, yard, stack, (), runs, progress)]
    if environment is not None:
        (repository / _PACK / ".venv").symlink_to(environment.resolve())
        results.append(_measured("/judged", repository, yard, stack, ("--policy-pack", _PACK), runs, progress))
    return results


def make_repository(folder: Path, project: Path, stack: str) -> Path:
    """A repository with the project's program and one stack, whose environment's name differs in two commits."""
    folder.mkdir(parents=True)
    for name in _COPIED:
        if (project / name).is_dir():
            shutil.copytree(project / name, folder / name, ignore=_LEFT_OUT)
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copyfile(project / name, folder / name)
    settings = (project / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    (folder / f"Pulumi.{stack}.yaml").write_text(settings, encoding="utf-8")
    (folder / ".gitignore").write_text(".venv\n__pycache__\n", encoding="utf-8")
    _git(folder, "init", "--quiet")
    _commit(folder)
    changed = settings.replace("owner: ", "owner: new-", 1)
    (folder / f"Pulumi.{stack}.yaml").write_text(changed, encoding="utf-8")
    _commit(folder)
    return folder


def _measured(
    kind: str,
    repository: Path,
    yard: Sequence[str],
    stack: str,
    arguments: Sequence[str],
    runs: int,
    progress: Callable[[str], None],
) -> Result:
    plain = _command(repository, yard, "preview", "-s", stack, *arguments)
    report = _command(repository, yard, "preview", "-s", stack, "--base", "HEAD~1", *arguments)
    seconds: dict[str, list[float]] = {"plain": [], "report": []}
    for number in range(runs + 1):
        progress(f"{stack}{kind}, run {number} of {runs}" if number else f"{stack}{kind}, warming up")
        previewed, reported = measure.run(plain), measure.run(report)
        if "updated, " not in reported.output:
            raise BenchError(f"the report was expected to tell of a change, and printed:\n{reported.output[-2000:]}")
        if number:
            seconds["plain"].append(previewed.seconds)
            seconds["report"].append(reported.seconds)
    return Result(
        name=f"{NAME}/{stack}{kind}/time",
        value=statistics.median(seconds["report"]),
        unit="s",
        compared_with=Comparison(what="one plain preview", value=statistics.median(seconds["plain"])),
        target=TARGET,
        machine=describe_machine(),
    )


def _command(repository: Path, yard: Sequence[str], *arguments: str) -> Command:
    return Command(arguments=[*yard, *arguments], directory=repository, environment=_environment())


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}


def _commit(folder: Path) -> None:
    _git(folder, "add", "--all")
    _git(folder, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "--quiet", "--message", "Bench")


def _git(folder: Path, *arguments: str) -> None:
    variables: Mapping[str, str] = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        subprocess.run(["git", "-C", str(folder), *arguments], env=os.environ | variables, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"git {arguments[0]} failed: {error}") from None
