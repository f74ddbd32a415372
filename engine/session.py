"""Runs one deployment in a child process and hears what happens: the parent's side.

The child holds the program and the engine (engine.host). Events come back over a pipe of their own; what the program
prints becomes diagnostics. The child ends when this process does, however it ends.
"""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from engine.events import Diagnostic, Event, Finished, Severity, decode
from engine.host_process import HostProcess

# How long a program may take to end once everything it registered is done.
EXIT_SECONDS = 5.0
_HUNG = (
    f"the program did not exit within {EXIT_SECONDS:g} s of its last resource (a thread or an exit handler of its own "
    "is still running); it was stopped, and the deployment is not affected"
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be deployed, and how."""

    action: Literal["update", "destroy"]
    dry_run: bool
    """Whether to show what would happen and change nothing."""
    directory: Path
    """The project folder."""
    stack: str
    parallel: int = 16
    every_state: bool = False
    """Whether events carry the states of unchanged resources too, as a preview document needs."""
    debug: bool = False
    policy_packs: list[Path] = field(default_factory=list)
    policy_configs: list[Path] = field(default_factory=list)
    """One configuration file for each policy pack, in their order; or none."""
    message: str = ""
    """What the history says about this update."""
    backend_url: str = ""
    """Where the state is kept; empty: what PULUMI_BACKEND_URL or Pulumi.yaml say, else the project folder."""
    config_file: str = ""
    """The stack's settings, as `pulumi --config-file` takes them; empty: Pulumi.STACK.yaml of the project."""

    def encode(self) -> str:
        """The request as one line of JSON."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def decode(cls, line: str) -> "Request":
        """The request that `encode` wrote."""
        fields: dict[str, Any] = json.loads(line)
        fields["directory"] = Path(fields["directory"])
        for name in ("policy_packs", "policy_configs"):
            fields[name] = [Path(path) for path in fields[name]]
        return cls(**fields)


class Host:
    """A child process that is ready, or getting ready, to run one deployment. Close it, used or not.

    It may be started before it is known what it will be asked: it imports the SDK meanwhile.
    """

    def __init__(self, started: HostProcess | None = None) -> None:
        """`started` is the process, where it was started before."""
        started = started or HostProcess()
        self._printers: list[threading.Thread] = []
        self._receiver = started.receiver
        self._process = started.process
        self._stop = _Stop(self._process)

    def cancel(self) -> None:
        """Asks the deployment to stop as Ctrl-C does; the second time, ends it at once. From any thread."""
        self._stop.ask()

    def run(self, request: Request, show: Callable[[Event], None]) -> Finished:
        """Runs the deployment to its end, showing every event; the last one, also returned, says how it went.

        Ctrl-C lets running steps finish and stops; a second one kills the child, and the next run repairs what it left.
        Where `show` raises, nothing more is shown, the deployment is stopped like that, and the exception raised then.
        """
        began = time.monotonic()
        process = self._process
        stop = self._stop
        screen = _Screen(show, stop.ask)
        self._printers = [
            threading.Thread(target=_forward, args=(stream, screen.show), daemon=True)
            for stream in (process.stdout, process.stderr)
        ]
        for printer in self._printers:
            printer.start()
        stop.begin(request.encode())
        finished: Finished | None = None
        with _interruptible(stop, screen.show), os.fdopen(self._receiver, encoding="utf-8") as events:
            self._receiver = -1
            for line in events:
                event = decode(line)
                if isinstance(event, Finished):
                    finished = event
                    break
                screen.show(event)
            hung = _await_exit(process)
        for printer in self._printers:
            printer.join(1.0)
        if finished is None:
            seconds = time.monotonic() - began
            diagnostic, finished = _unfinished(request, process.returncode, asked=stop.asked, seconds=seconds)
            screen.show(diagnostic)
        elif hung:
            screen.show(Diagnostic(Severity.WARNING, _HUNG))
        screen.show(finished)
        screen.raise_failure()
        return finished

    def close(self) -> None:
        """Ends the child if it still runs."""
        if self._receiver >= 0:
            os.close(self._receiver)
            self._receiver = -1
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if any(printer.is_alive() for printer in self._printers):
            # Something that the program has started still holds its output; closing it here would wait for that.
            return
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run(request: Request, show: Callable[[Event], None]) -> Finished:
    """Runs one deployment in a child of its own; see `Host.run`."""
    with Host() as host:
        return host.run(request, show)


def _forward(stream: IO[bytes], show: Callable[[Event], None]) -> None:
    for line in stream:
        show(Diagnostic(Severity.INFO, line.decode("utf-8", "replace").rstrip("\r\n")))


def _await_exit(process: subprocess.Popen[bytes]) -> bool:
    """Waits for the child's end; True where it had to be ended."""
    try:
        process.wait(EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    finally:
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
    return False


def _unfinished(request: Request, returncode: int, *, asked: int, seconds: float) -> tuple[Diagnostic, Finished]:
    """Says how the child ended before the deployment was over; `asked` is how often it was asked to stop."""
    on_record = "" if request.dry_run else "; what had been done is on record"
    if asked:
        running = (
            "; what was running, such as a job, may go on in the background: run up again to follow or repair it, "
            "destroy to end it"
        )
        text = f"stopped at once{on_record}{running if on_record and asked > 1 else ''}"
        return Diagnostic(Severity.WARNING, text), Finished("cancelled", {}, seconds)
    how = f"with exit status {returncode}" if returncode >= 0 else f"by {_signal_name(-returncode)}"
    what = "preview" if request.dry_run else "deployment"
    again = f"{on_record}: run the command again to repair and go on" if on_record else ""
    text = f"the {what}'s process ended {how} before it was done{again}"
    return Diagnostic(Severity.ERROR, text), Finished("failed", {}, seconds, cause="program")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class _Stop:
    """The ways to stop the child: to ask it, and, asked once more, to end it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.asked = 0
        self._begun = False
        self._process = process
        # A signal's handler may interrupt the very thread that holds it.
        self._order = threading.RLock()

    def begin(self, request: str) -> None:
        """Sends the request, and that it is to stop where that has been asked for already."""
        with self._order:
            self._begun = True
            self._send(request)
            if self.asked:
                self._send("cancel")

    def ask(self) -> None:
        """Asks the child to stop; the second time, ends it."""
        with self._order:
            self.asked += 1
            if self.asked > 1:
                self._process.kill()
            elif self._begun:
                self._send("cancel")

    def _send(self, line: str) -> None:
        """Sends one line to the child, if it is still there."""
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()


class _Screen:
    """Shows events, one at a time; the first exception of whoever shows them ends the showing."""

    def __init__(self, show: Callable[[Event], None], stop: Callable[[], None]) -> None:
        self._show = show
        self._stop = stop
        self._failure: BaseException | None = None
        self._lock = threading.Lock()

    def show(self, event: Event) -> None:
        """Shows one event."""
        with self._lock:
            if self._failure is not None:
                return
            try:
                self._show(event)
            except BaseException as error:
                self._failure = error
                self._stop()

    def raise_failure(self) -> None:
        """Raises the exception that ended the showing, if one did."""
        if self._failure is not None:
            raise self._failure


@contextmanager
def _interruptible(stop: _Stop, show: Callable[[Event], None]) -> Iterator[None]:
    """Turns the first Ctrl-C (or SIGTERM) into a request to stop, and the second into the child's end."""

    def interrupt(*_: object) -> None:
        stop.ask()
        if stop.asked == 1:
            # From a thread: the handler may have interrupted the very code that shows events.
            notice = Diagnostic(
                Severity.WARNING, "stopping: running steps are finished first; press Ctrl-C again to stop at once"
            )
            threading.Thread(target=show, args=(notice,), daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
