"""What the tests of teardown share: AWS on loopback."""

from collections.abc import Iterator

import pytest

from tests.lifecycle.teardown.moto_cloud import MotoCloud, moto_cloud


@pytest.fixture(scope="session")
def running_cloud() -> Iterator[MotoCloud]:
    """One server for all tests of a worker."""
    with moto_cloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(running_cloud: MotoCloud, monkeypatch: pytest.MonkeyPatch) -> MotoCloud:
    """An empty cloud, and this process's environment made to use it."""
    running_cloud.reset()
    use(running_cloud, monkeypatch)
    return running_cloud


def use(cloud: MotoCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this process's environment the one that uses the cloud."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
