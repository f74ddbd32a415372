"""`yard bundle verify BUNDLE`: whether a bundle is whole, unaltered and signed by whom it has to be."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle's folder, or its .tar.")],
    signer: Annotated[Path, typer.Option("--signer", help="Public key of whoever has to have written it.")],
    private_key: Annotated[
        Path | None,
        typer.Option("--private-key", help="The machine's key, to see that the model decrypts.", show_default="none"),
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            "--passphrase-file", metavar="FILE", help="The key's passphrase, its first line.", show_default="asks"
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """Verify a bundle, without a cloud.

    Signature, checksums, and that no file is missing or too many; with the private key, also the decrypted model.
    """
    from trainyard_artifacts.errors import ArtifactError
    from trainyard_serving.bundle import decrypt_models, verify_bundle
    from trainyard_serving.bundle_keys import BundleKeyError, Purpose, read_private_key, read_public_key

    try:
        public = read_public_key(signer, Purpose.SIGN)
        private = (
            None
            if private_key is None
            else read_private_key(private_key, Purpose.DECRYPT, passphrase_file=passphrase_file)
        )
        verified = verify_bundle(bundle, public)
        decrypted = 0 if private is None else sum(1 for _ in decrypt_models(verified, private))
    except BundleKeyError as error:
        raise CommandError(str(error), ExitStatus.CONFIGURATION) from None
    except ArtifactError as error:
        raise CommandError(str(error)) from None
    index = verified.index
    if json:
        from cli.json_output import print_json

        print_json({**index.model_dump(mode="json"), "decrypted": decrypted > 0})
        return ExitStatus.SUCCESS
    typer.echo(f"{bundle} is whole, unaltered and signed by {index.signer}")
    typer.echo(f"trained by {index.job}, served as {index.model_name}, encrypted for {index.recipient}")
    for release in index.releases:
        typer.echo(f"{release.title}, {release.percent} % of the requests that name no version")
    typer.echo("each model decrypts to that of its run" if decrypted else "no model was decrypted: give --private-key")
    return ExitStatus.SUCCESS
