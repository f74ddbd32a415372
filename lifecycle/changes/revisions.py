"""Which two states of the project are compared, and the files of the older one.

As in a pull request, the base is where the head has branched off: the merge base of the named revision and HEAD. Its
files are written from git's objects to a folder outside of the repository. `git worktree` would have to be registered
in the repository, where a killed run would leave it, and would run hooks and filters, as `git archive` runs filters.
"""

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from lifecycle.changes import git
from lifecycle.changes.errors import ChangeReportError
from lifecycle.changes.report import Revision

_DEEPEN = "git fetch --unshallow, or in a workflow actions/checkout with fetch-depth: 0"
_BLOCK = 1 << 20


def resolve(repository: Path, name: str, project: Path) -> tuple[Revision, Revision]:
    """The base and the head, which is the working tree as it is.

    :param name: What the user calls the base, such as `origin/main`.
    :param project: The project's folder in the repository: whether that is modified is told.

    Raises ChangeReportError for a revision that is not there.
    """
    head = _commit(repository, "HEAD")
    if head is None:
        raise ChangeReportError(f"{repository}: git knows no commit here ({_last_words(repository)}); commit first")
    named = _commit(repository, name)
    if named is None:
        hint = f"; the clone is shallow: {_DEEPEN}" if _is_shallow(repository) else "; git fetch may bring it"
        raise ChangeReportError(
            f"--base is {name!r}: git knows no such commit in {repository}{hint}; it can be a branch, a tag or a commit"
        )
    found = git.run(repository, "merge-base", named, head)
    if found.returncode != 0:
        hint = f"; the clone is shallow: {_DEEPEN}" if _is_shallow(repository) else ""
        raise ChangeReportError(f"--base is {name!r}: it has no commit in common with HEAD in {repository}{hint}")
    base = found.stdout.split()[0]
    return Revision(name=name, commit=base), Revision(name="HEAD", commit=head, modified=_is_modified(project))


def write_files(repository: Path, commit: str, folder: Path) -> None:
    """Writes the files of a commit to a folder that has none: byte for byte as they are committed.

    Links come last, so that none can lead a file out of the folder. Submodules are left empty. Raises ChangeReportError
    where something is missing, as in a partial clone, or has a path that no file may have.
    """
    entries = _entries(repository, commit)
    folder.mkdir(parents=True, exist_ok=True)
    for parent in sorted({entry.parts[:-1] for entry in entries}):
        folder.joinpath(*parent).mkdir(parents=True, exist_ok=True)
    files = [entry for entry in entries if not entry.is_link]
    links = [entry for entry in entries if entry.is_link]
    for entry, content in _contents(repository, [*files, *links]):
        path = str(folder.joinpath(*entry.parts))
        if entry.is_link:
            os.symlink(content, os.fsencode(path))  # noqa: PTH211  # what it points at is bytes
            continue
        mode = 0o755 if entry.mode & stat.S_IXUSR else 0o644
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


class _Entry(NamedTuple):
    mode: int
    object_id: str
    parts: tuple[str, ...]

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)


def _entries(repository: Path, commit: str) -> list[_Entry]:
    listed = git.run(repository, "ls-tree", "-r", "-z", "--full-tree", commit)
    if listed.returncode != 0:
        raise ChangeReportError(f"commit {commit} cannot be read in {repository}: {listed.stderr.strip()}")
    entries = []
    for line in filter(None, listed.stdout.split("\0")):
        about, _, path = line.partition("\t")
        mode, kind, object_id = about.split()[:3]
        parts = tuple(path.split("/"))
        if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
            raise ChangeReportError(f"commit {commit} has a file of the path {path!r}, which no file may have")
        if kind == "blob":
            entries.append(_Entry(int(mode, 8), object_id, parts))
    return entries


def _contents(repository: Path, entries: Sequence[_Entry]) -> Iterator[tuple[_Entry, bytes]]:
    asked = "".join(f"{entry.object_id}\n" for entry in entries).encode()
    with git.running(repository, "cat-file", "--batch", "--buffer") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        # From a thread: git answers while it is asked, and a pipe holds little.
        threading.Thread(target=_ask, args=(process.stdin, asked), daemon=True).start()
        for entry in entries:
            words = process.stdout.readline().split()
            if len(words) != 3:
                raise ChangeReportError(
                    f"{'/'.join(entry.parts)} of the base is not in this clone: fetch it whole, without --filter"
                )
            content = _read(process.stdout, int(words[2]) + 1)
            yield entry, content[:-1]


def _ask(stream: IO[bytes], asked: bytes) -> None:
    try:
        stream.write(asked)
        stream.close()
    except OSError:
        # Whoever reads the answers tells what is missing.
        return


def _read(stream: IO[bytes], size: int) -> bytes:
    blocks = []
    while size > 0 and (block := stream.read(min(size, _BLOCK))):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


def _commit(repository: Path, name: str) -> str | None:
    found = git.run(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return found.stdout.strip() if found.returncode == 0 else None


def _last_words(repository: Path) -> str:
    """Why git refuses the repository, such as one that belongs to somebody else."""
    said = git.run(repository, "rev-parse", "--verify", "HEAD").stderr.strip().splitlines()
    return said[0] if said else "HEAD has no commit"


def _is_shallow(repository: Path) -> bool:
    return git.run(repository, "rev-parse", "--is-shallow-repository").stdout.strip() == "true"


def _is_modified(project: Path) -> bool:
    options = ("--porcelain", "--untracked-files=normal", "--ignore-submodules=dirty")
    found = git.run(project, *_without_filters(project), "status", *options, "--", ".")
    return bool(found.stdout.strip())


def _without_filters(repository: Path) -> Iterator[str]:
    """Settings that take the commands from all filters: the files themselves say which of them run (gitattributes)."""
    names = git.run(repository, "config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process)$")
    for name in filter(None, names.stdout.split("\0")):
        yield from ("-c", f"{name}=", "-c", f"{name.rpartition('.')[0]}.required=false")
