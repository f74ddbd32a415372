"""The process of one preview: with the modules of its own revision, and without what this process knows of secrets.

Whoever proposes a change decides what its program does. It gets no token, no credential and no home folder of whoever
looks at it, only what a Python program needs to run. That keeps secrets out of its reach by accident and out of its
environment; it is no sandbox: run it where there is nothing to steal.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

KEPT = frozenset(
    {
        "COVERAGE_PROCESS_START",
        "LANG",
        "LANGUAGE",
        "LD_LIBRARY_PATH",
        "OMP_NUM_THREADS",
        "PATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONHASHSEED",
        "PYTHONPATH",
        "TMPDIR",
        "TRAINYARD_TRITON_VENV",
        "TZ",
        "VIRTUAL_ENV",
    }
)
"""Environment variables that a preview gets; all others, and all that is secret, it does not."""


def environment(home: Path, extra_path: Sequence[str] = (), given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a preview.

    :param home: Its home folder, an empty one: what lies in the user's own, such as credentials, is not for it.
    :param extra_path: Folders whose modules go before those that are installed.
    """
    kept = {name: value for name, value in given.items() if name in KEPT or name.startswith("LC_")}
    path = [*extra_path, *filter(None, [kept.get("PYTHONPATH")])]
    return {
        **kept,
        "HOME": str(home),
        # No library may look for credentials where the machine itself offers them.
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_GCE_CHECK": "true",
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONUNBUFFERED": "1",
    }


def installed_below(root: Path, elsewhere: Path, search_path: Sequence[str] = sys.path) -> list[str]:
    """Where the same packages lie in another copy of `root`, of those that are installed from there as editable ones.

    :param elsewhere: The other copy.
    """
    found = []
    for entry in search_path:
        path = Path(entry)
        if path.is_absolute() and path != root and path.is_relative_to(root) and "site-packages" not in path.parts:
            found.append(str(elsewhere / path.relative_to(root)))
    return [each for each in dict.fromkeys(found) if not _is_environment(Path(each))]


def _is_environment(path: Path) -> bool:
    """Whether it is part of a virtual environment or of Python itself, such as `lib/python3.11`."""
    return any(part.startswith((".venv", "python3")) for part in path.parts)
