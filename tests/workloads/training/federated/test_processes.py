"""Processes end with whoever started them, and ports stay free for whom they are reserved."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.processes import is_alive
from tests.workloads.training.conftest import wait_until
from trainyard_federated.ports import reserved_port
from trainyard_federated.processes import ProcessEndedError, Processes

CHILD = """
import os, signal, time
from trainyard_federated.processes import end_with, starter
end_with(starter())
if {stubborn}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)
"""
PARENT = """
import os, sys
from pathlib import Path
from trainyard_federated.processes import Processes
folder = Path(sys.argv[1])
processes = Processes(folder)
child = processes.start("child", ["child"], {**os.environ, "PYTHONPATH": str(folder)})
print(child.pid, flush=True)
child.wait()
"""


def make_child(folder: Path, *, stubborn: bool = False, program: str = CHILD) -> dict[str, str]:
    """Make the module ``child``; returns the environment to start it in."""
    (folder / "child.py").write_text(program.format(stubborn=stubborn))
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_a_child_is_gone_when_its_parent_was_killed_outright(tmp_path: Path) -> None:
    make_child(tmp_path)
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert wait_until(lambda: (tmp_path / "child.log").read_text() == "up\n")
        parent.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not is_alive(child))


@pytest.mark.parametrize("stubborn", [False, True])
def test_all_are_ended_when_their_owner_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stubborn: bool) -> None:
    monkeypatch.setattr("trainyard_federated.processes._GRACE_SECONDS", 0.3 if stubborn else 30.0)
    environment = make_child(tmp_path, stubborn=stubborn)
    with contextlib.suppress(RuntimeError), Processes(tmp_path) as processes:
        child = processes.start("child", ["child"], environment)
        assert wait_until(lambda: (tmp_path / "child.log").read_text() == "up\n")
        raise RuntimeError
    assert child.returncode == -(signal.SIGKILL if stubborn else signal.SIGTERM)


def test_the_end_of_a_needed_process_is_told_with_its_last_words(tmp_path: Path) -> None:
    environment = make_child(tmp_path, program="print('no such bucket'); raise SystemExit(65)")
    with Processes(tmp_path) as processes:
        processes.start("north-trainer", ["child"], environment).wait()
        with pytest.raises(ProcessEndedError, match="north-trainer ended with 65:\n    no such bucket") as error:
            processes.require_running("north-trainer")
    assert error.value.status == 65


def test_a_reserved_port_is_nobody_elses_and_can_be_listened_on() -> None:
    port = reserved_port()
    with socket.socket() as other, pytest.raises(OSError):
        other.bind(("127.0.0.1", port))
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
