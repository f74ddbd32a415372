"""`yard bundle key PURPOSE FILE`: makes a key that signs bundles, or that of a machine which serves them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import CommandError
from cli.exit_status import ExitStatus


class KeyPurpose(StrEnum):
    """As ``trainyard_serving.bundle_keys.Purpose``, which takes longer to import."""

    SIGN = "sign"
    DECRYPT = "decrypt"


def key(
    purpose: Annotated[KeyPurpose, typer.Argument(help="To sign bundles with, or to decrypt them on a machine.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The private key; the public one is FILE.pub.")],
    passphrase_file: Annotated[
        Path | None,
        typer.Option("--passphrase-file", metavar="FILE", help="Its first line protects it.", show_default="asks"),
    ] = None,
) -> int:
    """Make a key pair.

    FILE stays where it is used. FILE.pub goes to the other side, on a way that nobody can alter it on. At a terminal it
    asks for a passphrase to protect FILE with, which may be none. A machine that serves by itself has nobody to ask.
    """
    from trainyard_serving.bundle_keys import BundleKeyError, Purpose, create_key, new_passphrase, public_path

    try:
        passphrase = new_passphrase(file, passphrase_file)
        identity = create_key(file, Purpose(purpose), passphrase=passphrase)
    except BundleKeyError as error:
        raise CommandError(str(error), ExitStatus.CONFIGURATION) from None
    typer.echo(f"{file}  private, {'' if passphrase is None else 'under a passphrase, '}{identity}")
    typer.echo(f"{public_path(file)}  public, {identity}")
    return ExitStatus.SUCCESS
