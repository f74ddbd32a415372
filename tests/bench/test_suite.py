"""Running benchmarks: which ones, what becomes of the results, and of what they leave when they fail."""

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from bench import suite
from bench.errors import BenchError, UnknownBenchmark
from bench.results import Result
from bench.suite import Benchmark

ROOT = Path(__file__).parents[2]
folders: list[Path] = []


def benchmark(name: str, value: float = 1.0, failure: BaseException | None = None) -> Benchmark:
    def measure(folder: Path, progress: Callable[[str], None]) -> list[Result]:
        folders.append(folder)
        (folder / "left").touch()
        progress("first step")
        if failure is not None:
            raise failure
        progress("second step")
        return [Result(name=f"{name}/time", value=value, unit="s", machine=suite.describe_machine())]

    return Benchmark(name, 2, measure)


def run(names: list[str], known: list[Benchmark], output: Path) -> tuple[str, str]:
    table, progress = io.StringIO(), io.StringIO()
    suite.run(
        names, known=known, output=output, console=Console(file=table, width=100), progress=Console(file=progress)
    )
    return table.getvalue(), progress.getvalue()


def test_all_benchmarks_run_and_tell_how_far_they_are(tmp_path: Path) -> None:
    table, progress = run([], [benchmark("hares"), benchmark("tortoises", 2.0)], tmp_path / "results.json")
    assert [each["name"] for each in json.loads((tmp_path / "results.json").read_text())] == [
        "hares/time",
        "tortoises/time",
    ]
    assert "hares" in table
    assert f"Written to {tmp_path / 'results.json'}" in table
    assert progress.splitlines() == [
        "[1/4] hares: first step",
        "[2/4] hares: second step",
        "[3/4] tortoises: first step",
        "[4/4] tortoises: second step",
    ]
    assert not any(folder.exists() for folder in folders)


def test_one_benchmark_leaves_the_results_of_others(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    run([], [benchmark("hares"), benchmark("tortoises", 2.0)], output)
    table, _ = run(["hares"], [benchmark("hares", 3.0), benchmark("tortoises", failure=BenchError("unasked"))], output)
    assert {each["name"]: each["value"] for each in json.loads(output.read_text())} == {
        "hares/time": 3.0,
        "tortoises/time": 2.0,
    }
    assert "tortoises" not in table


@pytest.mark.parametrize("failure", [BenchError("lame"), KeyboardInterrupt(), ValueError("broken")])
def test_a_run_that_fails_leaves_the_old_results_and_nothing_else(tmp_path: Path, failure: BaseException) -> None:
    output = tmp_path / "results.json"
    run([], [benchmark("hares")], output)
    before = output.read_bytes()
    with pytest.raises(type(failure)):
        run([], [benchmark("hares", 2.0), benchmark("tortoises", failure=failure)], output)
    assert output.read_bytes() == before
    assert list(tmp_path.iterdir()) == [output]
    assert not any(folder.exists() for folder in folders)


def test_an_unknown_benchmark_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownBenchmark, match="there is no benchmark 'snails'; there are: hares, tortoises"):
        run(["snails"], [benchmark("hares"), benchmark("tortoises")], tmp_path / "results.json")
    assert list(tmp_path.iterdir()) == []


def test_the_command_knows_the_benchmarks_that_there_are() -> None:
    asked = [sys.executable, str(ROOT / "scripts" / "yard.py"), "bench", "snails"]
    answered = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert answered.returncode == 2
    names = "previews, change-report, main-job, ephemeral-runs, fleet, scheduling, policies, training, encryption"
    assert answered.stderr == f"yard: there is no benchmark 'snails'; there are: {names}, serving, overload\n"


def test_sigterm_ends_a_run_in_good_order(tmp_path: Path) -> None:
    script = f"""
        import sys, time
        from pathlib import Path
        from bench.suite import Benchmark, run

        def measure(folder, progress):
            (Path({str(tmp_path)!r}) / "folder").write_text(str(folder))
            (Path({str(tmp_path)!r}) / "ready").touch()
            time.sleep(600)

        try:
            run([], known=[Benchmark("hares", 1, measure)], output=Path({str(tmp_path)!r}) / "results.json")
        except KeyboardInterrupt:
            print("stopped")
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        while not (tmp_path / "ready").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60)[0] == "stopped\n"
    assert not Path((tmp_path / "folder").read_text()).exists()
    assert not (tmp_path / "results.json").exists()
