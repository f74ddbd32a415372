"""What the process does: fetch a model, become the tritonserver that serves it, or both.

By default one process does both, and the clear text is in a file that is on no disk (see ``sealed_file``). In a cluster
they are two containers: the one that fetches has the identity's credentials and hears nobody; the one that hears the
network has none, and reads what the first has left in memory (see ``memory_files``).
"""

import os
import resource
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from trainyard_artifacts.fetch import Origin, fetch_manifest, read_artifact
from trainyard_artifacts.manifest import Manifest
from trainyard_serving.memory_files import read_fetched, require_memory, write_fetched
from trainyard_serving.model_repository import MODEL_FILE, model_configuration, write_model_repository
from trainyard_serving.onnx_signature import require_signature
from trainyard_serving.sealed_file import path_of, sealed_file
from trainyard_serving.specification import ServiceSpecification
from trainyard_serving.triton import (
    Triton,
    closing_key,
    find_triton,
    remove_stale_shared_memory,
    server_arguments,
    server_environment,
    write_runtime,
)


class PortInUseError(Exception):
    """A port cannot be listened on; the message names the setting and the port."""


def fetch_and_serve(specification: ServiceSpecification) -> NoReturn:
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
    manifest, model = _fetch(specification)
    serve_model(triton, specification, manifest, model, configuration=configuration_of(specification, manifest))


def serve_model(
    triton: Triton, specification: ServiceSpecification, manifest: Manifest, model: bytes, *, configuration: str
) -> NoReturn:
    """Become the tritonserver of a model that is known to be servable, from a file that is on no disk.

    Args:
        triton: what ``find_triton`` returned.
        specification: of the service.
        manifest: of the model, verified.
        model: the ONNX file, verified and decrypted.
        configuration: the text of ``config.pbtxt``.

    Raises:
        OSError: the working directory cannot be written; what was written is removed.
    """
    os.umask(0o077)
    descriptor = sealed_file(MODEL_FILE, model)
    _become_server(
        triton,
        specification,
        manifest,
        configuration=configuration,
        model_path=path_of(descriptor),
        undo=lambda: os.close(descriptor),
    )


def fetch_only(specification: ServiceSpecification) -> None:
    """Leave the model, verified and decrypted, in the working directory, which has to be in memory.

    Raises:
        NotInMemoryError: nothing was fetched.
        ArtifactError, UnservableModelError: as ``fetch_and_serve``; nothing was written.
        OSError: the working directory cannot be written.
    """
    work_dir = Path(specification.work_dir)
    require_memory(work_dir)
    manifest, model = _fetch(specification)
    os.umask(0o077)
    work_dir.mkdir(parents=True, exist_ok=True)
    write_fetched(work_dir, manifest, model)
    _say(f"{specification.service}: left in {work_dir}, in memory")


def serve_fetched(specification: ServiceSpecification) -> NoReturn:
    """Become the tritonserver of what ``fetch_only`` has left; does not return. Needs no credential, and no network.

    Raises:
        TritonUnavailableError, PortInUseError: the model was not looked at.
        NotFetchedError: it is not there, or is another one.
        ArtifactError, UnservableModelError: it cannot be served.
        OSError: the directory for the server's files cannot be written; what was written is removed.
    """
    triton = find_triton(os.environ)
    require_free_ports(specification)
    manifest, path = read_fetched(Path(specification.work_dir), job=specification.job, run=specification.run)
    os.umask(0o077)
    _become_server(
        triton,
        specification,
        manifest,
        configuration=configuration_of(specification, manifest),
        model_path=str(path),
        undo=lambda: None,
    )


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


def _fetch(specification: ServiceSpecification) -> tuple[Manifest, bytes]:
    """The manifest and the decrypted model, of which is known that it can be served."""
    _say(f"{specification.service}: fetching the model of {specification.manifest_uri}")
    origin = Origin(job=specification.job, run=specification.run, key_uri=specification.encryption_key_uri)
    manifest = fetch_manifest(specification.manifest_uri, origin)
    configuration_of(specification, manifest)
    model = read_artifact(specification.manifest_uri, manifest, MODEL_FILE)
    require_signature(model, manifest.model)
    _say(f"{specification.service}: run {manifest.run} of {manifest.job}, {len(model)} bytes, verified and decrypted")
    return manifest, model


def configuration_of(specification: ServiceSpecification, manifest: Manifest) -> str:
    """The text of ``config.pbtxt``. Raises UnservableModelError as ``model_configuration`` does."""
    return model_configuration(
        manifest.model,
        name=specification.model_name,
        max_batch_size=specification.max_batch_size,
        queue_delay_microseconds=specification.queue_delay_microseconds,
        max_queue_size=specification.max_queue_size,
        queue_timeout_microseconds=specification.queue_timeout_microseconds,
        device=specification.device,
        instances=specification.instances,
        cached=specification.response_cache_bytes > 0,
    )


def _become_server(
    triton: Triton,
    specification: ServiceSpecification,
    manifest: Manifest,
    *,
    configuration: str,
    model_path: str,
    undo: Callable[[], None],
) -> NoReturn:
    """Write what the server reads, and become it; where that fails, remove it again and call ``undo``."""
    directory = Path(specification.runtime_dir or specification.work_dir)
    repository, backends, libraries = (directory / name for name in ("model_repository", "backends", "libraries"))
    remove_stale_shared_memory(specification.work_dir)
    # What was in memory is not to be on a disk because a process of the server crashed.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        write_runtime(triton, backends, libraries)
        write_model_repository(
            repository,
            name=specification.model_name,
            configuration=configuration,
            labels=manifest.model.labels,
            model_path=model_path,
        )
        _say(f"{specification.service}: starting tritonserver on {specification.listen_address}")
        os.execve(  # noqa: S606  # no shell is wanted
            triton.server,
            server_arguments(
                triton, specification, repository=repository, backends=backends, closing_key=closing_key()
            ),
            server_environment(triton, os.environ, libraries=libraries),
        )
    except BaseException:
        undo()
        for folder in (repository, backends, libraries):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _say(text: str) -> None:
    print(text, flush=True)
