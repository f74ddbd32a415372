"""`--sarif` and `--junit`: checks before anything runs that the files can be written, and writes them at the end."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from cli.errors import CommandError
from cli.exit_status import ExitStatus
from engine.events import Event

PACK = "trainyard"
"""The name of this project's own policy pack, of which more is known than it tells the engine."""


@dataclass(frozen=True, slots=True)
class VerdictFiles:
    """Where the verdicts of policies are to be written."""

    sarif: Path | None = None
    junit: Path | None = None

    def __bool__(self) -> bool:
        return self.sarif is not None or self.junit is not None

    def check(self, packs: object) -> None:
        """Raises CommandError where the files cannot be written, or no policy pack is there to judge."""
        paths = {option: path for option, path in (("--sarif", self.sarif), ("--junit", self.junit)) if path}
        for option, path in paths.items():
            if not packs:
                raise CommandError(f"{option} needs a policy pack: add --policy-pack", ExitStatus.CONFIGURATION)
            if problem := _problem(path):
                raise CommandError(f"{option} = {str(path)!r}: cannot be written: {problem}", ExitStatus.CONFIGURATION)
        if self.sarif and self.junit and self.sarif.resolve() == self.junit.resolve():
            raise CommandError(f"--sarif and --junit are the same file, {self.sarif}", ExitStatus.CONFIGURATION)


@contextmanager
def recording(
    files: VerdictFiles, folder: Path, stack: str, *, dry_run: bool, quiet: bool
) -> Iterator[Callable[[Event], None]]:
    """Takes a deployment's events, and writes the files once it is over, however it ended; an exception writes none.

    Says where they are on standard output, or, if `quiet`, nowhere. Raises CommandError where one cannot be written.
    """
    if not files:
        yield _ignore
        return
    from cli.verdicts import Verdicts

    verdicts = Verdicts(stack, dry_run=dry_run)
    yield verdicts.add
    from policies.catalogue import RULES

    known = {PACK: {rule.id: rule for rule in RULES}}
    if files.sarif:
        from cli.verdicts_sarif import sarif_text

        text = sarif_text(verdicts, known, _stack_file(folder, stack), _folder_in_repository(folder))
        _write("--sarif", files.sarif, text.encode())
    if files.junit:
        from cli.verdicts_junit import junit_text

        _write("--junit", files.junit, junit_text(verdicts, known))
    if not quiet:
        typer.echo(f"Verdicts written to {' and '.join(str(path) for path in (files.sarif, files.junit) if path)}")


def _problem(path: Path) -> str:
    if path.is_dir():
        return "it is a folder"
    if path.exists() and not path.is_file():
        return "it is no file"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    return "" if os.access(path.parent, os.W_OK | os.X_OK) else f"the folder {path.parent} does not allow it"


def _write(option: str, path: Path, content: bytes) -> None:
    from engine.durable_files import replace_file

    try:
        # A link stays one.
        replace_file(path.resolve(), content)
    except OSError as error:
        raise CommandError(f"{option} = {str(path)!r}: cannot be written: {error.strerror or error}") from None


def _stack_file(folder: Path, stack: str) -> str:
    names = (f"Pulumi.{stack.rpartition('/')[2]}.{ending}" for ending in ("yaml", "yml"))
    return next((name for name in names if (folder / name).is_file()), "Pulumi.yaml")


def _folder_in_repository(folder: Path) -> str:
    """Code scanning names files from the folder of the repository; it is the project's own in most."""
    repository = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
    return folder.relative_to(repository).as_posix().removeprefix(".")


def _ignore(_: Event) -> None:
    pass
