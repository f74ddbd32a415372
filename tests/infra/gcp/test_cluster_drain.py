"""A cluster of GKE that does not answer: it may be gone, which GKE is asked about, or only out of reach.

GKE is a stand-in on loopback, which knows clusters by their resource names.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from infra.gcp.cluster_drain import ENDPOINT_VARIABLE, GkeDrainProvider
from infra.gcp.kubeconfig import kubeconfig
from infra.kubernetes import drain_run
from infra.kubernetes.drain_run import DrainError
from tests.infra.gcp.answers import REGION
from tests.infra.gcp.parts import NAMES
from tests.lifecycle.teardown.google_stand_in import GoogleStandIn
from tests.threaded_server import served

CLUSTER = NAMES.cluster_id(REGION)


class Gke(GoogleStandIn):
    """Answers for single clusters, by their state."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, str] = {}

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"].removeprefix("/container/v1/")
        if not path.startswith("projects/"):
            return super().answer(environ, start_response)
        assert environ["HTTP_AUTHORIZATION"] == "Bearer token"
        if path not in self.states:
            start_response("404 Not Found", [("Content-Type", "application/json")])
            return [b'{"error": {"code": 404, "status": "NOT_FOUND"}}']
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"status": self.states[path]}).encode()]


@pytest.fixture(scope="module")
def running() -> Iterator[Gke]:
    gke = Gke()
    with served(gke.answer) as gke.endpoint:
        yield gke


@pytest.fixture
def gke(running: Gke, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Gke:
    """GKE without a cluster, and whoever destroys: they have credentials, and no plugin for a token."""
    from google.auth.credentials import CredentialsWithRegionalAccessBoundary

    running.states.clear()
    # In a thread of its own it asks an address that cannot be said where the account may be used.
    monkeypatch.setattr(
        CredentialsWithRegionalAccessBoundary, "_maybe_start_regional_access_boundary_refresh", lambda *_: None
    )
    for name in os.environ:
        if name.startswith(("GOOGLE_", "GCLOUD_", "CLOUDSDK_")):
            monkeypatch.delenv(name)
    for name, value in running.environment(tmp_path_factory.mktemp("google")).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(drain_run, "POLL_SECONDS", 0.05)
    monkeypatch.setenv("PATH", "")
    return running


def properties() -> dict[str, Any]:
    """Of a cluster at whose address nobody listens."""
    text = kubeconfig(cluster_name="c", endpoint="https://127.0.0.1:1", certificate_authority_data="")
    return {"cluster": CLUSTER, "name": "c", "kubeconfig": text, "teams": ["trainyard"], "limit_minutes": 0.005}


def test_a_cluster_that_is_gone_holds_nobody_up(gke: Gke, capfd: pytest.CaptureFixture[str]) -> None:
    GkeDrainProvider().delete(CLUSTER, properties())
    assert "draining c: there is no such cluster any more, so there is nothing to drain" in capfd.readouterr().out


def test_a_cluster_that_is_there_and_out_of_reach_is_not_left_behind(
    gke: Gke, capfd: pytest.CaptureFixture[str]
) -> None:
    gke.states[CLUSTER] = "RUNNING"
    with pytest.raises(DrainError, match=r"The cluster c does not answer, .*`pulumi state delete`"):
        GkeDrainProvider().delete(CLUSTER, properties())
    assert "draining c: the cluster does not answer" in capfd.readouterr().out


@pytest.mark.parametrize(("state", "gone"), [("RUNNING", False), ("ERROR", False), ("STOPPING", True)])
def test_a_cluster_that_somebody_else_deletes_counts_as_gone(gke: Gke, state: str, gone: bool) -> None:
    gke.states[CLUSTER] = state
    assert GkeDrainProvider().is_gone(CLUSTER) is gone
    # Of one that is named alike nothing follows.
    assert GkeDrainProvider().is_gone(f"{CLUSTER}-2") is True


def test_where_gke_cannot_be_asked_the_cluster_counts_as_there(
    gke: Gke, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT_VARIABLE, "http://127.0.0.1:1/")
    assert GkeDrainProvider().is_gone(CLUSTER) is False
    assert "GKE does not say whether the cluster is there" in capfd.readouterr().out


def test_without_credentials_the_cluster_counts_as_there(
    gke: Gke, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    assert GkeDrainProvider().is_gone(CLUSTER) is False
    assert "GKE does not say whether the cluster is there" in capfd.readouterr().out
