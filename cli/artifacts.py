"""`yard artifacts get DIR`: brings a stack's model, verified and decrypted, to a folder that outlives it."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.deployed_model import acting_as_serving, find_model
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder

app = typer.Typer(help="The trained model and what belongs to it.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def artifacts() -> None:
    """The trained model and what belongs to it."""


@app.command("get")
def get(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put it; made if need be.", file_okay=False)],
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
) -> int:
    """Download the stack's model, verified and decrypted.

    With everything that belongs to it; each file is verified against the manifest.
    """
    model = find_model(find_project_folder(directory), stack)
    from trainyard_artifacts.errors import ArtifactError
    from trainyard_artifacts.fetch import download

    try:
        with acting_as_serving(model):
            manifest = download(model.manifest_uri, model.origin, folder)
    except ArtifactError as error:
        raise CommandError(f"{error}; 'yard preview -s {stack}' tells whether its cloud is still up") from None
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror or error}", ExitStatus.CONFIGURATION) from None
    for artifact in manifest.artifacts:
        typer.echo(f"{folder / artifact.name}  {artifact.bytes:,} bytes  sha256 {artifact.sha256}")
    typer.echo(f"{folder / 'manifest.json'}")
    return ExitStatus.SUCCESS
