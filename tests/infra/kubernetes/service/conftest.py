"""An issuer of tokens, and a front with the default settings that takes them, for the tests of a worker."""

from collections.abc import Iterator

import pytest

from infra.service_settings import AuthenticationSettings, LimitSettings
from tests.infra.kubernetes.service.authorities import Issuer, running_issuer
from tests.infra.kubernetes.service.front_process import (
    FrontFiles,
    RunningFront,
    Upstream,
    front_for,
    running_front,
    running_upstream,
    without_envoy,
)

REQUEST_MIB = 1 / 16


@pytest.fixture(scope="session")
def _envoy() -> None:
    """Tests that need Envoy are skipped where it cannot run."""
    if reason := without_envoy():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory, _envoy: None) -> Iterator[Issuer]:
    with running_issuer(tmp_path_factory.mktemp("issuer")) as running:
        yield running


@pytest.fixture(scope="module")
def upstream(_envoy: None) -> Iterator[Upstream]:
    with running_upstream() as running:
        yield running


@pytest.fixture(scope="module")
def front(issuer: Issuer, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFront]:
    asked = front_for(
        AuthenticationSettings(jwks_ca_config_map="issuer-ca"),
        issuer=issuer.url,
        limits=LimitSettings(request_mib=REQUEST_MIB, concurrent_requests=2),
        files=FrontFiles(jwks_ca=str(issuer.ca_folder)),
    )
    folder = tmp_path_factory.mktemp("front")
    with running_front(asked, folder, http=upstream.http, grpc=upstream.grpc, server_metrics=upstream.http) as running:
        yield running
