"""What the process does: fetch models, become the tritonserver that serves them, or both.

By default one process does both, and the clear text is in files that are on no disk (see ``sealed_file``). In a cluster
they are two containers: the one that fetches has the identity's credentials and hears nobody; the one that hears the
network has none, and reads what the first has left in memory (see ``memory_files``). On one machine the process stays
the server's parent (see ``supervised_server``).
"""

import os
import resource
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from trainyard_artifacts.manifest import Manifest
from trainyard_serving.addresses import require_free_ports
from trainyard_serving.fetching import fetch_releases, say
from trainyard_serving.memory_files import keep_versions, read_fetched, require_memory, version_folder, write_fetched
from trainyard_serving.release import MODEL_FILE, Release
from trainyard_serving.release_folders import FetchedRelease
from trainyard_serving.sealed_file import path_of, sealed_file
from trainyard_serving.server_files import ServerFiles, service_folders
from trainyard_serving.specification import ServiceSpecification
from trainyard_serving.triton import Triton, find_triton


def fetch_and_serve(specification: ServiceSpecification) -> NoReturn:
    """Become the tritonserver of this service; does not return.

    Raises:
        TritonUnavailableError, PortInUseError: nothing was fetched.
        ArtifactError: a manifest or a model cannot be fetched, verified or decrypted, or is of another job, run or key
            than specified; nothing was written.
        VariantNotPublishedError, UnservableModelError: nothing was written.
        OSError: the working directory cannot be written; what was written is removed.
    """
    triton = find_triton(os.environ)
    require_free_ports(specification)
    serve_models(triton, specification, fetch_releases(specification, specification.releases))


def serve_models(
    triton: Triton,
    specification: ServiceSpecification,
    models: Iterable[tuple[Release, Manifest, bytes]],
    *,
    configuration: str | None = None,
) -> NoReturn:
    """Become the tritonserver of a service's releases, from files that are on no disk.

    Args:
        triton: what ``find_triton`` returned.
        specification: of the service.
        models: each release with its manifest, verified, and its ONNX file, decrypted and known to be servable. One at
            a time is asked for, and only its sealed file is kept.
        configuration: the text of ``config.pbtxt`` where it is known already.

    Raises:
        OSError: the working directory cannot be written; what was written is removed.
    """
    sealed = [(release, manifest, sealed_file(MODEL_FILE, model)) for release, manifest, model in models]
    fetched = [FetchedRelease(release, manifest, path_of(descriptor)) for release, manifest, descriptor in sealed]
    for *_, descriptor in sealed:
        os.set_inheritable(descriptor, True)
    os.umask(0o077)
    _become_server(triton, specification, fetched, configuration)


def fetch_only(specification: ServiceSpecification) -> None:
    """Leave each release's model, verified and decrypted, in the working directory, which has to be in memory.

    Raises:
        NotInMemoryError: nothing was fetched.
        ArtifactError, VariantNotPublishedError, UnservableModelError: as ``fetch_and_serve``; the models before it were
            written, of which each is whole.
        OSError: the working directory cannot be written.
    """
    work_dir = Path(specification.work_dir)
    require_memory(work_dir)
    os.umask(0o077)
    for each in fetch_releases(specification, specification.releases):
        keep_versions(work_dir, {release.version for release in specification.releases})
        write_fetched(version_folder(work_dir, each.release.version), each.manifest, each.model)
    say(specification, f"left in {work_dir}, in memory")


def serve_fetched(specification: ServiceSpecification) -> NoReturn:
    """Become the tritonserver of what ``fetch_only`` has left; does not return. Needs no credential, and no network.

    Raises:
        TritonUnavailableError, PortInUseError: the models were not looked at.
        NotFetchedError: one is not there, or is another one.
        ArtifactError, UnservableModelError: one cannot be served.
        OSError: the directory for the server's files cannot be written; what was written is removed.
    """
    triton = find_triton(os.environ)
    require_free_ports(specification)
    work_dir = Path(specification.work_dir)
    fetched = []
    for release in specification.releases:
        manifest, path = read_fetched(version_folder(work_dir, release.version), job=specification.job, release=release)
        fetched.append(FetchedRelease(release, manifest, str(path)))
    os.umask(0o077)
    _become_server(triton, specification, fetched)


def _become_server(
    triton: Triton,
    specification: ServiceSpecification,
    fetched: Sequence[FetchedRelease],
    configuration: str | None = None,
) -> NoReturn:
    """Write what the server reads, and become it; where that fails, remove it again."""
    # What was in memory is not to be on a disk because a process of the server crashed.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    server_files = ServerFiles.of(specification)
    server_files.write(triton, specification, service_folders(triton, specification, fetched, configuration))
    print(f"{specification.service}: starting tritonserver on {specification.listen_address}", flush=True)
    arguments, environment = server_files.command(triton, specification)
    try:
        os.execve(triton.server, arguments, environment)  # noqa: S606  # no shell is wanted
    except BaseException:
        server_files.remove()
        raise
