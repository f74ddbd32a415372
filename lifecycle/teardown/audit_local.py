"""The audit of a stack on this machine: its processes, their shared memory and temporary folders, and its files.

Where they are is told by `infra.local`, whose own check is part of a destroy; this one works when a destroy was killed.
"""

import contextlib
import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifecycle.teardown.audit import AuditReport, Leftover
from lifecycle.teardown.subject import Subject

if TYPE_CHECKING:
    import psutil

MARKER = "TRAINYARD_PROCESS_FOLDER"
"""Environment variable of every process of a stack: a folder below the stack's (`infra.local.records`)."""
SHARED_MEMORY = "shared-memory"
"""Subfolder with a file for each prefix of the names of shared memory (`infra.local.folder`)."""
SHARED_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108  # where shm_open(3) puts it on Linux
_SUPERVISOR = "infra.local.supervisor"
_START_TIME_TOLERANCE_SECONDS = 2.0
_SHOWN = 3


def stack_folder(subject: Subject) -> Path:
    """The folder of everything that a stack keeps on this machine, beside its state (`infra.local.platform`)."""
    return subject.directory.absolute() / ".pulumi" / "local" / subject.stack


def temporary_prefix(folder: Path) -> str:
    """What the paths of temporary folders outside of the stack's folder begin with (`infra.local.process`)."""
    digest = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:8]
    return f"/tmp/trainyard-{os.getuid()}-{digest}-"  # noqa: S108


def audit_local(subject: Subject) -> AuditReport:
    """Looks for what the stack has left on this machine."""
    folder = stack_folder(subject)
    problems = []
    leftovers: list[Leftover] = []
    for words, find in _FINDERS.items():
        try:
            leftovers += find(folder)
        except OSError as error:
            problems.append(f"{words}: {error}")
    return AuditReport(looked_at=tuple(_FINDERS), leftovers=tuple(leftovers), problems=tuple(problems))


def _processes(folder: Path) -> Iterator[Leftover]:
    """Processes of the stack. First those that would start others again."""
    import psutil

    found: dict[int, tuple[bool, str]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            why = _mark(process, folder)
            if why and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = (_SUPERVISOR not in process.cmdline(), f"{process.name()}; {why}")
    for pid, (_, why) in sorted(found.items(), key=lambda each: (each[1][0], each[0])):
        yield Leftover("process", str(pid), why, (f"kill -KILL {pid}",))


def _mark(process: "psutil.Process", folder: Path) -> str:
    """By what a process is known to be the stack's; empty: it is not. Its arguments may hold secrets, and stay out."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        if (named := process.environ().get(MARKER, "")) and Path(named).is_relative_to(folder):
            return f"its environment names {named}"
    # Where an environment cannot be read, its record has to do.
    for record in folder.glob("*/process.json"):
        content = _read(record)
        for role in ("supervisor", "child"):
            if _is(process, content.get(role)):
                return f"{record} names it"
    return ""


def _is(process: "psutil.Process", identity: Mapping[str, Any] | None) -> bool:
    if not identity or identity.get("pid") != process.pid:
        return False
    return abs(process.create_time() - float(identity["started"])) < _START_TIME_TOLERANCE_SECONDS


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _shared_memory(folder: Path) -> Iterator[Leftover]:
    for noted in sorted((folder / SHARED_MEMORY).glob("*")):
        for path in sorted(SHARED_MEMORY_FOLDER.glob(f"{noted.name}*")):
            yield Leftover("shared memory", str(path), f"{noted} names it", (f"rm -- {shlex.quote(str(path))}",))


def _temporary_folders(folder: Path) -> Iterator[Leftover]:
    start = Path(temporary_prefix(folder))
    for path in sorted(start.parent.glob(f"{start.name}*")):
        yield Leftover("temporary folder", str(path), "its name is of the stack's folder", (_removal(path),))


def _files(folder: Path) -> Iterator[Leftover]:
    """The stack's folder with all in it, as one: what is left of it is worth nothing without the rest."""
    if not folder.exists():
        return
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    why = f"holds {', '.join(names[:_SHOWN])}{more}" if names else "is empty"
    yield Leftover("folder", str(folder), why, (_removal(folder),))


def _removal(folder: Path) -> str:
    return f"rm -r -- {shlex.quote(str(folder))}"


_FINDERS = {
    "processes": _processes,
    "shared memory": _shared_memory,
    "temporary folders": _temporary_folders,
    "files": _files,
}
