"""`yard bundle passphrase FILE`: puts a private key under another passphrase, or under its first one, or under none."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import CommandError
from cli.exit_status import ExitStatus


def passphrase(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The private key.")],
    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            "--passphrase-file", metavar="FILE", help="The one until now, its first line.", show_default="asks"
        ),
    ] = None,
    new_passphrase_file: Annotated[
        Path | None,
        typer.Option("--new-passphrase-file", metavar="FILE", help="The new one, its first line.", show_default="asks"),
    ] = None,
) -> int:
    """Change the passphrase of a private key.

    The pair stays the same, and FILE.pub with it. At a terminal, an empty answer leaves FILE without a passphrase.
    """
    from trainyard_serving.bundle_keys import BundleKeyError, change_passphrase

    if new_passphrase_file is None and not sys.stdin.isatty():
        raise CommandError(
            "--new-passphrase-file: must name a file, since there is no terminal to ask for a new passphrase",
            ExitStatus.CONFIGURATION,
        )
    try:
        identity = change_passphrase(file, passphrase_file=passphrase_file, new_passphrase_file=new_passphrase_file)
    except BundleKeyError as error:
        raise CommandError(str(error), ExitStatus.CONFIGURATION) from None
    typer.echo(f"{file}  private, {identity}: its passphrase is changed")
    return ExitStatus.SUCCESS
