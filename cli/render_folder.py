"""The folder that `yard render` writes: as a whole or not at all, and in the place of nothing that it did not write."""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from cli.errors import CommandError
from cli.exit_status import ExitStatus
from engine.durable_files import sync_folder

MARKER = ".yard-render"
"""Names the files of a render, one a line. `kubectl apply -f` does not read it: it has no ending."""


def check_folder(folder: Path) -> None:
    """Raises CommandError unless `folder` is missing, empty, or has an earlier render's files and no others."""
    try:
        if not folder.exists():
            if not folder.parent.is_dir():
                raise _refused(folder, f"cannot be made, since {folder.parent} is not a folder")
        elif not folder.is_dir():
            raise _refused(folder, "is not a folder")
        elif folder.samefile(Path.cwd()):
            raise _refused(folder, "is the folder that you are in; it is replaced as a whole, so name another")
        elif strangers := _strangers(folder):
            more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
            raise _refused(
                folder,
                f"has files that no render wrote ({strangers[0]}{more}); name an empty folder, or an earlier render's",
            )
    except OSError as error:
        raise _refused(folder, f"cannot be read: {error.strerror or error}") from None


def replace_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Writes `files`, texts by relative path, as all that `folder` has.

    They are written beside it first; what was there is moved away and the new folder put in its place, or put back
    where that fails. Raises CommandError.
    """
    mark = secrets.token_hex(6)
    new, old = (folder.with_name(f".{folder.name}.{mark}.{ending}") for ending in ("tmp", "old"))
    try:
        _write(new, {**files, MARKER: "".join(f"{path}\n" for path in sorted(files))})
        if folder.exists():
            new.chmod(folder.stat().st_mode & 0o7777)
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
        sync_folder(folder.parent)
    except OSError as error:
        raise _refused(folder, f"cannot be written: {error.strerror or error}") from None
    finally:
        for rest in (new, old):
            shutil.rmtree(rest, ignore_errors=True)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir()
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _strangers(folder: Path) -> list[str]:
    """What is in the folder and no render wrote, by relative path."""
    marker = folder / MARKER
    if not marker.is_file():
        return sorted(path.name for path in folder.iterdir())
    found = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()
    }
    return sorted(found - {*marker.read_text(encoding="utf-8").splitlines(), MARKER})


def _refused(folder: Path, why: str) -> CommandError:
    return CommandError(f"DIR is {str(folder)!r}, which {why}", ExitStatus.CONFIGURATION)
