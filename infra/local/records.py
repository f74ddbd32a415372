"""The files that a supervised process is known by, and how they are written.

A process has a folder of its own, PROCESS_FOLDER/:

    specification.json   written before anything is started: what to run, and a digest to recognise it by
    document.json        the workload's specification document
    process.json         written by the supervisor before and after it starts the process: pids and start times
    ready.json           written by processes that choose their own port: the port
    kept.json            written once a service has been ready: whenever it ends by itself, it is started again
    status.json          written by the supervisor when the process has ended for good: exit code and reason
    log.txt              what the process printed; where that is bounded, log.txt.older has what was cut off last
    supervisor.txt       what the supervisor printed: empty unless something is wrong
    work/                the process's working folder
    tmp/                 its temporary files, unless `process.temporary_folder` says otherwise

None of them holds a credential: those are handed over by environment only.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

MARKER = "TRAINYARD_PROCESS_FOLDER"
"""Environment variable that every process of a folder carries, children included: how strays are found."""

SPECIFICATION, DOCUMENT, PROCESS, READY, KEPT, STATUS = (
    "specification.json",
    "document.json",
    "process.json",
    "ready.json",
    "kept.json",
    "status.json",
)
LOG, SUPERVISOR_LOG, LOCK, WORK, TEMPORARY = "log.txt", "supervisor.txt", "lock", "work", "tmp"


def write_record(path: Path, value: Any) -> None:
    """Writes JSON so that a reader finds the old file or the new one, never a part. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file, indent=2, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def read_record(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is no such file or it is damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def is_kept(folder: Path, attempt: str) -> bool:
    """Whether a folder's process, of a certain start by a deployment, is started again whenever it ends by itself."""
    return (read_record(folder / KEPT) or {}).get("attempt") == attempt
