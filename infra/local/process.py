"""Supervised processes: start one, find it again, follow it, stop exactly it.

There is never more than one process in a folder: whoever wants to start one first finds what is there, and adopts it or
stops it. `records` tells which files a folder holds; `supervisor` is the parent of the process.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local import records, shared_memory

if TYPE_CHECKING:
    import psutil

PROJECT = Path(__file__).absolute().parents[2]
"""The folder from which `infra` can be imported."""

_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "LD_LIBRARY_PATH")
_INHERITED_PREFIX = "TRAINYARD_"
_LONGEST_TEMPORARY_PATH = 64
# The path of a Unix socket has at most 103 bytes on macOS and 107 on Linux; multiprocessing adds 33 to TMPDIR.
_START_TIME_TOLERANCE_SECONDS = 2.0
_children: list[subprocess.Popen[bytes]] = []


class ProcessError(Exception):
    """A process that could not be started or stopped, or that failed."""


@dataclasses.dataclass(frozen=True)
class Launch:
    """What to run, and for how long."""

    command: tuple[str, ...]
    """Program and arguments; `{document}` stands for the document's path."""
    environment: Mapping[str, str]
    """Environment variables beside the few that are inherited; may hold credentials."""
    document: Mapping[str, Any] | None = None
    """Written to a file for the process to read. Nothing secret."""
    deadline_seconds: float | None = None
    """Seconds until the process is asked to stop; None: never."""
    grace_seconds: float = 30.0
    """Seconds from being asked to stop to being killed."""
    version: str = ""
    """Whatever else makes this a different thing to run, such as a digest of the code."""
    shared_memory_prefix: str = ""
    """What the names of the shared memory begin with that `stop` removes; empty: none is."""
    log_bytes: int | None = None
    """Size of the log beyond which it is cut (`log_file`); None: it may grow."""
    reread: tuple[str, ...] = ()
    """Keys of the document that a running process takes over when it is told to read the document again."""

    def digest(self) -> str:
        """What the launch is recognised by. Of the credentials in it, only their hash enters."""
        document = self.document
        if document is not None and self.reread:
            document = {name: value for name, value in document.items() if name not in self.reread}
        content = [self.command, sorted(self.environment.items()), document, self.version]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class State:
    """How it stands with a folder's process."""

    digest: str | None = None
    """Which launch it is; None: there was none."""
    running: bool = False
    exit_code: int | None = None
    """How it ended; None while it runs or where nobody saw its end. Negative: the signal that killed it."""
    reason: str | None = None
    """`exited`, `stopped`, `deadline`, or why it could not be started."""
    kept: bool = False
    """Whether it is started again when it ends by itself; until then it counts as running."""


def state_of(folder: Path) -> State:
    """What is known of a folder's process, without asking anybody but this machine."""
    specification = records.read_record(folder / records.SPECIFICATION)
    if specification is None:
        return State()
    attempt, digest = specification["attempt"], specification["digest"]
    status = records.read_record(folder / records.STATUS)
    if status is not None and status["attempt"] == attempt:
        return State(digest, False, status["exit_code"], status["reason"])
    process = records.read_record(folder / records.PROCESS)
    if process is None or process["attempt"] != attempt:
        return State(digest)
    kept = records.is_kept(folder, attempt)
    alive = _find(process["child"])
    if alive is None and (kept or process["child"] is None):
        alive = _find(process["supervisor"])
    return State(digest, alive is not None, kept=kept)


def supervised(folder: Path) -> bool:
    """Whether the folder's supervisor lives: only it keeps a deadline, records an exit code and starts again."""
    process = records.read_record(folder / records.PROCESS)
    return process is not None and _find(process["supervisor"]) is not None


def final_state_of(folder: Path) -> State:
    """What is known of a process that has ended; waits for its supervisor, which records the end a moment later."""
    while not state_of(folder).running and supervised(folder):
        time.sleep(0.02)
    return state_of(folder)


