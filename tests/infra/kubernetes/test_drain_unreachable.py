"""A cluster that does not answer: it may be gone, which EKS is asked about, or only out of reach."""

import base64
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from infra.aws.cluster_drain import EksDrainProvider
from infra.aws.kubeconfig import kubeconfig
from infra.kubernetes import drain_run
from infra.kubernetes.drain_run import DrainError
from tests.controlplane.certificates import Authority

ARN = "arn:aws:eks:eu-west-1:123456789012:cluster/{}"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Where EKS is, with one cluster."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    access = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "eu-west-1"}
    client = boto3.client("eks", endpoint_url=address, **access)
    role = "arn:aws:iam::123456789012:role/eks"
    client.create_cluster(name="alive", roleArn=role, resourcesVpcConfig={"subnetIds": ["subnet-1", "subnet-2"]})
    yield address
    client.delete_cluster(name="alive")
    client.close()
    server.stop()


@pytest.fixture(autouse=True)
def whoever_destroys(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has credentials, and no AWS command."""
    monkeypatch.setattr(drain_run, "POLL_SECONDS", 0.05)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("PATH", "")


def properties(name: str) -> dict[str, Any]:
    """Of a cluster at whose address nobody listens."""
    authority = base64.b64encode(Authority("eks").own.certificate).decode()
    text = kubeconfig(
        cluster_name=name,
        endpoint="https://127.0.0.1:1",
        certificate_authority_data=authority,
        region="eu-west-1",
    )
    return {
        "cluster": ARN.format(name),
        "name": name,
        "kubeconfig": text,
        "teams": ["trainyard"],
        "limit_minutes": 0.005,
    }


def test_a_cluster_that_is_gone_holds_nobody_up(capfd: pytest.CaptureFixture[str]) -> None:
    EksDrainProvider().delete(ARN.format("gone"), properties("gone"))
    assert "draining gone: there is no such cluster any more, so there is nothing to drain" in capfd.readouterr().out


def test_a_cluster_that_is_there_and_out_of_reach_is_not_left_behind(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DrainError, match=r"The cluster alive does not answer, .*`pulumi state delete`") as raised:
        EksDrainProvider().delete(ARN.format("alive"), properties("alive"))
    assert "Connection refused" in str(raised.value)
    assert "draining alive: the cluster does not answer" in capfd.readouterr().out


def test_where_eks_cannot_be_asked_the_cluster_counts_as_there(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert EksDrainProvider().is_gone(ARN.format("gone")) is False
    assert "EKS cannot be asked whether the cluster is there" in capfd.readouterr().out
