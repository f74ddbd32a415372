"""Ephemeral runs that are killed: each at a random moment, by SIGKILL of one of its processes, then taken up again.

A run is `yard train -s STACK --yes` of a small training on this machine. Who is killed, and when, follows from a seed,
which is printed; the same seed kills alike, as far as two runs take the same time. Afterwards the run is resumed until
it is over, or given up by `yard reap`; then there may be no process, no file and no lock of it, and what it has trained
is on disk, verified.

`TRAINYARD_BENCH_RUNS` says how many runs there are, `TRAINYARD_BENCH_SEED` the seed of the first.
"""

import hashlib
import os
import random
import signal
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from bench.errors import BenchError
from bench.machine import describe_machine
from bench.main_job import STACK, make_project
from bench.results import Result
from lifecycle.runs.folder import RunFolder, list_runs
from lifecycle.runs.record import RunRecord

NAME = "ephemeral-runs"
RUNS_VARIABLE, SEED_VARIABLE = "TRAINYARD_BENCH_RUNS", "TRAINYARD_BENCH_SEED"
DEFAULT_RUNS = 10
VICTIMS = ("yard", "engine", "provider", "trainer", "supervisor", "server", "service")
"""The command, the engine's process, the process of the dynamic providers, one of the training, what started that (or
the server), the cloud's server, one of the inference service, which only the runs have in which it is killed."""
REAPED_SHARE = 0.25
"""Of the runs that are left unfinished, how many are given up instead of resumed."""
MOST_RESUMED = 4
SECONDS_A_COMMAND = 400.0
SECONDS_TO_VANISH = 20.0
"""For how long processes may still end: what is orphaned stops its steps first (engine.host)."""

_SMALL = {"epochs": 1, "processes": 1, "target_accuracy": 0, "dataset_shards": 2}
_MARKER = "TRAINYARD_PROCESS_FOLDER"
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is killed, and when."""

    seed: int
    victim: str
    seconds: float
    """After the command was started; where the victim is not there yet, as soon as it is."""
    reaps: bool = False
    """Whether an unfinished run is given up by `yard reap` instead of resumed."""


@dataclass(frozen=True, slots=True)
class KilledRun:
    """What became of one run."""

    plan: Plan
    killed: str
    """Who was killed, in words; empty: nobody, as the run was over before."""
    phase: str
    """In which phase of the run it was."""
    begun: bool
    """Whether there is a record; a run that is killed before it has one is forgotten."""
    resumed: int
    seconds: float
    """From the begin to the end, resumes included."""
    problems: tuple[str, ...]
    """What is wrong; empty: nothing."""


def planned(seed: int, longest_seconds: float) -> Plan:
    """The plan of a seed, for runs that take about so long when nobody is killed. Pure."""
    choice = random.Random(seed)  # noqa: S311
    victim = choice.choice(VICTIMS)
    return Plan(seed, victim, round(choice.uniform(0.0, longest_seconds), 2), choice.random() < REAPED_SHARE)


def steps() -> int:
    """How many steps are told."""
    text = os.environ.get(RUNS_VARIABLE, str(DEFAULT_RUNS))
    return 2 + (int(text) if text.isdecimal() else 0)


def measure_ephemeral_runs(
    folder: Path, project: Path, yard: Sequence[str], progress: Callable[[str], None], runs: int | None = None
) -> list[Result]:
    """Results of so many killed runs in an empty folder. Raises BenchError where one loses or leaves something."""
    runs = number_of_runs() if runs is None else runs
    first = int(os.environ.get(SEED_VARIABLE, "0"))
    make_small_project(folder, project)
    progress("one run that nobody kills")
    began = time.monotonic()
    problems = list(run_and_kill(folder, yard, Plan(-1, "", 0.0)).problems)
    whole = time.monotonic() - began
    done: list[KilledRun] = []
    for seed in range(first, first + runs):
        plan = planned(seed, whole)
        progress(f"seed {seed}: {plan.victim} after {plan.seconds:g} s")
        found = run_and_kill(folder, yard, plan)
        problems += [f"seed {seed}, {found.killed or 'nobody'} killed: {problem}" for problem in found.problems]
        done.append(found)
    if problems:
        raise BenchError("\n".join(["killed runs have lost or left something:", *problems]))
    progress(f"killed: {dict(Counter(each.plan.victim for each in done if each.killed))}")
    measured = {"run": whole, "killed-run": statistics.median(each.seconds for each in done) if done else 0.0}
    return [
        Result(name=f"{NAME}/{name}", value=seconds, unit="s", machine=describe_machine())
        for name, seconds in measured.items()
        if seconds > 0
    ]


def number_of_runs() -> int:
    """How many runs the environment asks for. Raises BenchError."""
    text = os.environ.get(RUNS_VARIABLE, str(DEFAULT_RUNS))
    if not text.isdecimal() or int(text) < 1:
        raise BenchError(f"{RUNS_VARIABLE} is {text!r}: must be a whole number, 1 or more")
    return int(text)


def make_small_project(folder: Path, project: Path) -> None:
    """A project of links to this one, whose stack trains for as short as it can."""
    make_project(folder, project)
    path = folder / f"Pulumi.{STACK}.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["config"]["trainyard:training"] = _SMALL
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")


def run_and_kill(folder: Path, yard: Sequence[str], plan: Plan) -> KilledRun:
    """One run in a project, killed by the plan, resumed until it is over, and looked through afterwards."""
    before = {each.id for each in list_runs(folder)}
    began = time.monotonic()
    log = folder / ".trainyard" / f"killed-{plan.seed}.txt"
    log.parent.mkdir(exist_ok=True)
    problems: list[str] = []
    command = ["train", "-s", STACK, "--yes", *(["--with-service"] if plan.victim == "service" else [])]
    with _started(folder, yard, command, log) as process:
        killed, phase = _kill(process, folder, plan, before) if plan.victim else ("", "")
        _wait(process, problems)
    new = [each for each in list_runs(folder) if each.id not in before]
    resumed = 0
    while (unfinished := _unfinished(new)) and resumed < MOST_RESUMED and not problems:
        resumed += 1
        again = ["reap", "--yes"] if plan.reaps else ["train", "--resume", unfinished.id, "--yes"]
        with _started(folder, yard, again, log) as process:
            _wait(process, problems)
    seconds = time.monotonic() - began
    new = [each for each in list_runs(folder) if each.id not in before]
    for each in new:
        problems += problems_of(each, may_be_given_up=plan.reaps and resumed > 0)
    # Killed in the guard's preview, a run is refused: nothing was created.
    if not new and not (killed and phase in ("", "guard")):
        problems.append("it was refused")
    problems += leftovers(folder)
    problems += [f"log: {log}"] if problems else []
    if not problems:
        log.unlink()
    return KilledRun(plan, killed, phase, bool(new), resumed, seconds, tuple(problems))


def problems_of(folder: RunFolder, *, may_be_given_up: bool = False) -> Iterator[str]:
    """What is wrong with a run that should be over."""
    record = folder.read()
    if not record.is_over:
        yield f"run {record.id} is not over: {record.phase}, {record.reason}"
    elif may_be_given_up and record.outcome == "stopped":
        pass
    elif record.outcome != "succeeded":
        yield f"run {record.id} {record.outcome}: {record.reason}"
    elif not record.artifacts_verified or not record.artifacts:
        yield f"run {record.id} has no verified artifacts"
    for artifact in record.artifacts:
        path = Path(record.artifacts_dir, artifact.name)
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != artifact.sha256:
            yield f"run {record.id}: {path} is not what was trained"
    for left in record.leftovers:
        yield f"run {record.id} has left {left.kind} {left.id}"
    if folder.is_locked():
        yield f"run {record.id} is locked"


def leftovers(folder: Path) -> list[str]:
    """The processes and files that a project's runs have left, once what is ending has ended."""
    ends = time.monotonic() + SECONDS_TO_VANISH
    while (processes := processes_of(folder)) and time.monotonic() < ends:
        time.sleep(0.2)
    found = [f"process {each.pid} is left" for each in processes]
    stacks = folder / ".pulumi" / "local"
    found += [f"{path} is left" for path in sorted(stacks.rglob("*"))[:5]]
    found += [f"lock {path} is left" for path in sorted((folder / ".pulumi" / "locks").rglob("*.json"))]
    return found


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every living process that works in or for a project folder, whatever its parent."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            places = [process.cwd(), process.environ().get(_MARKER, ""), *process.cmdline()]
            if any(place == str(folder) or place.startswith(f"{folder}/") for place in places):
                found.append(process)
    return found


