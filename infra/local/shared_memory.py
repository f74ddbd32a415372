"""POSIX shared memory, which outlives the processes that made it where all of them were killed."""

import contextlib
from pathlib import Path

FOLDER = Path("/dev/shm")  # noqa: S108  # where shm_open(3) puts it on Linux; macOS shows it nowhere


def objects(prefix: str) -> list[Path]:
    """The shared memory whose names begin with a prefix."""
    return sorted(path for path in FOLDER.glob("*") if prefix and path.name.startswith(prefix))


def remove(prefix: str) -> None:
    """Removes the shared memory whose names begin with a prefix, as far as this user may."""
    for path in objects(prefix):
        with contextlib.suppress(OSError):
            path.unlink()
