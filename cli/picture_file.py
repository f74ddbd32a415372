"""Writes the picture that a command was asked for, and says so."""

from pathlib import Path

import typer

from cli.errors import CommandError
from engine.durable_files import replace_file


def write_picture(path: Path, content: bytes, *, option: str = "--picture", json: bool) -> None:
    """Writes the file at once or not at all.

    Says where it is on standard output, or on standard error where JSON is printed. Raises CommandError where it cannot
    be written.
    """
    try:
        replace_file(path, content)
    except OSError as error:
        raise CommandError(f"{option} = {str(path)!r}: cannot be written: {error.strerror or error}") from None
    typer.echo(f"Drawn in {path}", err=json)
