"""How a running process is told of another document: written, announced by SIGHUP, and answered by the process.

The process answers with a record in its working folder: the digest of the document that it has acted on, and its error
where it goes on as before. Nothing here has to be done only once. Whoever finds a document that is not the one that is
wanted, or that is not answered, does all of it again; so a deployment may be killed at any moment.
"""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local import records

if TYPE_CHECKING:
    from infra.local.process import Launch

ANSWER = "releases.json"
"""The process's record in its working folder: `document_sha256`, of the document's bytes, and `error`, text or null."""


def hand_over(folder: Path, launch: "Launch", name: str, patience_seconds: float) -> None:
    """Has a folder's running process act on the launch's document; nothing to do where it has.

    Raises ProcessError where the process refuses it, ends, or does not answer: the document is then what it was.

    :param name: What a person calls the process.
    """
    from infra.local import process

    path = folder / records.DOCUMENT
    before = records.read_record(path)
    if not any(key in (launch.document or {}) for key in launch.reread):
        return
    ends = time.monotonic() + patience_seconds
    # What has not answered once yet has just been started, and may not hear yet.
    answer = _answer(folder, ends)
    if before == launch.document and answer.about == _digest(path) and answer.error is None:
        return
    print(f"{name}: goes on running, and takes over what has changed", flush=True)
    records.write_record(path, launch.document)
    process.ask_to_reread(folder)
    # An answer that was there before may be about a document with the same content, before it was another one.
    answer = _answer(folder, ends, about=_digest(path), other_than=answer.file)
    if answer.about and answer.error is None:
        print(f"{name}: has taken it over", flush=True)
        return
    if before is not None:
        records.write_record(path, before)
        process.ask_to_reread(folder)
    if answer.error is not None:
        raise process.ProcessError(f"{name} goes on as before: {answer.error}")
    if not process.state_of(folder).running:
        raise process.ProcessError(f"{name} has ended; its last lines:\n{process.log_tail(folder)}")
    raise process.ProcessError(
        f"{name} has not taken over within {patience_seconds:g} seconds what has changed; its last lines:\n"
        f"{process.log_tail(folder)}"
    )


@dataclass(frozen=True)
class _Answer:
    """What a process has told."""

    about: str = ""
    """Digest of the document that it has acted on; empty: it has told nothing."""
    error: str | None = None
    file: tuple[int, int] = (0, 0)
    """Which file tells it, by inode and time: every answer is in one of its own."""


def _answer(folder: Path, ends: float, *, about: str = "", other_than: tuple[int, int] = (0, 0)) -> _Answer:
    """The answer of a process that runs, once there is one; nothing told where there is none in time.

    :param about: Digest of the document that it has to be about; empty: any.
    :param other_than: The file that it must not be told by.
    """
    from infra.local import process

    path = folder / records.WORK / ANSWER
    while time.monotonic() < ends and process.state_of(folder).running:
        # The file first: what replaces it in between is taken for the older one, and looked at once more.
        status = path.stat() if path.exists() else None
        file = (status.st_ino, status.st_mtime_ns) if status else (0, 0)
        told = records.read_record(path)
        if told is not None and file != other_than and about in ("", told["document_sha256"]):
            return _Answer(told["document_sha256"], told["error"], file)
        time.sleep(0.05)
    return _Answer()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
