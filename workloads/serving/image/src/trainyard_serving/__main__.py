"""Fetch, verify, decrypt and serve a model: ``python -m trainyard_serving SERVICE.json``.

Everything that can be told from this machine is checked before anything is fetched. The process then becomes
tritonserver: signals reach it directly, and its end is this process's end. Exit codes: ``exit_status``.
"""

import os
import shutil
import socket
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from trainyard_artifacts.envelope import AlteredError, EnvelopeError, KeyRefusedError
from trainyard_artifacts.errors import ArtifactError
from trainyard_artifacts.fetch import Origin, fetch_manifest, read_artifact
from trainyard_artifacts.specification import SpecificationError, load_specification
from trainyard_artifacts.storage import AccessRefusedError, ObjectNotFoundError, StorageError
from trainyard_serving.exit_status import ExitStatus
from trainyard_serving.model_repository import (
    MODEL_FILE,
    UnservableModelError,
    model_configuration,
    write_model_repository,
)
from trainyard_serving.sealed_file import path_of, sealed_file
from trainyard_serving.specification import ServiceSpecification
from trainyard_serving.triton import (
    TritonUnavailableError,
    find_triton,
    remove_stale_shared_memory,
    server_arguments,
    server_environment,
    write_runtime,
)


class PortInUseError(Exception):
    """A port cannot be listened on; the message names the setting and the port."""


# The first that fits: an error's own class stands before the class that it is derived from.
_STATUS_OF: tuple[tuple[type[Exception], ExitStatus], ...] = (
    (SpecificationError, ExitStatus.BAD_SPECIFICATION),
    (TritonUnavailableError, ExitStatus.NO_TRITON),
    (PortInUseError, ExitStatus.PORT_IN_USE),
    (AccessRefusedError, ExitStatus.ACCESS_REFUSED),
    (ObjectNotFoundError, ExitStatus.NOT_PUBLISHED),
    (StorageError, ExitStatus.UNAVAILABLE),
    (KeyRefusedError, ExitStatus.ACCESS_REFUSED),
    (AlteredError, ExitStatus.BAD_MODEL),
    (EnvelopeError, ExitStatus.UNAVAILABLE),
    (UnservableModelError, ExitStatus.BAD_MODEL),
    (ArtifactError, ExitStatus.BAD_MODEL),
    (OSError, ExitStatus.CANNOT_WRITE),
)


def main(arguments: list[str]) -> ExitStatus:
    """Serve what the specification file says. Returns only if that fails."""
    if len(arguments) != 1:
        print("usage: python -m trainyard_serving SERVICE.json", file=sys.stderr)
        return ExitStatus.BAD_SPECIFICATION
    try:
        specification = load_specification(Path(arguments[0]), ServiceSpecification)
        serve(specification)
    except Exception as error:
        status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), ExitStatus.FAILED)
        if status is ExitStatus.FAILED:
            traceback.print_exc()
        else:
            print(f"error: {error}", file=sys.stderr, flush=True)
        return status


def serve(specification: ServiceSpecification) -> NoReturn:
    """Become the tritonserver of this service; does not return.

    Raises:
        TritonUnavailableError, PortInUseError: nothing was fetched.
        ArtifactError: the manifest or the model cannot be fetched, verified or decrypted, or is of another job, run or
            key than specified; nothing was written.
        UnservableModelError: nothing was written.
        OSError: the working directory cannot be written; what was written is removed.
    """
    triton = find_triton(os.environ)
    require_free_ports(specification)
    _say(f"{specification.service}: fetching the model of {specification.manifest_uri}")
    origin = Origin(job=specification.job, run=specification.run, key_uri=specification.encryption_key_uri)
    manifest = fetch_manifest(specification.manifest_uri, origin)
    configuration = model_configuration(
        manifest.model,
        name=specification.model_name,
        max_batch_size=specification.max_batch_size,
        queue_delay_microseconds=specification.queue_delay_microseconds,
        device=specification.device,
        instances=specification.instances,
    )
    model = read_artifact(specification.manifest_uri, manifest, MODEL_FILE)
    _say(f"{specification.service}: run {manifest.run} of {manifest.job}, {len(model)} bytes, verified and decrypted")

    os.umask(0o077)
    work_dir = Path(specification.work_dir)
    repository, backends, libraries = (work_dir / name for name in ("model_repository", "backends", "libraries"))
    remove_stale_shared_memory(specification.work_dir)
    descriptor = sealed_file(MODEL_FILE, model)
    try:
        write_runtime(triton, backends, libraries)
        write_model_repository(
            repository,
            name=specification.model_name,
            configuration=configuration,
            labels=manifest.model.labels,
            model_path=path_of(descriptor),
        )
        _say(f"{specification.service}: starting tritonserver on {specification.listen_address}")
        os.execve(  # noqa: S606  # no shell is wanted
            triton.server,
            server_arguments(triton, specification, repository=repository, backends=backends),
            server_environment(triton, os.environ, libraries=libraries),
        )
    except BaseException:
        os.close(descriptor)
        for folder in (repository, backends, libraries):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def require_free_ports(specification: ServiceSpecification) -> None:
    """Raise PortInUseError for the ports that cannot be listened on, all of them at once."""
    problems = []
    for name in ("http_port", "grpc_port", "metrics_port"):
        port: int = getattr(specification, name)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((specification.listen_address, port))
                probe.listen()
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                problems.append(f"{name} {port} cannot be listened on at {specification.listen_address}: {reason}")
    if problems:
        raise PortInUseError("; ".join(problems))


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
