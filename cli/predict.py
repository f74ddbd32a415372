"""`yard predict`: sends images to the deployed inference service and prints what it takes them for."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.deployed_model import acting_as_serving, find_model
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.deployed_model import DeployedModel
    from trainyard_serving.predict import Prediction


class Protocol(StrEnum):
    """KServe v2 over either."""

    HTTP = "http"
    GRPC = "grpc"


def predict(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...", help="JPEG, PNG or WebP files to send instead.", exists=True, dir_okay=False
        ),
    ] = None,
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
    protocol: Annotated[Protocol, typer.Option("--protocol", help="KServe v2 over HTTP or gRPC.")] = Protocol.HTTP,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many predictions to print.")] = 10,
) -> int:
    """Let the inference service classify images.

    Without files these are the run's test images, and the accuracy on all of them is printed, too.
    """
    model = find_model(find_project_folder(directory), stack)
    address = model.http_address if protocol == Protocol.HTTP else model.grpc_address
    if not address:
        raise CommandError(f"stack {stack} serves no model: its inference service was left out or is not up")
    if files:
        return _predict_files(files, address, model, protocol)
    from trainyard_artifacts.errors import ArtifactError
    from trainyard_artifacts.fetch import fetch_manifest, read_artifact
    from trainyard_serving.predict import TEST_EXAMPLES_FILE, LabelledImages, PredictionError, accuracy
    from trainyard_serving.predict import predict as ask

    try:
        with acting_as_serving(model):
            manifest = fetch_manifest(model.manifest_uri, model.origin)
            images = LabelledImages.decode(read_artifact(model.manifest_uri, manifest, TEST_EXAMPLES_FILE))
            predictions = ask(
                address, model.job, images, manifest.model.labels, protocol=protocol.value, token=model.token
            )
    except (ArtifactError, PredictionError) as error:
        raise CommandError(f"{error}; 'yard preview -s {stack}' tells whether the service is still up") from None
    _print(predictions, count)
    share = accuracy(predictions)
    typer.echo(f"\naccuracy {share:.4f} on {len(predictions)} test images, through Triton over {protocol.value}")
    return ExitStatus.SUCCESS


def _predict_files(files: list[Path], address: str, model: "DeployedModel", protocol: Protocol) -> int:
    from trainyard_serving.predict import PredictionError
    from trainyard_serving.predict_images import predict_images

    try:
        images = [file.read_bytes() for file in files]
        found = predict_images(address, model.job, images, protocol=protocol.value, token=model.token)
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}") from None
    except PredictionError as error:
        raise CommandError(str(error)) from None
    typer.echo("label  confidence  file")
    for file, (guess, *_) in zip(files, found, strict=True):
        typer.echo(f"{guess.label:>5}  {guess.confidence:>10.4f}  {file}")
    return ExitStatus.SUCCESS


def _print(predictions: "Sequence[Prediction]", count: int) -> None:
    typer.echo("label  expected  confidence")
    # The test images are sorted by what they show: every so-many-th shows some of each.
    shown = predictions[:: max(1, len(predictions) // count)][:count]
    for prediction in shown:
        mark = "" if prediction.correct else "  wrong"
        typer.echo(f"{prediction.label:>5}  {prediction.expected:>8}  {prediction.confidence:>10.4f}{mark}")
    if len(predictions) > len(shown):
        typer.echo(f"… and {len(predictions) - len(shown)} more")
