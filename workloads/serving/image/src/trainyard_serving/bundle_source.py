"""Where a bundle lies: a folder or a ``.tar`` with plain files and nothing else.

Both are read and never unpacked, so that no name in them leads anywhere. Names and sizes are known, and can be refused,
before any of the contents is read.
"""

import os
import stat
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from trainyard_artifacts.manifest import ObjectName
from trainyard_serving.bundle_index import BundleError

MOST_FILES = 64
_NAME = TypeAdapter(ObjectName)


class BundleSource(Protocol):
    """A bundle that can be read."""

    place: Path
    sizes: Mapping[str, int]
    """Bytes of each file, by its name."""

    def read(self, name: str) -> bytes:
        """One of the files, whole. Raises BundleError where it is not as long as ``sizes`` says."""
        ...


@contextmanager
def opened_bundle(place: Path) -> Iterator[BundleSource]:
    """Open a bundle.

    Raises:
        BundleError: there is none, or it has something that is no plain file, a name that a file in a bundle cannot
            have, a name twice, or too many files. All that is wrong is told at once.
    """
    try:
        if place.is_dir():
            yield _Folder(place)
            return
        with place.open("rb") as file:
            try:
                # Uncompressed only, so that what is read is at most as long as the file.
                archive = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115  # closed with the file
                source = _Archive(place, archive, os.fstat(file.fileno()).st_size)
            except (tarfile.TarError, ValueError, OverflowError, UnicodeError) as error:
                raise BundleError(f"{place} is neither a bundle's folder nor its .tar: {error}") from None
            yield source
    except OSError as error:
        raise BundleError(f"{error.filename or place} cannot be read: {error.strerror or error}") from None


class _Folder:
    def __init__(self, place: Path) -> None:
        self.place = place
        with os.scandir(place) as entries:
            found = [
                (entry.name, entry.stat(follow_symlinks=False).st_size, entry.is_file(follow_symlinks=False))
                for entry, _ in zip(entries, range(MOST_FILES + 1), strict=False)
            ]
        self.sizes: Mapping[str, int] = _checked(place, sorted(found))

    def read(self, name: str) -> bytes:
        path = self.place / name
        # Neither a link nor a pipe may have come into the file's place in the meantime.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            is_plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
            data = file.read(self.sizes[name] + 1) if is_plain else b""
        return _whole(self, name, data)


class _Archive:
    def __init__(self, place: Path, archive: tarfile.TarFile, size: int) -> None:
        self.place = place
        self._archive = archive
        self._members: dict[str, tarfile.TarInfo] = {}
        found = []
        for member in archive:
            is_plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and member.sparse is None
            found.append((member.name, member.size, is_plain and 0 <= member.size <= size))
            self._members[member.name] = member
            if len(found) > MOST_FILES:
                break
        self.sizes: Mapping[str, int] = _checked(place, found)

    def read(self, name: str) -> bytes:
        try:
            file = self._archive.extractfile(self._members[name])
            data = b"" if file is None else file.read()
        except tarfile.TarError as error:
            raise BundleError(f"{self.place} cannot be read: {error}") from None
        return _whole(self, name, data)


def _checked(place: Path, found: list[tuple[str, int, bool]]) -> dict[str, int]:
    if len(found) > MOST_FILES:
        raise BundleError(f"{place} has more than {MOST_FILES} files: it is not a bundle")
    problems = []
    sizes: dict[str, int] = {}
    for name, size, is_plain in found:
        if not is_plain:
            problems.append(f"{name!r} is not a plain file")
        elif not _is_name(name):
            problems.append(f"{name!r} is not a name that a file in a bundle can have")
        elif name in sizes:
            problems.append(f"{name!r} is there twice")
        sizes[name] = size
    if problems:
        raise BundleError(f"{place} is not a bundle: {'; '.join(problems)}")
    return sizes


def _is_name(name: str) -> bool:
    try:
        _NAME.validate_python(name)
    except (ValidationError, UnicodeError):
        return False
    return True


def _whole(source: BundleSource, name: str, data: bytes) -> bytes:
    if len(data) != source.sizes[name]:
        raise BundleError(f"{source.place / name} cannot be read whole: it ends early, or changed meanwhile")
    return data
