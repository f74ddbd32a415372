"""`yard bundle write TARGET`: the stack's models with all that serves them, signed and encrypted for one machine."""

import contextlib
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.deployed_model import DeployedModel, acting_as_serving, find_model
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from cli.releases_served import Release, releases_of

if TYPE_CHECKING:
    from trainyard_serving.bundle_keys import PrivateKey, PublicKey
    from trainyard_serving.specification import ServiceSpecification


def write(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A new folder, or a new file that ends in .tar.")],
    recipient: Annotated[Path, typer.Option("--recipient", help="Public key of the machine that is to serve it.")],
    signing_key: Annotated[Path, typer.Option("--signing-key", help="Your private key to sign with.")],
    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            "--passphrase-file", metavar="FILE", help="The key's passphrase, its first line.", show_default="asks"
        ),
    ] = None,
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
    image: Annotated[
        str | None,
        typer.Option("--image", help="The serving image, as NAME@sha256:DIGEST.", show_default="$TRAINYARD_IMAGE"),
    ] = None,
    gpu: Annotated[bool, typer.Option("--gpu", help="Serve on the machine's NVIDIA GPUs.")] = False,
    http_port: Annotated[int, typer.Option("--http-port")] = 8000,
    grpc_port: Annotated[int, typer.Option("--grpc-port")] = 8001,
    metrics_port: Annotated[int, typer.Option("--metrics-port")] = 8002,
    max_batch_size: Annotated[int, typer.Option("--max-batch-size", help="Inputs that are batched at most.")] = 64,
    queue_delay: Annotated[int, typer.Option("--queue-delay", help="Microseconds a request waits for others.")] = 500,
    instances: Annotated[int, typer.Option("--instances", help="Processes that run the model, a device.")] = 1,
) -> int:
    """Write a bundle of the models that the stack serves.

    Its releases go along with their shares of the requests. Each model is verified as it is for every reader, and then
    leaves this machine only encrypted.
    """
    public, private = _checked(target, recipient, signing_key, passphrase_file, image)
    folder = find_project_folder(directory)
    model = find_model(folder, stack)
    from trainyard_artifacts.errors import ArtifactError
    from trainyard_serving.fetching import fetch_releases
    from trainyard_serving.model_repository import UnservableModelError
    from workloads.serving.bundle.contents import BundleOrder, bundle_files
    from workloads.serving.bundle.output import write_bundle

    specification = _specification(
        model,
        releases_of(folder, stack, model),
        http_port=http_port,
        grpc_port=grpc_port,
        metrics_port=metrics_port,
        max_batch_size=max_batch_size,
        queue_delay_microseconds=queue_delay,
        instances=instances,
        device="gpu" if gpu else "cpu",
    )
    try:
        # What it says of each release is the log of a service there, and no result here.
        with acting_as_serving(model), contextlib.redirect_stdout(sys.stderr):
            fetched = tuple(fetch_releases(specification, specification.releases))
        files = bundle_files(BundleOrder(specification, fetched, public, image), private)
    except (ArtifactError, UnservableModelError) as error:
        raise CommandError(str(error)) from None
    try:
        write_bundle(files, target)
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror or error}", ExitStatus.CONFIGURATION) from None
    size = sum(map(len, files.values()))
    typer.echo(f"{target}  {len(files)} files, {size:,} bytes, of {specification.job}")
    for release in specification.releases:
        typer.echo(f"{release.title}, {release.percent} % of the requests that name no version")
    typer.echo(f"encrypted for {public.identity}, signed by {private.identity}")
    return ExitStatus.SUCCESS


def _specification(model: DeployedModel, releases: Sequence[Release], **settings: object) -> "ServiceSpecification":
    from pydantic import ValidationError

    from trainyard_serving.release import Release as ServedRelease
    from trainyard_serving.specification import ServiceSpecification

    try:
        return ServiceSpecification.model_validate(
            {
                "service": model.job,
                "job": model.job,
                "releases": tuple(ServedRelease(**dataclasses.asdict(release)) for release in releases),
                "encryption_key_uri": model.encryption_key_uri,
                "model_name": model.job,
                # The machine's to say, and not in the bundle.
                "work_dir": "/",
                **settings,
            }
        )
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, each['loc']))} {each['input']!r}: {each['msg']}" if each["loc"] else each["msg"]
            for each in error.errors()
        ]
        raise CommandError("; ".join(problems), ExitStatus.CONFIGURATION) from None


def _checked(
    target: Path, recipient: Path, signing_key: Path, passphrase_file: Path | None, image: str | None
) -> "tuple[PublicKey, PrivateKey]":
    """The two keys, where all that the command line names can be used; else one error about all of it."""
    import re

    from trainyard_serving.bundle_index import IMAGE_PATTERN
    from trainyard_serving.bundle_keys import BundleKeyError, Purpose, read_private_key, read_public_key

    problems = []
    if target.exists() and not (target.is_dir() and target.suffix != ".tar" and not any(target.iterdir())):
        problems.append(f"{target} is there already: name a new folder, or a new .tar")
    elif not target.absolute().parent.is_dir():
        problems.append(f"{target} cannot be written: there is no {target.parent}")
    if image is not None and not re.fullmatch(IMAGE_PATTERN, image):
        problems.append(f"--image {image}: expected NAME@sha256:DIGEST, since what a tag names can change")
    public = private = None
    try:
        public = read_public_key(recipient, Purpose.DECRYPT)
    except BundleKeyError as error:
        problems.append(f"--recipient: {error}")
    try:
        private = read_private_key(signing_key, Purpose.SIGN, passphrase_file=passphrase_file)
    except BundleKeyError as error:
        problems.append(f"--signing-key: {error}")
    if problems or public is None or private is None:
        raise CommandError("; ".join(problems), ExitStatus.CONFIGURATION)
    return public, private