def start(folder: Path, launch: Launch) -> None:
    """Starts a process under a supervisor that outlives this one, after stopping what ran in the folder before.

    Returns as soon as the process is recorded. Raises ProcessError, OSError.
    """
    stop(folder)
    for subfolder in (folder, folder / records.WORK, temporary_folder(folder)):
        subfolder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_own(temporary_folder(folder))
    attempt = secrets.token_hex(8)
    document = folder.absolute() / records.DOCUMENT
    if launch.document is not None:
        records.write_record(document, launch.document)
    specification = {
        "attempt": attempt,
        "digest": launch.digest(),
        "command": [part.replace("{document}", str(document)) for part in launch.command],
        "deadline_seconds": launch.deadline_seconds,
        "grace_seconds": launch.grace_seconds,
        "shared_memory_prefix": launch.shared_memory_prefix,
        "log_bytes": launch.log_bytes,
    }
    records.write_record(folder / records.SPECIFICATION, specification)
    with (folder / records.SUPERVISOR_LOG).open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "infra.local.supervisor", str(folder.absolute()), attempt],
            cwd=PROJECT,
            env=_environment(folder, launch.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children.append(supervisor)
    while not _recorded(folder, attempt):
        if supervisor.poll() is not None and not _recorded(folder, attempt):
            said = (folder / records.SUPERVISOR_LOG).read_text(encoding="utf-8", errors="replace")
            raise ProcessError(
                f"the supervisor in {folder} ended with exit code {supervisor.returncode}\n{said}".rstrip()
            )
        time.sleep(0.01)


def keep(folder: Path) -> None:
    """From now on, a folder's process is started again whenever it ends by itself, until `stop`.

    It is for what has been seen to be ready: what cannot start is told once, and not tried for ever.
    """
    specification = records.read_record(folder / records.SPECIFICATION)
    if specification is not None:
        records.write_record(folder / records.KEPT, {"attempt": specification["attempt"]})


def follow(folder: Path, print_line: Callable[[str], None]) -> State:
    """Waits for the end of a folder's process, handing over each line of its log meanwhile; how it ended."""
    lines = _Tail(folder / records.LOG)
    while state_of(folder).running:
        for line in lines.read():
            print_line(line)
        time.sleep(0.1)
    state = final_state_of(folder)
    _reap()
    for line in lines.read(to_the_end=True):
        print_line(line)
    return state


def stop(folder: Path) -> None:
    """Ends every process of a folder, removes their shared memory and the folder.

    Nothing to end is no error. Raises ProcessError.
    """
    import psutil

    specification = records.read_record(folder / records.SPECIFICATION) or {}
    grace_seconds = float(specification.get("grace_seconds", 10.0))
    record = records.read_record(folder / records.PROCESS)
    supervisor = _find(record["supervisor"]) if record else None
    if supervisor is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            supervisor.terminate()
            wait_for_end([supervisor], grace_seconds + 5)
    left = processes_of(folder)
    # More than one round of killing: a supervisor that was just starting may have made a child in the meantime.
    for number, seconds in (("terminate", grace_seconds), *[("kill", 5.0)] * 4):
        if not left:
            break
        for process in left:
            with contextlib.suppress(psutil.Error):
                getattr(process, number)()
        wait_for_end(left, seconds)
        left = processes_of(folder)
    if left:
        raise ProcessError(f"cannot end {', '.join(describe(process) for process in left)} of {folder}")
    _reap()
    shared_memory.remove(specification.get("shared_memory_prefix", ""))
    for leftover in (temporary_folder(folder), folder):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(leftover)


def processes_of(folder: Path) -> "list[psutil.Process]":
    """Every living process that carries the folder's marker, or one below it: recorded or not, whatever its parent."""
    import psutil

    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and _is_within(_marker(process), folder) and _is_alive(process):
                found[process.pid] = process
    # Where an environment cannot be read, the records and the family tree have to do.
    for record in [folder / records.PROCESS, *folder.glob(f"*/{records.PROCESS}")]:
        content = records.read_record(record) or {}
        for role in ("supervisor", "child"):
            if (process := _find(content.get(role))) is not None:
                with contextlib.suppress(psutil.Error):
                    found |= {member.pid: member for member in [process, *process.children(recursive=True)]}
    return [process for process in found.values() if process.pid != os.getpid()]


def wait_for_end(processes: "list[psutil.Process]", seconds: float) -> None:
    """Waits until none of the processes lives, or time is up."""
    import psutil

    ends = time.monotonic() + seconds
    for process in processes:
        # Not until it is gone: some systems take seconds to collect what has ended and has no parent any more.
        with contextlib.suppress(psutil.Error):
            while process.is_running() and _is_alive(process) and time.monotonic() < ends:
                time.sleep(0.01)


def temporary_folder(folder: Path) -> Path:
    """Where a folder's process puts its temporary files.

    Inside the folder, if a Unix socket there has a short enough path; otherwise in /tmp, under the same name every
    time, which `stop` removes, too.
    """
    inside = folder.absolute() / records.TEMPORARY
    if len(str(inside)) <= _LONGEST_TEMPORARY_PATH:
        return inside
    return Path(f"{temporary_prefix(folder.parent)}{folder.name}")


def temporary_prefix(stack_folder: Path) -> str:
    """What the paths of the temporary folders outside a stack's folder begin with."""
    digest = hashlib.sha256(str(stack_folder.absolute()).encode()).hexdigest()[:8]
    # Not where TMPDIR says: on macOS that path alone is nearly too long.
    return f"/tmp/trainyard-{os.getuid()}-{digest}-"  # noqa: S108


def environment_of(folder: Path) -> Mapping[str, str]:
    """The environment that a folder's process was started with; empty where it cannot be read."""
    import psutil

    record = records.read_record(folder / records.PROCESS)
    process = _find(record["child"]) if record else None
    if process is None:
        return {}
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def ask_to_reread(folder: Path) -> None:
    """Sends SIGHUP to a folder's process: it is to read its document again. One that has ended is not asked."""
    import psutil

    record = records.read_record(folder / records.PROCESS)
    process = _find(record["child"]) if record else None
    if process is not None:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGHUP)


