"""A cloud on loopback that enforces IAM, for all tests of a worker that make only what they name themselves."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.cloud import CloudProvider


@pytest.fixture(scope="session")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The outputs of a cloud for tests that make only what they name themselves."""
    folder = tmp_path_factory.mktemp("cloud") / "stack"
    provider = CloudProvider()
    made = provider.create({"folder": str(folder), "port": 0})
    yield made.outs or {}
    provider.delete(made.id, made.outs or {})
