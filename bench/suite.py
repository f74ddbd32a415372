"""Runs the benchmarks that were asked for, prints their results, and keeps them."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench import (
    change_report,
    encryption,
    ephemeral_runs,
    fleet,
    main_job,
    policies,
    previews,
    scheduling,
    serving,
    serving_overload,
    training,
)
from bench.errors import UnknownBenchmark
from bench.machine import describe_machine
from bench.progress import Steps
from bench.report import print_results
from bench.results import RESULTS_FILE, Result, merged, read_results, require_writable, write_results

PROJECT = Path(__file__).resolve().parent.parent
POLICY_PACK = PROJECT / "policies"
_NO_BYTECODE_VARIABLE = "PYTHONDONTWRITEBYTECODE"

Measure = Callable[[Path, Callable[[str], None]], list[Result]]
"""Measures in an empty folder, telling each step; see the benchmarks' modules."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One part of the suite."""

    name: str
    """The first part of its results' names."""
    steps: int
    """How many steps it tells."""
    measure: Measure
    missing: Callable[[], str | None] = lambda: None
    """Why it cannot run on this machine; it is then left out, unless it is asked for by name."""


def benchmarks(*, pulumi: str | None, sizes: Sequence[int] = previews.SIZES) -> list[Benchmark]:
    """All benchmarks, in the order in which they run; `pulumi` is the command to compare with, if there is one."""

    def measure_previews(folder: Path, progress: Callable[[str], None]) -> list[Result]:
        return previews.measure_previews(folder, progress, yard=yard_command(), pulumi=pulumi, sizes=sizes)

    def measure_main_job(folder: Path, progress: Callable[[str], None]) -> list[Result]:
        return main_job.measure_main_job(folder, PROJECT, progress)

    def measure_policies(folder: Path, progress: Callable[[str], None]) -> list[Result]:
        return policies.measure_policies(folder, progress, yard=yard_command(), pack=POLICY_PACK)

    environment = POLICY_PACK / ".venv"
    judged = environment if environment.is_dir() else None

    def measure_change_report(folder: Path, progress: Callable[[str], None]) -> list[Result]:
        return change_report.measure_change_report(
            folder, progress, yard=yard_command(), project=PROJECT, environment=judged
        )

    def measure_ephemeral_runs(folder: Path, progress: Callable[[str], None]) -> list[Result]:
        return ephemeral_runs.measure_ephemeral_runs(folder, PROJECT, yard_command(), progress)

    return [
        Benchmark(previews.NAME, previews.steps(sizes, with_cli=pulumi is not None), measure_previews),
        Benchmark(change_report.NAME, change_report.steps(with_pack=judged is not None), measure_change_report),
        Benchmark(main_job.NAME, main_job.STEPS, measure_main_job),
        Benchmark(ephemeral_runs.NAME, ephemeral_runs.steps(), measure_ephemeral_runs),
        Benchmark(fleet.NAME, fleet.steps(), fleet.measure_fleet),
        Benchmark(scheduling.NAME, scheduling.STEPS, scheduling.measure_scheduling, scheduling.missing),
        Benchmark(
            policies.NAME,
            policies.steps(policies.SIZES),
            measure_policies,
            lambda: policies.missing(POLICY_PACK),
        ),
        Benchmark(training.NAME, training.STEPS, training.measure_training),
        Benchmark(encryption.NAME, encryption.steps(), encryption.measure_encryption, encryption.missing),
        Benchmark(serving.NAME, serving.steps(), serving.measure_serving, serving.missing),
        Benchmark(
            serving_overload.NAME,
            serving_overload.STEPS,
            serving_overload.measure_overload,
            serving_overload.missing,
        ),
    ]


def run(
    names: Sequence[str],
    *,
    known: Sequence[Benchmark] | None = None,
    output: Path = RESULTS_FILE,
    console: Console | None = None,
    progress: Console | None = None,
) -> None:
    """Runs the named benchmarks, all where none is named; prints a table and adds the results to the `output` file.

    Where anything fails, the file stays as it was. Raises BenchError; KeyboardInterrupt also where the process is told
    to terminate, once nothing that was started is left.
    """
    progress = progress or Console(stderr=True)
    chosen = select(benchmarks(pulumi=previews.find_pulumi()) if known is None else known, names)
    for each in [] if names else list(chosen):
        if reason := each.missing():
            progress.print(f"Without {each.name}: {reason}", markup=False, highlight=False, soft_wrap=True)
            chosen.remove(each)
    kept = read_results(output)
    require_writable(output)
    # Now, because the load that it tells is the others'.
    describe_machine()
    results = measure(chosen, progress)
    write_results(output, merged(kept, results))
    # Where nobody's window sets a width, one that the names of what is compared with fit into.
    console = console or Console(width=None if sys.stdout.isatty() else 150)
    print_results([result.document() for result in results], console)
    console.print(f"Written to {output}", markup=False, highlight=False, soft_wrap=True)


def measure(chosen: Sequence[Benchmark], console: Console) -> list[Result]:
    """The results of the benchmarks; progress goes to the console."""
    results: list[Result] = []
    with _keeping_bytecode(), _terminating_as_interrupt(), Steps(sum(each.steps for each in chosen), console) as steps:
        for benchmark in chosen:
            with tempfile.TemporaryDirectory(prefix="trainyard-bench-") as folder:
                results += benchmark.measure(Path(folder).resolve(), steps.of(benchmark.name))
    return results


@contextmanager
def _keeping_bytecode() -> Iterator[None]:
    """Lets processes keep what they compile; else they compile all anew, which nobody would want to time."""
    before = os.environ.pop(_NO_BYTECODE_VARIABLE, None)
    try:
        yield
    finally:
        if before is not None:
            os.environ[_NO_BYTECODE_VARIABLE] = before


def select(known: Sequence[Benchmark], names: Sequence[str]) -> list[Benchmark]:
    """The benchmarks of these names, all where there are none. Raises UnknownBenchmark."""
    for name in names:
        if name not in (each.name for each in known):
            raise UnknownBenchmark(
                f"there is no benchmark {name!r}; there are: {', '.join(each.name for each in known)}"
            )
    return [each for each in known if not names or each.name in names]


def yard_command() -> list[str]:
    """The `yard` command as the user calls it: the one beside this interpreter, else the script behind it."""
    command = Path(sys.executable).parent / "yard"
    return [str(command)] if command.exists() else [sys.executable, str(PROJECT / "scripts" / "yard.py")]


@contextmanager
def _terminating_as_interrupt() -> Iterator[None]:
    """SIGTERM ends what runs in good order, like Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
