"""Supervised processes: found again whoever was killed, never two, stopped exactly."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from infra.local import log_file, process, records
from infra.local.process import Launch
from infra.local.supervisor import pause_seconds

Script = Callable[[str], tuple[str, ...]]
ROOT = Path(__file__).parents[3]
FOREVER = "import time\nprint('started', flush=True)\nwhile True: time.sleep(60)\n"


def test_the_exit_code_and_every_line_are_kept(stack_folder: Path, script: Script) -> None:
    folder = stack_folder / "job"
    process.start(folder, Launch(script("print('one')\nprint('two')\nprint('three', end='')\nraise SystemExit(7)"), {}))
    lines: list[str] = []
    state = process.follow(folder, lines.append)
    assert (state.running, state.exit_code, state.reason, lines) == (False, 7, "exited", ["one", "two", "three"])


def test_the_deadline_asks_then_kills(stack_folder: Path, script: Script) -> None:
    stubborn = script(
        """
        import signal, time
        signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True))
        print('started', flush=True)
        while True: time.sleep(60)
        """
    )
    folder = stack_folder / "job"
    process.start(folder, Launch(stubborn, {}, deadline_seconds=3.0, grace_seconds=2.0))
    lines: list[str] = []
    state = process.follow(folder, lines.append)
    assert (state.exit_code, state.reason) == (-signal.SIGKILL, "deadline")
    assert lines == ["started", "asked"]


def test_credentials_are_in_no_file_and_no_command_line(stack_folder: Path, script: Script) -> None:
    folder = stack_folder / "job"
    process.start(folder, Launch(script(FOREVER), {"AWS_SECRET_ACCESS_KEY": "hunter2hunter2"}))
    assert process.environment_of(folder)["AWS_SECRET_ACCESS_KEY"] == "hunter2hunter2"
    assert not [path for path in folder.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert not [one for one in process.processes_of(folder) if "hunter2" in " ".join(one.cmdline())]
    process.stop(folder)


def test_the_shell_s_own_credentials_are_not_handed_on(
    stack_folder: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the user's own")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "the user's own")
    process.start(stack_folder / "job", Launch(script(FOREVER), {}))
    assert "the user's own" not in process.environment_of(stack_folder / "job").values()
    process.stop(stack_folder / "job")


def test_stop_ends_children_in_sessions_of_their_own_and_removes_the_folder(stack_folder: Path, script: Script) -> None:
    program = script(
        """
        import subprocess, sys, time
        subprocess.Popen([sys.executable, '-c', 'import time\\nwhile True: time.sleep(60)'], start_new_session=True)
        print('started', flush=True)
        while True: time.sleep(60)
        """
    )
    folder = stack_folder / "service"
    process.start(folder, Launch(program, {}, grace_seconds=2))
    wait_until(lambda: "started" in process.log_tail(folder))
    assert len(process.processes_of(folder)) == 3
    process.stop(folder)
    assert process.processes_of(folder) == []
    assert not folder.exists()


@pytest.mark.parametrize("victim", ["supervisor", "child"])
def test_a_kill_is_noticed_and_the_next_start_leaves_one(stack_folder: Path, script: Script, victim: str) -> None:
    folder = stack_folder / "service"
    launch = Launch(script(FOREVER), {}, grace_seconds=2)
    process.start(folder, launch)
    os.kill((records.read_record(folder / records.PROCESS) or {})[victim]["pid"], signal.SIGKILL)
    if victim == "child":
        wait_until(lambda: process.state_of(folder).exit_code == -signal.SIGKILL)
    else:
        wait_until(lambda: not process.supervised(folder))
        assert process.state_of(folder).running
    process.start(folder, launch)
    assert len(process.processes_of(folder)) == 2
    process.stop(folder)
    assert process.processes_of(folder) == []


@pytest.mark.parametrize("moment", range(6))
def test_whoever_starts_it_may_be_killed_at_any_moment(stack_folder: Path, script: Script, moment: int) -> None:
    folder = stack_folder / "service"
    command = script(FOREVER)
    starter = f"""
        import sys
        from pathlib import Path
        from infra.local import process
        process.start(Path({str(folder)!r}), process.Launch({command!r}, {{}}, grace_seconds=2))
        """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(starter)], cwd=ROOT) as running:
        # From before the folder is there to after the process runs.
        time.sleep(0.05 + 0.07 * moment)
        running.kill()
    process.start(folder, Launch(command, {}, grace_seconds=2))
    wait_until(lambda: "started" in process.log_tail(folder))
    found = process.processes_of(folder)
    assert len(found) == 2, [one.cmdline() for one in found]
    process.stop(folder)
    assert process.processes_of(folder) == []


def test_what_is_kept_is_started_again_until_it_is_stopped(stack_folder: Path, script: Script) -> None:
    folder = stack_folder / "service"

    def process_of(role: str) -> int:
        return int(((records.read_record(folder / records.PROCESS) or {})[role] or {"pid": 0})["pid"])

    def kill_and_wait(pause: int) -> None:
        os.kill(process_of("child"), signal.SIGKILL)
        told = f"ended with exit code -9; it is started again in {pause} s"
        wait_until(lambda: told in (folder / records.LOG).read_text())
        assert process.state_of(folder).running

    process.start(folder, Launch(script(FOREVER), {}))
    process.keep(folder)
    first, supervisor = process_of("child"), process_of("supervisor")
    kill_and_wait(pause=1)
    wait_until(lambda: process_of("child") not in (first, 0))
    kill_and_wait(pause=2)
    assert process_of("supervisor") == supervisor
    # Asked for in a pause.
    process.stop(folder)
    assert process.processes_of(folder) == []
    assert not folder.exists()


def test_pauses_grow_to_a_minute() -> None:
    assert [pause_seconds(number) for number in (0, 1, 5, 6, 7, 100_000)] == [1, 2, 32, 60, 60, 60]


def test_a_pid_that_another_process_has_now_is_not_ours(stack_folder: Path, script: Script) -> None:
    folder = stack_folder / "service"
    process.start(folder, Launch(script("pass"), {}))
    process.follow(folder, lambda _: None)
    with subprocess.Popen([sys.executable, "-c", FOREVER], stdout=subprocess.DEVNULL) as stranger:
        recorded = records.read_record(folder / records.PROCESS) or {}
        for role in ("supervisor", "child"):
            recorded[role] = {"pid": stranger.pid, "started": psutil.Process(stranger.pid).create_time() - 1000}
        records.write_record(folder / records.PROCESS, recorded)
        (folder / records.STATUS).unlink()
        assert not process.state_of(folder).running
        process.stop(folder)
        assert stranger.poll() is None
        stranger.kill()


def test_a_program_that_is_not_there_is_told(stack_folder: Path) -> None:
    process.start(stack_folder / "job", Launch(("/no/such/program",), {}))
    state = process.follow(stack_folder / "job", lambda _: None)
    assert state.reason is not None
    assert state.reason.startswith("could not be started")


def test_a_port_in_use_is_told_with_its_holder(stack_folder: Path) -> None:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        problem = process.port_problem(port, stack_folder)
        assert problem is not None
        assert f"port {port} is in use by" in problem
        assert f"(pid {os.getpid()})" in problem or "another program" in problem
    assert process.port_problem(process.free_port(), stack_folder) is None


def test_a_free_port_is_none_that_a_connection_could_be_given() -> None:
    chosen = {process.free_port() for _ in range(20)}
    assert len(chosen) > 10
    assert [port for port in chosen if not 20_000 <= port < 30_000] == []


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not come to pass"
        time.sleep(0.02)


def test_a_deep_folder_still_gives_unix_sockets_a_short_path(stack_folder: Path, script: Script) -> None:
    program = script(
        """
        import multiprocessing, os, stat, tempfile
        assert not os.stat(tempfile.gettempdir()).st_mode & 0o077
        multiprocessing.connection.Listener(family="AF_UNIX").close()
        """.replace("import multiprocessing,", "import multiprocessing.connection,")
    )
    for folder in (stack_folder / "job", stack_folder / ("deep" * 20) / "job"):
        process.start(folder, Launch(program, {}))
        lines: list[str] = []
        assert process.follow(folder, lines.append).exit_code == 0, lines
        temporary = process.temporary_folder(folder)
        assert temporary.is_dir()
        process.stop(folder)
        assert not temporary.exists()


def test_a_log_is_cut_while_its_process_goes_on_writing(stack_folder: Path, script: Script, tmp_path: Path) -> None:
    writer = script(
        """
        import sys, time
        for number in range(100_000):
            print(number, 'x' * 100, flush=True)
            time.sleep(0.001)
        """
    )
    folder = stack_folder / "service"
    # Its supervisor looks at it more often than others do.
    often = f"import sys; sys.path.append({str(ROOT)!r}); from infra.local import log_file as it; "
    often += "it.SECONDS_BETWEEN_LOOKS = 0.05"
    (tmp_path / "sitecustomize.py").write_text(often)
    process.start(folder, Launch(writer, {"PYTHONPATH": str(tmp_path)}, log_bytes=5_000))
    log, older = folder / records.LOG, folder / (records.LOG + log_file.OLDER)
    ends = time.monotonic() + 30
    while not older.exists() or len(log.read_text().splitlines()) < 2:
        assert time.monotonic() < ends
        time.sleep(0.02)
    cut_off = [int(line.split()[0]) for line in older.read_text().splitlines()]
    process.stop(folder)
    assert len(cut_off) >= 40
    assert cut_off == [*range(cut_off[0], cut_off[0] + len(cut_off))]
    assert not folder.exists()
