"""A tritonserver alone, started as the service starts it, on a repository that a test has made up."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.workloads.serving.service_process import Service, end, wait_for
from trainyard_serving.model_repository import ModelFolder
from trainyard_serving.server_files import ServerFiles
from trainyard_serving.specification import ServiceSpecification
from trainyard_serving.triton import Triton


@contextmanager
def bare_server(
    triton: Triton, specification: ServiceSpecification, folders: Mapping[str, ModelFolder], *, ready: bool = True
) -> Iterator[Service]:
    """The server, from its readiness on, or from its start; killed at the end if it still runs.

    It listens on Unix sockets, whatever ``socket_dir`` says, and writes into ``work_dir``.
    """
    with tempfile.TemporaryDirectory(prefix="trainyard-") as sockets:
        specification = specification.model_copy(update={"socket_dir": sockets})
        files = ServerFiles.of(specification)
        files.write(triton, specification, folders)
        arguments, environment = files.command(triton, specification)
        log = Path(specification.work_dir) / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                arguments,
                env=environment
                | {"OMP_NUM_THREADS": "1", "TRAINYARD_THREADS": "1", "LANG": os.environ.get("LANG", "C")},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        service = Service(process, specification.model_dump(mode="json"), log)
        try:
            if ready:
                wait_for(lambda: process.poll() is not None or service.is_ready(), "the server to be ready", 60)
                assert process.poll() is None, log.read_text()
            yield service
        finally:
            end(service)
