"""The lock of a stack: one deployment at a time, of the embedded engine or of the pulumi command.

A lock is a file `.pulumi/locks/organization/PROJECT/STACK/UUID.json` that names its owner; whoever finds another one
there stays out (pkg/backend/diy/lock.go in Pulumi's source). Between two of ours a guard file makes looking and locking
one step. An owner that was killed leaves its lock behind; it is taken over once its process is known to be gone. Where
only the command that started it was killed, the owner ends by itself within seconds (engine.host), and is waited for.
"""

import getpass
import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from engine.durable_files import sync_folder
from engine.errors import EngineError
from engine.file_backend import StateNotWritable

# How long another process may hold the guard, which takes it some milliseconds; seconds.
_GUARD_SECONDS = 30.0
# A process can seem to have started this long after it wrote a lock: start times are rounded; seconds.
_START_TOLERANCE = 2.0
# How long an owner whose parent is gone is waited for: it has 5 s to finish its steps, and what it runs 3 s; seconds.
_LEFTOVER_SECONDS = 15.0
_LOOK_SECONDS = 0.1
# Who started this process, unless it has been told: that one may be dead before anybody can ask.
_STARTED_BY = [os.getppid()]


class StackLocked(EngineError):
    """Another deployment of the stack is running; the text says whose, since when, and what to do."""


