"""Logs of processes that go on for as long as they are wanted, kept from filling the disk.

The process holds its log open and appends to it, so the log is copied and then cut: what is written between the two is
lost. What a log may be larger than its limit is what is written between two looks at it.
"""

import contextlib
import os
import shutil
from pathlib import Path

OLDER = ".older"
"""What is appended to a log's name for what was cut off last."""
SECONDS_BETWEEN_LOOKS = 10.0


def cut(path: Path, largest: int) -> None:
    """Moves what is in a log that is larger than so many bytes to the older one, in whose place it comes."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > largest:
            copy = path.with_name(f"{path.name}{OLDER}.new")
            shutil.copyfile(path, copy)
            os.truncate(path, 0)
            copy.replace(path.with_name(path.name + OLDER))
