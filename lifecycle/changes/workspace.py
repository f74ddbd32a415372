"""A folder for one report, gone afterwards; what a killed run has left is removed by the next one.

It lies among the machine's temporary files: nothing of it is in the user's repository.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "trainyard-changes-"
_LOCK = "lock"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that no other run touches while this process lives."""
    remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    try:
        # Locked before it has its name: nobody may take it for abandoned in between.
        with (folder / "locking").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / "locking").rename(folder / _LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned() -> None:
    """Removes the folders of this user whose process has ended."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{_LOCK}"):
        try:
            if lock.stat(follow_symlinks=False).st_uid != os.getuid():
                continue
            with lock.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            # Another run's, or gone meanwhile.
            continue
