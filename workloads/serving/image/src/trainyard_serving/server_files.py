"""The files that tritonserver is started with, in the service's own directory: models, backend, Python's library."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainyard_serving.accelerators import prepare_engine_directory, require_tensorrt
from trainyard_serving.image_models import image_folders
from trainyard_serving.model_repository import ModelFolder, write_model_repository
from trainyard_serving.release_folders import FetchedRelease, repository_folders
from trainyard_serving.specification import ServiceSpecification
from trainyard_serving.triton import (
    Triton,
    closing_key,
    remove_stale_shared_memory,
    server_arguments,
    server_environment,
    write_runtime,
)


def service_folders(
    triton: Triton,
    specification: ServiceSpecification,
    fetched: Sequence[FetchedRelease],
    configuration: str | None = None,
) -> dict[str, ModelFolder]:
    """Everything that the service's repository holds, by the names of its models, those first that others need.

    Args:
        triton: what will serve them.
        specification: of the service.
        fetched: all its releases.
        configuration: the text of the model's ``config.pbtxt`` where it is known already.

    Raises:
        UnservableModelError: a model cannot be served, or not beside the others.
    """
    return {
        **repository_folders(specification, fetched, configuration),
        **image_folders(specification, [each.manifest.model for each in fetched], triton),
    }


@dataclass(frozen=True)
class ServerFiles:
    """Where they are."""

    repository: Path
    backends: Path
    libraries: Path

    @classmethod
    def of(cls, specification: ServiceSpecification) -> "ServerFiles":
        """Those of a service."""
        directory = Path(specification.runtime_dir or specification.work_dir)
        return cls(*(directory / name for name in ("model_repository", "backends", "libraries")))

    def write(self, triton: Triton, specification: ServiceSpecification, folders: Mapping[str, ModelFolder]) -> None:
        """Write them anew, and remove what an earlier server of the same working directory has left in shared memory.

        Raises:
            TritonUnavailableError: there is no such accelerator; nothing was written.
            NotInMemoryError: the engines would be on a disk; nothing was written.
            OSError: a directory cannot be written; what was written is removed.
        """
        if specification.accelerator == "tensorrt":
            require_tensorrt(triton)
        if specification.engine_dir is not None:
            prepare_engine_directory(Path(specification.engine_dir))
        remove_stale_shared_memory(specification.work_dir)
        try:
            write_runtime(triton, self.backends, self.libraries)
            write_model_repository(self.repository, folders)
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove them."""
        for folder in (self.repository, self.backends, self.libraries):
            shutil.rmtree(folder, ignore_errors=True)

    def command(
        self, triton: Triton, specification: ServiceSpecification, models: tuple[str, ...] = ()
    ) -> tuple[list[str], dict[str, str]]:
        """The command line and the variables of the server.

        Args:
            triton: what ``find_triton`` returned.
            specification: of the service.
            models: those to load at the start, where models are loaded and unloaded on request; else all are.
        """
        arguments = server_arguments(
            triton,
            specification,
            repository=self.repository,
            backends=self.backends,
            closing_key=closing_key(),
            models=models,
        )
        return arguments, server_environment(triton, os.environ, libraries=self.libraries)
