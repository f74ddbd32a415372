"""The Triton environment, published models for services to serve, and a running service."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.serving.service_process import (
    Service,
    publish,
    running_service,
    service_document,
    service_environment,
)
from trainyard_serving.triton import ENVIRONMENT_VARIABLE, triton_unavailable_reason

ROOT = Path(__file__).resolve().parents[3]
QUEUE_DELAY_MICROSECONDS = 100_000


@pytest.fixture(scope="session")
def triton_environment() -> Path:
    """Where tritonserver is; tests that need it are skipped where it cannot run."""
    environment = Path(os.environ.get(ENVIRONMENT_VARIABLE, ROOT / ".venv-triton"))
    reason = triton_unavailable_reason({ENVIRONMENT_VARIABLE: str(environment)})
    if reason:
        pytest.skip(f"tritonserver cannot run here: {reason}")
    return environment


@pytest.fixture(scope="module")
def model_cloud(_object_server: Any, request: pytest.FixtureRequest) -> tuple[Any, str]:
    """The object cloud for a whole module, and the URI of a manifest published there."""
    return _object_server, _published(_object_server, request.module.__name__.rpartition(".")[2])


@pytest.fixture(scope="session")
def service(
    _object_server: Any, triton_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A running service, for tests that leave it as it was; they are of the group ``triton-service``."""
    directory = tmp_path_factory.mktemp("service")
    document = service_document(
        _published(_object_server, "service"),
        _object_server.key_uri,
        directory / "work",
        queue_delay_microseconds=QUEUE_DELAY_MICROSECONDS,
    )
    environment = service_environment(_object_server.environment, triton_environment)
    with running_service(document, directory, environment) as running:
        yield running


def _published(cloud: Any, prefix: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        return publish(f"s3://{cloud.models_bucket}/{prefix}/{os.getpid()}", cloud.key_uri)
