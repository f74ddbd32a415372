"""Writes files so that a reader, or the next run after a crash, sees the old content or the new one, never both."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, content: bytes, *, mode: int = 0o644, temporary: Path | None = None) -> None:
    """Writes `content` durably under `path`, in place of what is there; a file that is there keeps its permissions.

    `temporary` names the file to write first, in the same folder; give it where only one process can be writing, so
    that a killed one leaves nothing that the next does not reuse. Raises OSError, with the old content in place.
    """
    unique = temporary is None
    if temporary is None:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    with suppress(FileNotFoundError):
        mode = path.stat().st_mode & 0o7777
    try:
        _write(temporary, content, mode)
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        if unique:
            with suppress(OSError):
                temporary.unlink()
        raise
    sync_folder(path.parent)


def create_file(path: Path, content: bytes, *, mode: int) -> bool:
    """Creates the file durably, complete or not at all; False where it existed, which then stays. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        _write(temporary, content, mode)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
    finally:
        with suppress(OSError):
            temporary.unlink()
    sync_folder(path.parent)
    return True


def sync_folder(folder: Path) -> None:
    """Makes durable which files the folder holds."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems refuse this; what they keep is then as durable as they make it.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
