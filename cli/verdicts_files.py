"""`--sarif` and `--junit`: checks before anything runs that the files can be written, and writes them at the end.

`-` is standard output, where a command has nothing else to say there.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.errors import CommandError
from cli.exit_status import ExitStatus
from engine.events import Event

if TYPE_CHECKING:
    from policies.rules import Rule

PACK = "trainyard"
"""The name of this project's own policy pack, of which more is known than it tells the engine."""
STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True, slots=True)
class VerdictFiles:
    """Where the verdicts of policies are to be written."""

    sarif: Path | None = None
    junit: Path | None = None

    def __bool__(self) -> bool:
        return self.sarif is not None or self.junit is not None

    @property
    def on_standard_output(self) -> bool:
        """Whether the SARIF document is to be printed."""
        return self.sarif == STANDARD_OUTPUT

    def check(
        self, folder: Path, packs: Sequence[Path], configs: Sequence[Path], *, standard_output: bool = False
    ) -> None:
        """Raises CommandError where the files cannot be written, or no policy pack is there to judge.

        Nor may they take the place of settings: the project's, a stack's or a pack's.

        :param standard_output: Whether the command can leave standard output to the SARIF document.
        """
        paths = {option: path for option, path in (("--sarif", self.sarif), ("--junit", self.junit)) if path}
        for option, path in paths.items():
            if not packs:
                raise CommandError(f"{option} needs a policy pack: add --policy-pack", ExitStatus.CONFIGURATION)
            if standard_output and option == "--sarif" and path == STANDARD_OUTPUT:
                continue
            problem = problem_of(path, folder, configs)
            if problem:
                raise CommandError(f"{option} = {str(path)!r}: cannot be written: {problem}", ExitStatus.CONFIGURATION)
        if self.sarif and self.junit and self.sarif.resolve() == self.junit.resolve():
            raise CommandError(f"--sarif and --junit are the same file, {self.sarif}", ExitStatus.CONFIGURATION)


@contextmanager
def recording(
    files: VerdictFiles, folder: Path, stack: str, *, dry_run: bool, quiet: bool
) -> Iterator[Callable[[Event], None]]:
    """Takes a deployment's events, and writes the files once it is over, however it ended; an exception writes none.

    Says where they are on standard output, or, if `quiet`, nowhere. Raises CommandError where one cannot be written,
    after the other has been.
    """
    if not files:
        yield _ignore
        return
    from cli.verdicts import Verdicts

    verdicts = Verdicts(stack, dry_run=dry_run)
    yield verdicts.add
    known = known_rules()
    problems: list[str] = []
    if files.sarif:
        from cli.verdicts_sarif import sarif_text

        text = sarif_text(verdicts, known, stack_file(folder, stack), folder_in_repository(folder))
        problems.append(_write("--sarif", files.sarif, text.encode()))
    if files.junit:
        from cli.verdicts_junit import junit_text

        problems.append(_write("--junit", files.junit, junit_text(verdicts, known)))
    if any(problems):
        # Not a matter of configuration any more: what was deployed is deployed.
        raise CommandError("\n".join(filter(None, problems)), ExitStatus.ERROR)
    if not quiet:
        typer.echo(f"Verdicts written to {' and '.join(str(path) for path in (files.sarif, files.junit) if path)}")


def known_rules() -> dict[str, dict[str, "Rule"]]:
    """What is known of the rules of this project's own pack: by the pack's name, then by the rule's id."""
    from policies.catalogue import RULES

    return {PACK: {rule.id: rule for rule in RULES}}


def write_sarif(path: Path, text: str) -> None:
    """Writes a SARIF document, or prints it. Raises CommandError where it cannot be written."""
    if problem := _write("--sarif", path, text.encode()):
        raise CommandError(problem, ExitStatus.ERROR)


def problem_of(path: Path, folder: Path, configs: Sequence[Path]) -> str:
    """Why a file cannot or must not be written; empty: nothing is in the way.

    :param folder: The project's, with settings that nothing may take the place of.
    :param configs: Files with other settings.
    """
    settings = [*folder.glob("Pulumi*.y*ml"), *configs]
    return _problem(path) or ("it holds settings" if any(_same(path, each) for each in settings) else "")


def _problem(path: Path) -> str:
    if path == STANDARD_OUTPUT:
        return "this command says other things on standard output"
    if path.is_dir():
        return "it is a folder"
    if path.exists() and not path.is_file():
        return "it is no file"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    return "" if os.access(path.parent, os.W_OK | os.X_OK) else f"the folder {path.parent} does not allow it"


def _same(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)


def _write(option: str, path: Path, content: bytes) -> str:
    """Writes the file; returns why it could not, if so."""
    from engine.durable_files import replace_file

    if path == STANDARD_OUTPUT:
        sys.stdout.write(content.decode())
        return ""
    try:
        # A link stays one.
        replace_file(path.resolve(), content)
    except OSError as error:
        return f"{option} = {str(path)!r}: cannot be written: {error.strerror or error}"
    return ""


def stack_file(folder: Path, stack: str) -> str:
    """The name of the stack's file, that of the project's where it has none."""
    names = (f"Pulumi.{stack.rpartition('/')[2]}.{ending}" for ending in ("yaml", "yml"))
    return next((name for name in names if (folder / name).is_file()), "Pulumi.yaml")


def folder_in_repository(folder: Path) -> str:
    """Code scanning names files from the folder of the repository; it is the project's own in most."""
    repository = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
    return folder.relative_to(repository).as_posix().removeprefix(".")


def _ignore(_: Event) -> None:
    pass