# How it is done


class _started:  # noqa: N801
    """A command in a project, in a session of its own; killed if the block ends before it."""

    def __init__(self, folder: Path, yard: Sequence[str], arguments: Sequence[str], log: Path) -> None:
        with log.open("ab") as file:
            file.write(f"--- {' '.join(arguments)}\n".encode())
            file.flush()
            self._process = subprocess.Popen(
                [*yard, *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self._process

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def _wait(process: subprocess.Popen[bytes], problems: list[str]) -> None:
    try:
        process.wait(SECONDS_A_COMMAND)
    except subprocess.TimeoutExpired:
        problems.append(f"a command did not end within {SECONDS_A_COMMAND:g} s")


def _unfinished(folders: Sequence[RunFolder]) -> RunRecord | None:
    for folder in folders:
        record = folder.read()
        if not record.is_over:
            return record
    return None


def _kill(process: subprocess.Popen[bytes], folder: Path, plan: Plan, before: set[str]) -> tuple[str, str]:
    """Kills by the plan; who it was and in which phase of the run, or nothing where the run ended before."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(plan.seconds)
    while process.poll() is None:
        victims = [process.pid] if plan.victim == "yard" else _victims(process.pid, folder, plan.victim)
        if victims:
            pid = random.Random(plan.seed).choice(victims)  # noqa: S311
            phase = next((each.read().phase for each in list_runs(folder) if each.id not in before), "")
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return f"{plan.victim} (process {pid})", phase
        time.sleep(_LOOK_SECONDS)
    return "", ""


def _victims(yard: int, folder: Path, victim: str) -> list[int]:
    """The processes that are the victim, sorted."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(yard).children(recursive=True):
            with suppress(psutil.Error):
                words = process.cmdline()
                # A provider's is two: itself, and the tether that is to end it with the engine.
                if {"engine": "engine.host", "provider": "pulumi.dynamic"}.get(victim) in words:
                    found.append(process.pid)
    if victim in ("trainer", "supervisor", "server", "service"):
        for process in processes_of(folder):
            with suppress(psutil.Error, OSError):
                place = process.environ().get(_MARKER, "")
                if not place:
                    continue
                supervises = "infra.local.supervisor" in process.cmdline()
                name = Path(place).name
                kind = "server" if name == "cloud" else "trainer" if name.startswith("training") else "service"
                if victim == ("supervisor" if supervises else kind):
                    found.append(process.pid)
    return sorted(found)
