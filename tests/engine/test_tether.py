"""The leash: what it passes on, and that nothing outlives the process that holds it."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from engine.tether import CANNOT_RUN, tethered
from tests.processes import read_line, wait_until_gone


def start(command: list[str], **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        tethered(command, grace_seconds=0.5),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def python(source: str) -> list[str]:
    return [sys.executable, "-u", "-c", textwrap.dedent(source)]


def test_output_status_environment_and_folder_are_the_commands(tmp_path: Path) -> None:
    source = """
        import os, sys
        print(os.getcwd(), os.environ["WORD"], sys.stdin.read())
        print("no", file=sys.stderr)
        sys.exit(7)
        """
    with start(python(source), cwd=tmp_path, env={**os.environ, "WORD": "yes"}) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.read() == f"{tmp_path.resolve()} yes \n"
        assert process.stderr.read() == "no\n"
        assert process.wait() == 7


def test_a_signal_that_ends_the_command_is_its_status() -> None:
    with start(python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")) as process:
        assert process.wait() == -signal.SIGKILL


def test_a_command_that_does_not_exist() -> None:
    with start(["/no/such/command"]) as process:
        assert process.stderr
        assert process.stderr.read() == "/no/such/command: No such file or directory\n"
        assert process.wait() == CANNOT_RUN


def test_sigterm_reaches_the_command_which_may_finish() -> None:
    source = """
        import signal, sys
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
        print("ready")
        signal.pause()
        """
    with start(python(source)) as process:
        assert read_line(process) == "ready"
        process.terminate()
        assert process.wait() == 3


def test_the_end_of_standard_input_ends_a_command_that_ignores_sigterm_and_what_it_started() -> None:
    source = """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(child.pid)
        time.sleep(600)
        """
    with start(python(source)) as process:
        grandchild = psutil.Process(int(read_line(process)))
        command = psutil.Process(process.pid).children()[0]
        assert process.stdin
        process.stdin.close()
        wait_until_gone([grandchild, command])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_command_ends_when_the_process_that_started_it_is_killed(how: signal.Signals) -> None:
    source = f"""
        import subprocess, sys, time
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from engine.tether import tethered
        command = [sys.executable, "-u", "-c", "import os, time; print(os.getpid()); time.sleep(600)"]
        subprocess.Popen(tethered(command), stdin=subprocess.PIPE, start_new_session=True)
        time.sleep(600)
        """
    with subprocess.Popen(python(source), stdout=subprocess.PIPE, text=True) as parent:
        command = psutil.Process(int(read_line(parent)))
        supervisor = command.parent()
        parent.send_signal(how)
    assert supervisor
    wait_until_gone([command, supervisor])


def test_a_terminals_interrupt_does_not_reach_the_command() -> None:
    source = f"""
        import os, signal, subprocess, sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from engine.tether import tethered
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        command = [sys.executable, "-u", "-c", "import time; print('ready'); time.sleep(600)"]
        child = subprocess.Popen(
            tethered(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        child.stdout.readline()
        os.killpg(os.getpgrp(), signal.SIGINT)
        try:
            print(child.wait(0.3))
        except subprocess.TimeoutExpired:
            print("still there")
        """
    run = subprocess.run(python(source), stdout=subprocess.PIPE, text=True, start_new_session=True, check=True)
    assert run.stdout == "still there\n"
