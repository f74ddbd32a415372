"""A helper process that serves gRPC on loopback: started, listened to until it says where, and ended for certain.

Pulumi's plugins share one convention: the process prints the port that it listens on as its first line of standard
output, and whatever it writes afterwards is meant for the user. Policy packs and the dynamic provider follow it alike.
"""

import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from engine.errors import EngineError
from engine.tether import GRACE_SECONDS, tethered

_KEPT_LINES = 20
_LONGEST_LINE = 64 * 1024
_SETTLE_SECONDS = 0.2

OnOutput = Callable[[str], None]


class PluginError(EngineError):
    """The process did not start, does not answer as it should, or has ended; the text holds its last words."""


class PluginProcess:
    """A running helper process. Make one with `start`, or with `launch` to do something else meanwhile; close it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.port = 0
        self._process = process
        self._on_output: OnOutput = _ignore
        self._first_line: queue.Queue[str | None] = queue.Queue(maxsize=1)
        self._last_words: deque[str] = deque(maxlen=_KEPT_LINES)
        self._withheld: list[str] | None = []
        self._lock = threading.Lock()
        self._readers = [
            threading.Thread(target=self._read_stdout, name="plugin-stdout", daemon=True),
            threading.Thread(target=self._read_stderr, name="plugin-stderr", daemon=True),
        ]

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        start_timeout_seconds: float,
        on_output: OnOutput,
    ) -> "PluginProcess":
        """Start `command` in `directory` and wait for its port; what it prints goes to `on_output`, line by line.

        `on_output` is called from other threads. The process ends with this one, however this one ends. Raises
        PluginError if it ends first, prints anything but a port, or says nothing for `start_timeout_seconds`; nothing
        is left running then.
        """
        plugin = cls.launch(command, directory=directory, environment=environment)
        try:
            plugin.wait_for_port(start_timeout_seconds, on_output)
        except BaseException:
            plugin.close()
            raise
        return plugin

    @classmethod
    def launch(cls, command: Sequence[str], *, directory: Path, environment: Mapping[str, str]) -> "PluginProcess":
        """Start `command` in `directory`, as `start` does, but leave the wait for its port to `wait_for_port`.

        What it prints is held back until then.
        """
        process = subprocess.Popen(
            tethered(command),
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        plugin = cls(process)
        for reader in plugin._readers:
            reader.start()
        return plugin

    def wait_for_port(self, timeout_seconds: float, on_output: OnOutput) -> None:
        """Wait until the process has said where it listens; only once. Raises PluginError, as `start` does.

        From then on, `on_output` gets what it prints. To close it from another thread ends the wait.
        """
        try:
            line = self._first_line.get(timeout=timeout_seconds)
        except queue.Empty:
            raise PluginError(
                f"did not say within {timeout_seconds:g} s which port it listens on{self.last_words()}"
            ) from None
        if line is None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
            self._let_readers_finish()
            ending = _ending(self._process.poll()) or "closed its standard output"
            raise PluginError(f"{ending} before it was ready{self.last_words()}")
        text = line.strip()
        if not (text.isdecimal() and 0 < int(text) < 65536):
            raise PluginError(
                f"printed {text[:200]!r} where its port was expected: nothing may write to standard output "
                f"while it starts{self.last_words()}"
            )
        self.port = int(text)
        self._on_output = on_output
        self._release_output()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def failure(self, doing: str, reason: str = "", *, gone: bool = False) -> PluginError:
        """The error for a call that failed while the process was `doing` something: how it ended, or the `reason`.

        :param gone: Whether the connection has ended: then the process will have ended soon, too.
        """
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS if gone else _SETTLE_SECONDS)
        self._let_readers_finish()
        ending = _ending(self._process.poll())
        what = f"{ending} while {doing}" if ending else f"failed while {doing}: {reason}"
        return PluginError(f"{what}{self.last_words()}")

    def last_words(self) -> str:
        """The last lines of its standard error, indented, beginning with a line break; empty where there are none."""
        with self._lock:
            lines = list(self._last_words)
        return "".join(f"\n    {line}" for line in lines)

    def close(self) -> None:
        """End the process, gently at first, and wait until it is gone. May be called again."""
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(GRACE_SECONDS + 2)
        except subprocess.TimeoutExpired:
            self._kill_group()
            self._process.wait()
        if self._process.returncode == -signal.SIGKILL:
            # The supervisor itself was killed: its command may be an orphan, in the group that the supervisor led.
            self._kill_group()
        for reader in self._readers:
            if reader.ident:
                reader.join(1)

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _let_readers_finish(self) -> None:
        deadline = time.monotonic() + _SETTLE_SECONDS
        for reader in self._readers:
            reader.join(max(0.0, deadline - time.monotonic()))

    def _release_output(self) -> None:
        """Delivers what was held back, and what comes meanwhile, in its order."""
        while True:
            with self._lock:
                withheld = self._withheld
                self._withheld = [] if withheld else None
            if not withheld:
                return
            for line in withheld:
                self._on_output(line)

    def _read_stdout(self) -> None:
        first = True
        for line in _lines(self._process.stdout):
            if first:
                self._first_line.put(line)
                first = False
            else:
                self._deliver(line)
        if first:
            self._first_line.put(None)

    def _read_stderr(self) -> None:
        for line in _lines(self._process.stderr):
            with self._lock:
                self._last_words.append(line)
            self._deliver(line)

    def _deliver(self, line: str) -> None:
        with self._lock:
            if self._withheld is not None:
                self._withheld.append(line)
                return
        self._on_output(line)


def _ignore(_: str) -> None:
    pass


def _lines(stream: IO[bytes] | None) -> Iterator[str]:
    if stream is None:
        return
    with stream:
        while line := stream.readline(_LONGEST_LINE):
            yield line.decode(errors="replace").rstrip("\r\n")


def _ending(returncode: int | None) -> str:
    """How a process ended, as words; empty while it runs."""
    if returncode is None:
        return ""
    if returncode >= 0:
        return f"ended with exit status {returncode}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-returncode).name}"
    return f"was ended by signal {-returncode}"
