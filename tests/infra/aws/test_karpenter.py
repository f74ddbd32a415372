"""Pools as Karpenter has them: what is told of each."""

from typing import Any

import pytest

from infra.aws.karpenter import karpenter_manifests
from infra.aws.naming import Names
from infra.aws.pool_facts import node_pools
from infra.aws.settings import AwsSettings
from tests.infra.recorder import settings_of

TAGS = {"project": "trainyard", "stack": "dev"}
BLOCK = {
    "capacity": "reserved",
    "instance_types": ["p4d.24xlarge"],
    "zones": ["eu-west-1a"],
    "capacity_reservation_id": "cr-0123456789abcdef0",
    "max_nodes": 2,
    "scratch": "instance_store",
}


def settings(**changes: Any) -> AwsSettings:
    return settings_of("dev", {"kubernetes.addons.node_autoscaler": "karpenter", **changes}).aws


def manifests(of: AwsSettings) -> dict[str, dict[str, Any]]:
    """The specification of each object, by its kind and name."""
    made = karpenter_manifests(Names("trainyard", "dev", of.account_id, of.region), of, TAGS)
    assert len(made) == 2 * len(of.gpu_pools)
    return {f"{each['kind']}/{each['metadata']['name']}": each["spec"] for each in made}


@pytest.fixture(scope="module")
def made() -> dict[str, dict[str, Any]]:
    return manifests(settings())


def requirement(pool: dict[str, Any], key: str) -> list[str]:
    (found,) = (each for each in pool["template"]["spec"]["requirements"] if each["key"] == key)
    values: list[str] = found["values"]
    return values


def test_a_node_is_protected_as_those_of_groups_are(made: dict[str, dict[str, Any]]) -> None:
    node_class = made["EC2NodeClass/training"]
    options = node_class["metadataOptions"]
    assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)
    (disk,) = node_class["blockDeviceMappings"]
    assert disk["ebs"]["encrypted"] is True
    assert disk["ebs"]["volumeType"] == "gp3"
    assert disk["ebs"]["kmsKeyID"].endswith(":alias/trainyard-dev/volumes")
    assert node_class["associatePublicIPAddress"] is False
    assert node_class["instanceProfile"] == "trainyard-dev_karpenter-node"
    assert node_class["tags"] == {**TAGS, "Name": "trainyard-dev-training"}
    assert node_class["instanceStorePolicy"] == "RAID0"


def test_the_machine_image_is_of_one_release() -> None:
    of = settings(**{"cluster.node_image_release": "v20260101"})
    assert manifests(of)["EC2NodeClass/training"]["amiSelectorTerms"] == [{"alias": "al2023@v20260101"}]


def test_a_pool_is_what_a_queue_and_a_pod_are_judged_by(made: dict[str, dict[str, Any]]) -> None:
    pool = made["NodePool/training"]
    (offer,) = (each for each in node_pools(settings()) if each.name == "training")
    assert pool["template"]["metadata"]["labels"] == offer.labels
    assert pool["template"]["spec"]["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert pool["limits"] == {"nodes": "4", "nvidia.com/gpu": "4"}
    assert requirement(pool, "karpenter.sh/capacity-type") == ["spot"]
    assert requirement(pool, "node.kubernetes.io/instance-type") == ["g5.xlarge", "g4dn.xlarge", "g4dn.2xlarge"]
    assert requirement(pool, "topology.kubernetes.io/zone") == ["eu-west-1a", "eu-west-1b"]


def test_a_node_that_works_is_left_alone(made: dict[str, dict[str, Any]]) -> None:
    pool = made["NodePool/training"]
    assert pool["template"]["spec"]["expireAfter"] == "Never"
    assert pool["disruption"]["consolidationPolicy"] == "WhenEmpty"
    allowed = {reason: each["nodes"] for each in pool["disruption"]["budgets"] for reason in each["reasons"]}
    assert allowed == {"Empty": "100%", "Drifted": "0", "Underutilized": "0"}


def test_a_reserved_pool_starts_in_its_capacity_block_only() -> None:
    of = manifests(settings(gpu_pools={"block": BLOCK}))
    assert of["EC2NodeClass/block"]["capacityReservationSelectorTerms"] == [{"id": "cr-0123456789abcdef0"}]
    assert requirement(of["NodePool/block"], "karpenter.sh/capacity-type") == ["reserved"]
    assert of["NodePool/block"]["limits"] == {"nodes": "2", "nvidia.com/gpu": "16"}
