"""A bundle's files as a folder, or as a ``.tar`` with names in order, fixed times and nobody's name: equal files give
equal archives. Either appears whole or not at all, and replaces nothing."""

import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

ARCHIVE_SUFFIX = ".tar"
_FILE_MODE = 0o644
_FOLDER_MODE = 0o755


def write_bundle(files: Mapping[str, bytes], target: Path) -> None:
    """Write the bundle: an archive where ``target`` ends in ``.tar``, else a folder. Its files can be read by anybody.

    Raises:
        OSError: ``target`` is there already and no empty folder, or cannot be written; nothing is left behind.
    """
    if target.suffix == ARCHIVE_SUFFIX:
        _write_archive(files, target)
    else:
        _write_folder(files, target)


def archive_bytes(files: Mapping[str, bytes]) -> bytes:
    """The archive of files by name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            member.mode = _FILE_MODE
            archive.addfile(member, io.BytesIO(files[name]))
    return buffer.getvalue()


def _write_archive(files: Mapping[str, bytes], target: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(archive_bytes(files))
            os.fchmod(file.fileno(), _FILE_MODE)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, this fails where the name is taken.
        os.link(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _write_folder(files: Mapping[str, bytes], target: Path) -> None:
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        for name in sorted(files):
            path = temporary / name
            path.write_bytes(files[name])
            path.chmod(_FILE_MODE)
        temporary.chmod(_FOLDER_MODE)
        # Only an empty folder is replaced by a rename: rename(2).
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary)
        raise
