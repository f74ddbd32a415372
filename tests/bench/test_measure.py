"""Measuring a command: what is told of it, and that nothing of it is left."""

import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from bench import measure
from bench.errors import BenchError
from bench.measure import Command
from tests.processes import is_alive

PATIENCE_SECONDS = 20.0


def python(source: str, folder: Path, *arguments: str) -> Command:
    return Command(
        arguments=[sys.executable, "-c", textwrap.dedent(source), *arguments], directory=folder, environment=os.environ
    )


def test_a_run_tells_output_and_times(tmp_path: Path) -> None:
    run = measure.run(python("import os, sys; print(os.getcwd()); print('wrong', file=sys.stderr)", tmp_path))
    assert sorted(run.output.split()) == sorted([str(tmp_path.resolve()), "wrong"])
    assert run.seconds > 0
    assert run.cpu_seconds > 0


def test_a_command_finds_an_empty_standard_input(tmp_path: Path) -> None:
    assert measure.run(python("import sys; print(repr(sys.stdin.read()))", tmp_path)).output.strip() == "''"


def test_a_failing_command_is_named_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"(?s)ended with exit code 3:.*no such island"):
        measure.run(python("import sys; print('no such island'); sys.exit(3)", tmp_path))
    with pytest.raises(BenchError, match="ended with exit code 3"):
        measure.peak_memory_mib(python("import sys; sys.exit(3)", tmp_path))


def test_a_command_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "LONGEST_SECONDS", 0.5)
    for measured in (measure.run, measure.peak_memory_mib):
        with pytest.raises(BenchError, match=r"did not end within 0\.5 s"):
            measured(python("import time; time.sleep(600)", tmp_path))


def test_peak_memory_counts_the_processes_below(tmp_path: Path) -> None:
    source = """
        import subprocess, sys
        held = bytearray(60 * 2**20)
        held[::4096] = b"x" * len(held[::4096])
        below = "held = bytearray(60 * 2**20); held[::4096] = b'x' * len(held[::4096]); import time; time.sleep(0.5)"
        subprocess.run([sys.executable, "-c", below], check=True)
    """
    assert measure.peak_memory_mib(python(source, tmp_path)) > 120


def test_an_interruption_leaves_no_process(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    # The grandchild has a session of its own, as the process of a deployment has.
    source = """
        import os, subprocess, sys, time
        below = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        with open(sys.argv[1] + ".new", "w") as file:
            file.write(f"{os.getpid()} {below.pid}")
        os.rename(sys.argv[1] + ".new", sys.argv[1])
        time.sleep(600)
    """
    script = f"""
        import os, sys
        from pathlib import Path
        from bench.measure import Command, run
        arguments = [sys.executable, "-c", {textwrap.dedent(source)!r}, {str(pids)!r}]
        run(Command(arguments=arguments, directory=Path({str(tmp_path)!r}), environment=os.environ))
    """
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], cwd=root, stderr=subprocess.PIPE) as process:
        timer = threading.Timer(PATIENCE_SECONDS, process.kill)
        timer.start()
        while not pids.exists():
            assert process.poll() is None
            time.sleep(0.02)
        below = [psutil.Process(int(pid)) for pid in pids.read_text().split()]
        process.send_signal(2)
        assert b"KeyboardInterrupt" in process.communicate()[1]
        timer.cancel()
    _, alive = psutil.wait_procs(below, timeout=PATIENCE_SECONDS)
    assert [each for each in alive if is_alive(each)] == []
