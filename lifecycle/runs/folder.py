"""Where a run keeps what it knows: `.trainyard/runs/ID/`, below the project.

run.json             the record, replaced as a whole after each step
Pulumi.STACK.yaml    the configuration that it deploys with: the stack's, with the run's own limits
lock                 held (flock) by the one living process that works on the run, whose pid it says
log.txt              what a detached run prints
artifacts/           what it has trained, verified and decrypted
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from engine.durable_files import replace_file
from lifecycle.runs.errors import RunError, RunLocked, RunNotFound
from lifecycle.runs.record import RunPhase, RunRecord, decode_record, utc_text

RECORD, LOCK, LOG, ARTIFACTS = "run.json", "lock", "log.txt", "artifacts"

_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}\Z")


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunFolder) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    @property
    def id(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def directory(self) -> Path:
        """The project folder that the run belongs to."""
        return self.path.parents[2]

    @property
    def artifacts(self) -> Path:
        """Where the artifacts are brought unless the user named another folder."""
        return self.path / ARTIFACTS

    @property
    def log(self) -> Path:
        """What a detached run prints."""
        return self.path / LOG

    def stack_file(self, stack: str) -> Path:
        """The configuration that the run deploys with."""
        return self.path / f"Pulumi.{stack}.yaml"

    def read(self) -> RunRecord:
        """The record. Raises RunNotFound, or RunError where it cannot be read."""
        path = self.path / RECORD
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise RunNotFound(f"there is no run {self.id!r} in {self.path.parent}") from None
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror or error}") from None
        return decode_record(content, str(path))

    def write(self, record: RunRecord) -> RunRecord:
        """Replaces the record durably, with the time as `updated`; returns what was written. Raises RunError."""
        now = utc_text(datetime.now(UTC))
        phases = record.phases
        if not phases or phases[-1].phase != record.phase:
            phases = (*phases, RunPhase(phase=record.phase, began=now))
        written = record.changed(updated=now, phases=phases)
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Only the holder of the lock writes: a killed one's temporary file is the next one's.
            replace_file(self.path / RECORD, written.encode(), mode=0o600, temporary=self.path / f".{RECORD}.tmp")
        except OSError as error:
            raise RunError(f"{self.path / RECORD} cannot be written: {error.strerror or error}") from None
        return written

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the run for as long as the block lasts, or this process lives. Raises RunLocked, naming who has it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with held(self.path / LOCK, f"run {self.id} is being worked on by process {{pid}}"):
            yield

    def is_locked(self) -> bool:
        """Whether a living process works on the run."""
        try:
            descriptor = os.open(self.path / LOCK, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


def runs_folder(project_directory: Path) -> Path:
    """The folder of all runs of a project."""
    return project_directory / ".trainyard" / "runs"


def run_folder(project_directory: Path, run_id: str) -> RunFolder:
    """The folder of the run of that name, there or not. Raises RunNotFound for what no run can be called."""
    if not _ID.match(run_id):
        raise RunNotFound(f"{run_id!r} is not a run: must be YYYYMMDD-HHMMSS-xxxx, as 'yard runs list' shows them")
    return RunFolder(runs_folder(project_directory) / run_id)


def list_runs(project_directory: Path) -> list[RunFolder]:
    """The folders of all runs that have a record, oldest first."""
    folder = runs_folder(project_directory)
    if not folder.is_dir():
        return []
    return [RunFolder(path) for path in sorted(folder.iterdir()) if _ID.match(path.name) and (path / RECORD).is_file()]


@contextmanager
def held(path: Path, taken: str) -> Iterator[None]:
    """Holds a lock file. Raises RunError; RunLocked, with the text `taken` and its {pid} filled in, if another does."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            raise RunLocked(taken.format(pid=pid)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        # The file stays: removing it would let two hold files of the same name.
        os.close(descriptor)
