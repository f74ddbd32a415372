"""`yard bench`: measures, prints a table, and writes `bench/results.json`."""

from typing import Annotated

import typer

from cli.errors import CommandError
from cli.exit_status import ExitStatus


def bench(
    benchmarks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BENCHMARK]...",
            help="previews, change-report, main-job, ephemeral-runs, fleet, scheduling, policies, training, encryption,"
            " serving, overload; all where none is named.",
        ),
    ] = None,
) -> int:
    """Measure this project; write bench/results.json."""
    from bench.errors import BenchError, UnknownBenchmark
    from bench.suite import run

    try:
        run(benchmarks or [])
    except UnknownBenchmark as error:
        raise CommandError(str(error), ExitStatus.CONFIGURATION) from None
    except KeyboardInterrupt:
        raise CommandError("stopped; the results are as they were before", ExitStatus.CANCELLED) from None
    except BenchError as error:
        raise CommandError(str(error)) from None
    return ExitStatus.SUCCESS
