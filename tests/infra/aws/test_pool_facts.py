"""What a pool offers to pods: by EKS's rules for nodes, of the least of its types, and as its nodes are made."""

import gzip
import importlib.resources
import json
from typing import Any

import pytest

from infra.aws import instance_types, node_resources
from infra.aws.pool_facts import node_pools
from infra.kubernetes.node_pools import NodePool
from tests.infra.recorder import provision, settings_of

pytestmark = pytest.mark.xdist_group("aws platforms")


def test_the_addresses_of_each_type_are_those_that_ec2_says_it_has() -> None:
    recorded = importlib.resources.files("moto") / "ec2" / "resources" / "instance_types.json.gz"
    described: dict[str, Any] = json.loads(gzip.decompress(recorded.read_bytes()))
    names = [*instance_types.with_gpu(), *instance_types.without_gpu()]
    for name in names:
        network = described[name]["NetworkInfo"]
        first = network["NetworkCards"][network["DefaultNetworkCardIndex"]]
        interfaces, addresses = first["MaximumNetworkInterfaces"], network["Ipv4AddressesPerInterface"]
        assert node_resources.most_pods(name) == interfaces * (addresses - 1) + 2, name
    assert len(names) > 80


@pytest.mark.parametrize(
    ("name", "cpus", "memory_gib"),
    [
        # 70 and 80 thousandths of a CPU; 255 MiB, 11 MiB for each of 29 or 58 pods, and 100 MiB.
        ("m7i.large", 1.93, 8 * 0.925 - (255 + 11 * 29 + 100) / 1024),
        ("g5.xlarge", 3.92, 16 * 0.925 - (255 + 11 * 58 + 100) / 1024),
        # 60 + 10 + 10 + 188 * 2.5 thousandths.
        ("p5.48xlarge", 191.45, 2048 * 0.925 - (255 + 11 * 100 + 100) / 1024),
    ],
)
def test_a_node_offers_what_its_image_does_not_keep(name: str, cpus: float, memory_gib: float) -> None:
    facts = instance_types.facts_of(name)
    assert facts is not None
    assert node_resources.cpus_for_pods(facts) == pytest.approx(cpus, abs=0.001)
    assert node_resources.memory_gib_for_pods(facts) == pytest.approx(memory_gib, abs=0.001)


def pools(stack: str, changes: dict[str, Any] | None = None) -> dict[str, NodePool]:
    return {pool.name: pool for pool in node_pools(settings_of(stack, changes).aws)}


def test_a_pool_of_several_types_offers_what_the_least_of_them_does() -> None:
    one = {"instance_types": ["g4dn.xlarge"], "scratch": "instance_store"}
    several = {"instance_types": ["g5.2xlarge", "g4dn.xlarge"], "scratch": "instance_store"}
    made = pools("dev", {"gpu_pools": {"one": one, "several": several}})
    assert made["several"].gpu_models == ("A10G", "T4")
    for figure in ("cpus", "memory_gib", "scratch_gib", "gpu_memory_gib"):
        assert getattr(made["several"], figure) == getattr(made["one"], figure), figure


def test_room_for_files_is_the_disks_less_what_images_take() -> None:
    pool = {"instance_types": ["g5.xlarge"]}
    made = pools(
        "dev",
        {"gpu_pools": {"volume": {**pool, "disk_gib": 400}, "disks": {**pool, "scratch": "instance_store"}}},
    )
    assert made["volume"].scratch_gib == pytest.approx(400 * 0.9 - 1 - 40)
    assert made["disks"].scratch_gib == pytest.approx(250e9 / 2**30 * 0.9 - 1 - 30, abs=0.1)


def test_devices_of_a_fabric_are_told_where_nodes_work_together() -> None:
    prod = pools("prod")
    assert prod["distributed"].fabric == {"vpc.amazonaws.com/efa": 1}
    assert prod["distributed"].zones == ("eu-west-1b",)
    assert prod["training"].fabric == {}
    assert prod["training"].zones == ("eu-west-1a", "eu-west-1b", "eu-west-1c")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_nodes_are_made_as_the_facts_say(stack: str) -> None:
    groups = {
        each.inputs["labels"]["trainyard.dev/pool"]: each.inputs
        for each in provision(stack).all("aws:eks/nodeGroup:NodeGroup")
    }
    facts = pools(stack)
    assert groups.keys() == facts.keys()
    for name, pool in facts.items():
        assert groups[name]["labels"] == pool.labels
        taints = [(taint["key"], taint["value"]) for taint in groups[name].get("taints") or []]
        assert taints == [(taint.key, taint.value) for taint in pool.taints]
        scaling = groups[name]["scalingConfig"]
        assert (scaling["minSize"], scaling["maxSize"]) == (pool.min_nodes, pool.max_nodes)
        assert len(groups[name]["subnetIds"]) == len(pool.zones)