def log_tail(folder: Path, lines: int = 15) -> str:
    """The last lines that a folder's process printed, indented."""
    try:
        text = (folder / records.LOG).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])


def free_port(taken: Collection[int] = ()) -> int:
    """A TCP port on loopback that nobody listens on at the moment, and that no connection is given meanwhile.

    :param taken: Ports that somebody is about to listen on.

    Of those that the kernel gives to connections (ip(7), ip_local_port_range) one may be gone before it is listened on.
    Raises ProcessError where 100 others are all in use.
    """
    for port in secrets.SystemRandom().sample(_PORTS, 100):
        if port in taken:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ProcessError(f"no port of 100 from {_PORTS[0]} to {_PORTS[-1]} is free on 127.0.0.1")


_PORTS = range(20_000, 30_000)
"""Below those of connections, and those that Kubernetes gives to services on a node (30000 to 32767)."""


def port_problem(port: int, ours: Path) -> str | None:
    """Why a TCP port of loopback cannot be listened on, naming who holds it where that can be told.

    None if it can be, or if the holder is a process of the folder `ours`.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return None
        except PermissionError:
            return f"port {port} needs privileges that this user has not"
        except OSError:
            pass
    if port_holder(port, ours) is not None:
        return None
    holder = _listener(port)
    return f"port {port} is in use by {describe(holder) if holder else 'another program'}"


def port_holder(port: int, ours: Path) -> str | None:
    """The process of the folder `ours` that listens on a TCP port, in words; None if there is none."""
    holder = _listener(port)
    return describe(holder) if holder is not None and _is_within(_marker(holder), ours) else None


def describe(process: "psutil.Process") -> str:
    """A process's name and pid. Its arguments and environment may hold secrets, and stay out."""
    import psutil

    try:
        return f"{process.name()} (pid {process.pid})"
    except psutil.Error:
        return f"pid {process.pid}"


def _environment(folder: Path, own: Mapping[str, str]) -> dict[str, str]:
    # Not the rest: it holds whatever credentials the user's shell has, and Pulumi's passphrase.
    inherited = {
        name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith(_INHERITED_PREFIX)
    }
    return {
        **inherited,
        "TMPDIR": str(temporary_folder(folder)),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **own,
        records.MARKER: str(folder.absolute()),
    }


def _require_own(folder: Path) -> None:
    """Refuses a folder that somebody else has put in the place of ours."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ProcessError(f"{folder} is not a folder that only this user can enter; remove it and try again")


def _recorded(folder: Path, attempt: str) -> bool:
    process = records.read_record(folder / records.PROCESS) or {}
    status = records.read_record(folder / records.STATUS) or {}
    return (process.get("attempt") == attempt and process.get("child") is not None) or status.get("attempt") == attempt


def _find(identity: Mapping[str, Any] | None) -> "psutil.Process | None":
    """The living process of a recorded pid and start time."""
    import psutil

    if identity is None:
        return None
    try:
        process = psutil.Process(identity["pid"])
        if abs(process.create_time() - identity["started"]) > _START_TIME_TOLERANCE_SECONDS or not _is_alive(process):
            return None
    except psutil.Error:
        return None
    return process


def _is_alive(process: "psutil.Process") -> bool:
    import psutil

    return bool(process.status() != psutil.STATUS_ZOMBIE)


def _marker(process: "psutil.Process") -> str:
    import psutil

    try:
        return process.environ().get(records.MARKER, "")
    except (psutil.Error, OSError):
        return ""


def _is_within(path: str, folder: Path) -> bool:
    return bool(path) and Path(path).is_relative_to(folder.absolute())


def _listener(port: int) -> "psutil.Process | None":
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError):
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            with contextlib.suppress(psutil.Error):
                return psutil.Process(connection.pid)
    return None


def _reap() -> None:
    """Collects supervisors that have ended, so that none stays behind as a zombie."""
    _children[:] = [child for child in _children if child.poll() is None]


class _Tail:
    """Reads the whole lines that a growing file has got since the last time."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self._rest = path, 0, b""

    def read(self, to_the_end: bool = False) -> Iterator[str]:
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
            self._offset += len(new)
            *lines, self._rest = (self._rest + new).split(b"\n")
            if to_the_end and self._rest:
                lines, self._rest = [*lines, self._rest], b""
            yield from (line.decode("utf-8", errors="replace").rstrip("\r") for line in lines)
