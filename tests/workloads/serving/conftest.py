"""The Triton environment, and published models for services to serve."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.serving.service_process import publish
from trainyard_serving.triton import ENVIRONMENT_VARIABLE, triton_unavailable_reason

ROOT = Path(__file__).resolve().parents[3]


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
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _object_server.environment.items():
            patch.setenv(name, value)
        prefix = request.module.__name__.rpartition(".")[2]
        uri = publish(f"s3://{_object_server.models_bucket}/{prefix}/{os.getpid()}", _object_server.key_uri)
    return _object_server, uri
