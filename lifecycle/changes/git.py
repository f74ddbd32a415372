"""Runs git on a repository that nobody vouches for: no hook, no filter, no network, no prompt, no lock.

Source: git-config(1) and git(1), environment variables.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lifecycle.changes.errors import ChangeReportError

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "protocol.allow=never",
    "submodule.recurse=false",
)
_SET = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


def run(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command's output and exit code. Raises ChangeReportError where there is no git."""
    return subprocess.run(
        _command(repository, arguments),
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )


@contextmanager
def running(repository: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command, to talk with; it has ended afterwards."""
    process = subprocess.Popen(
        _command(repository, arguments),
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def find_repository(folder: Path) -> Path | None:
    """The repository's folder, which `folder` is or lies below; None where there is none."""
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)


def _command(repository: Path, arguments: Sequence[str]) -> list[str]:
    git = shutil.which("git")
    if git is None:
        raise ChangeReportError("there is no git on PATH; --base needs it to read the other revision: install git")
    settings = [part for each in _SETTINGS for part in ("-c", each)]
    return [git, "--no-pager", "-C", str(repository), *settings, *arguments]


def _environment() -> dict[str, str]:
    # What a hook or another tool has set would point git at some other repository.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | _SET
