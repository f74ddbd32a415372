"""Spares one copy of the project the compilation of modules that another copy has compiled already.

Python takes a compiled module for current by the time and size of its source, and gives it the path that it has now.
Only a module that is the same, byte for byte, is taken over, and only where Python would take what is compiled for
current in the other copy: one that asks not to be compared with its source (PEP 552) could be anything. Not by
pathlib: it takes as long as what is spared.
"""

import os
import struct
import sys
from contextlib import suppress
from pathlib import Path

_CACHE = "__pycache__"
_WORD = 0xFFFFFFFF
_ENDING = f".{sys.implementation.cache_tag}.pyc"


def share_bytecode(target: Path, source: Path) -> None:
    """Gives the modules of `target` what `source` has compiled of the same ones. What cannot be is compiled anew."""
    for folder, subfolders, files in os.walk(target):
        subfolders[:] = [each for each in subfolders if each != _CACHE]
        names = [each for each in files if each.endswith(".py")]
        if not names:
            continue
        own = os.path.normpath(os.path.join(source, os.path.relpath(folder, target)))  # noqa: PTH118
        try:
            compiled = {each.name.removesuffix(_ENDING) for each in os.scandir(f"{own}/{_CACHE}")}
        except OSError:
            continue
        for name in names:
            if name[:-3] in compiled:
                with suppress(OSError):
                    _share(folder, own, name)


def _share(folder: str, own: str, name: str) -> None:
    status = os.stat(f"{own}/{name}")  # noqa: PTH116
    if status.st_size != os.stat(f"{folder}/{name}").st_size:  # noqa: PTH116
        return
    with open(f"{own}/{name}", "rb") as one, open(f"{folder}/{name}", "rb") as other:  # noqa: PTH123
        if one.read() != other.read():
            return
    with open(f"{own}/{_CACHE}/{name[:-3]}{_ENDING}", "rb") as file:  # noqa: PTH123
        compiled = file.read()
    if compiled[4:16] != struct.pack("<3I", 0, int(status.st_mtime) & _WORD, status.st_size & _WORD):
        return
    with suppress(FileExistsError):
        os.mkdir(f"{folder}/{_CACHE}")  # noqa: PTH102
    with open(f"{folder}/{_CACHE}/{name[:-3]}{_ENDING}", "xb") as file:  # noqa: PTH123
        file.write(compiled)
    os.utime(f"{folder}/{name}", ns=(status.st_atime_ns, status.st_mtime_ns))