@dataclass(frozen=True, slots=True)
class LockOwner:
    """Who holds a lock, as its file says."""

    file: Path
    pid: int
    username: str
    hostname: str
    since: datetime
    parent: int = 0
    """The process that started the owner; 0 where the lock does not say, such as one of the pulumi command."""

    def __str__(self) -> str:
        return (
            f"{self.username}@{self.hostname} (pid {self.pid}) since {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        )


class StackLock:
    """A stack's lock, held inside a `with` block."""

    def __init__(
        self, state_folder: Path, project: str, stack: str, on_wait: Callable[[LockOwner], None] = lambda _: None
    ) -> None:
        """`state_folder` holds `.pulumi`; `on_wait` is told of an owner that is waited for, as its parent is gone."""
        self._stack = stack
        self._on_wait = on_wait
        self._projects = state_folder / ".pulumi" / "locks" / "organization" / project
        self._folder = self._projects / stack
        self._file = self._folder / f"{uuid.uuid4()}.json"
        self._descriptor: int | None = None
        self.taken_over: list[LockOwner] = []
        """The dead owners whose locks were taken over: their deployments were cut off."""

    def __enter__(self) -> "StackLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Takes the lock. Raises StackLocked where somebody else has it, StateNotWritable."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._wait_for_leftovers()
            with self._guard():
                self._refuse_or_take_over()
                self._create()
            # The pulumi command does not know the guard: it may have locked the stack in between.
            self._refuse_or_take_over()
        except OSError as error:
            self.release()
            raise StateNotWritable(f"the stack cannot be locked in {self._folder}: {error.strerror or error}") from None
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Gives the lock back, if it is held."""
        if self._descriptor is None:
            return
        with suppress(OSError):
            self._file.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None

    @contextmanager
    def _guard(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        try:
            with FileLock(self._projects / f".{self._stack}.guard", timeout=_GUARD_SECONDS):
                yield
        except Timeout:
            raise StackLocked(
                f"stack {self._stack} is being locked by another process that does not go on; try again"
            ) from None

    def _create(self) -> None:
        """Writes the lock complete or not at all, and holds the file for as long as this process lives."""
        import fcntl

        owner = {
            "pid": os.getpid(),
            # Not one of Pulumi's fields; the pulumi command reads over it.
            "parent": _STARTED_BY[0],
            "username": _username(),
            "hostname": socket.gethostname(),
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }
        # Not beside the lock, where the pulumi command would take it for one.
        temporary = self._projects / f".{self._file.name}.tmp"
        self._descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(self._descriptor, json.dumps(owner, separators=(",", ":")).encode())
            os.fsync(self._descriptor)
            os.replace(temporary, self._file)  # noqa: PTH105
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(self._folder)

    def _wait_for_leftovers(self) -> None:
        for file in lock_files_in(self._folder):
            try:
                owner = read_lock(file)
            except (FileNotFoundError, ValueError):
                continue
            if is_leftover(owner):
                self._on_wait(owner)
                deadline = time.monotonic() + _LEFTOVER_SECONDS
                while file.exists() and is_leftover(owner) and time.monotonic() < deadline:
                    time.sleep(_LOOK_SECONDS)

    def _refuse_or_take_over(self) -> None:
        """Removes the locks of dead owners and raises StackLocked for a living one."""
        living = []
        for file in lock_files_in(self._folder):
            if file == self._file:
                continue
            try:
                owner = read_lock(file)
            except FileNotFoundError:
                continue
            except ValueError:
                raise StackLocked(
                    f"stack {self._stack} is locked, and the lock does not say by whom: {file}\n"
                    "if no deployment of the stack is running anywhere, remove that file"
                ) from None
            if is_dead(owner):
                file.unlink(missing_ok=True)
                file.with_name(file.name + ".attrs").unlink(missing_ok=True)
                self.taken_over.append(owner)
            else:
                living.append(owner)
        if living:
            owners = ", ".join(map(str, living))
            if all(map(is_leftover, living)):
                pids = " ".join(str(owner.pid) for owner in living)
                raise StackLocked(
                    f"stack {self._stack} is locked by {owners}: its command was killed, but it still runs\n"
                    f"wait until it ends, or end it with: kill {pids}"
                )
            files = " ".join(str(owner.file) for owner in living)
            raise StackLocked(
                f"stack {self._stack} is locked by {owners}\n"
                "wait until that deployment ends, or stop it; if it is no longer running on its machine, remove the "
                f"lock with 'yard cancel -s {self._stack}', 'pulumi cancel' or: rm {files}"
            )


def note_parent(pid: int) -> None:
    """Says who has started this process; it may be dead by now, and this process another's child."""
    _STARTED_BY[0] = pid


def lock_files(state_folder: Path, project: str, stack: str) -> list[Path]:
    """The files of the stack's locks, whoever holds them."""
    return lock_files_in(state_folder / ".pulumi" / "locks" / "organization" / project / stack)


def lock_files_in(folder: Path) -> list[Path]:
    """The lock files of one stack's folder."""
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def read_lock(file: Path) -> LockOwner:
    """The owner that a lock file names. Raises FileNotFoundError, or ValueError where it names none."""
    try:
        content = json.loads(file.read_bytes())
        since = datetime.fromisoformat(_microseconds(content["timestamp"]))
        parent = int(content.get("parent", 0))
        return LockOwner(file, int(content["pid"]), str(content["username"]), str(content["hostname"]), since, parent)
    except FileNotFoundError:
        raise
    except (OSError, KeyError, TypeError, AttributeError, ValueError):
        raise ValueError(f"{file} is not a lock") from None


def is_dead(owner: LockOwner) -> bool:
    """Whether the owner's process is known to have ended: its machine is this one, and what runs there is not it."""
    if owner.hostname != socket.gethostname() or _is_held(owner.file):
        return False
    import psutil

    try:
        process = psutil.Process(owner.pid)
        recycled = process.create_time() > owner.since.timestamp() + _START_TOLERANCE
        return recycled or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def is_leftover(owner: LockOwner) -> bool:
    """Whether the owner runs on this machine although the command that started it is gone."""
    if not owner.parent or owner.hostname != socket.gethostname() or is_dead(owner):
        return False
    import psutil

    try:
        return psutil.Process(owner.pid).ppid() != owner.parent
    except psutil.Error:
        return False


def _is_held(file: Path) -> bool:
    """Whether a living process of ours holds the file: certain even where the clock was set."""
    import fcntl

    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _microseconds(timestamp: str) -> str:
    """The time without the nanoseconds that Go writes and Python does not read."""
    head, point, rest = timestamp.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return f"{head}.{digits[:6].ljust(6, '0')}{rest[len(digits) :]}" if point else timestamp


def _username() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
