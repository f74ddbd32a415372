"""The processes of a control plane: started in one temporary folder, ended together, and never left behind.

Each hangs on a leash (`engine.tether`): it ends with the process that started it, even where that one is killed. One
more process on a leash then removes the folder.
"""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.tether import tethered

_REMOVE_FOLDER = """
import os, shutil, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
print("ready", flush=True)
try:
    while True:
        time.sleep(3600)
finally:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        shutil.rmtree(sys.argv[1], ignore_errors=True)
        time.sleep(0.5)
        if not os.path.exists(sys.argv[1]):
            break
"""
"""More than once: others, who are ending too, may still be writing."""
_SECONDS_TO_REMOVE = 10.0
_LONGEST_PARENT = 70
# The path of a Unix socket has at most 103 bytes on macOS and 107 on Linux.
_LOG_LINES = 30


class ProgramEnded(Exception):
    """A program of the control plane ended that should be running; the message has the end of its log."""


class Processes:
    """Programs that run in one temporary folder, each with a log file there, until `close`."""

    def __init__(self) -> None:
        parent = tempfile.gettempdir()
        parent = parent if len(parent) < _LONGEST_PARENT else "/tmp"  # noqa: S108
        # Only its owner may look into it.
        self.folder = Path(tempfile.mkdtemp(prefix="trainyard-cp-", dir=parent))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        janitor = [sys.executable, "-I", "-S", "-c", _REMOVE_FOLDER, str(self.folder)]
        self._janitor = self._spawn(janitor, _SECONDS_TO_REMOVE, subprocess.PIPE)
        assert self._janitor.stdout is not None
        with self._janitor.stdout as said:
            said.readline()

    def start(self, name: str, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        """Starts a program; what it says goes to its log."""
        if name in self._running:
            raise ValueError(f"{name} is running already")
        with self.log(name).open("ab") as log:
            self._running[name] = self._spawn(command, 0.0, log.fileno(), environment)

    def stop(self, name: str) -> None:
        """Ends a program and waits for its end."""
        _end([self._running.pop(name)])

    def log(self, name: str) -> Path:
        """The file with all that a program has said."""
        return self.folder / f"{name}.log"

    def process_ids(self) -> list[int]:
        """The process ids of the supervisors of what runs now."""
        return [process.pid for process in self._running.values()]

    def require_running(self) -> None:
        """Raises ProgramEnded where one has ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                lines = self.log(name).read_text(errors="replace").splitlines()[-_LOG_LINES:]
                raise ProgramEnded(f"{name} ended with exit code {process.returncode}:\n" + "\n".join(lines))

    def close(self) -> None:
        """Ends everything and removes the folder. Nothing of it may be used afterwards; closing again does nothing."""
        _end(list(self._running.values()))
        self._running.clear()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._janitor.poll() is None:
            # Its supervisor leads a group of the two.
            os.killpg(self._janitor.pid, signal.SIGKILL)
        _end([self._janitor])

    def _spawn(
        self,
        command: Sequence[str],
        grace_seconds: float,
        output: int = subprocess.DEVNULL,
        environment: dict[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            tethered(command, grace_seconds=grace_seconds),
            cwd=self.folder,
            env=self.environment() | (environment or {}),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def environment(self) -> dict[str, str]:
        """This process's environment, without its clusters and proxies and with a home that goes with the folder."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name != "KUBECONFIG" and not name.lower().endswith("_proxy")
        }
        return kept | {"HOME": str(self.folder)}


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago, that no connection is given and that this has not returned yet.

    It may be long until somebody listens on it: Kueue comes up after all others.
    """
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port of 127.0.0.1 from 10000 to 19999 is free")


# Not those of the local platform (infra.local.process), which are listened on at once.
_PORTS = iter(random.SystemRandom().sample(range(10_000, 20_000), 1_000))


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    for process in processes:
        process.wait()
