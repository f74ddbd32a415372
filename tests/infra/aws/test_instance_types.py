"""The facts of EC2's instance types, compared with what EC2 itself answers, as moto has recorded it."""

import gzip
import importlib.resources
import json
from typing import Any

import pytest

from infra.aws import instance_types
from planning.prices.book import load_types

BOOK = load_types("aws")
NAMES = [each.name for each in BOOK if instance_types.facts_of(each.name)]

# One spelling for what is one GPU on every cloud.
SPELLED = {"RTX PRO Server 6000": "RTX PRO 6000"}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    recorded = importlib.resources.files("moto") / "ec2" / "resources" / "instance_types.json.gz"
    types: dict[str, Any] = json.loads(gzip.decompress(recorded.read_bytes()))
    return types


def test_each_type_is_what_ec2_says_it_is(described: dict[str, Any]) -> None:
    assert len(NAMES) == len(set(NAMES)) > 90
    for name in NAMES:
        facts, answer = instance_types.facts_of(name), described[name]
        assert facts is not None
        gpus = [gpu for gpu in answer.get("GpuInfo", {}).get("Gpus", []) if gpu["Manufacturer"] == "NVIDIA"]
        assert facts == instance_types.InstanceFacts(
            name=name,
            architecture=answer["ProcessorInfo"]["SupportedArchitectures"][0],
            vcpus=answer["VCpuInfo"]["DefaultVCpus"],
            memory_gib=answer["MemoryInfo"]["SizeInMiB"] / 1024,
            gpu_count=sum(gpu["Count"] for gpu in gpus),
            gpu=SPELLED.get(gpus[0]["Name"], gpus[0]["Name"]) if gpus else "",
            gpu_memory_mib=gpus[0]["MemoryInfo"]["SizeInMiB"] if gpus else 0,
            nvme_gb=answer.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0),
            efa_interfaces=answer["NetworkInfo"].get("EfaInfo", {}).get("MaximumEfaInterfaces", 0),
            network_cards=answer["NetworkInfo"]["MaximumNetworkCards"],
            capacity_blocks="capacity-block" in answer["SupportedUsageClasses"],
            hibernation=answer["HibernationSupported"],
        )


def test_the_cards_with_a_fabric_are_those_that_ec2_says(described: dict[str, Any]) -> None:
    for name in NAMES:
        facts, network = instance_types.facts_of(name), described[name]["NetworkInfo"]
        assert facts is not None
        able = [each["NetworkCardIndex"] for each in network["NetworkCards"] if "efa-only" in each["InterfaceTypes"]]
        assert [*facts.efa_cards] == able, name


def test_the_bandwidth_is_what_a_type_sustains(described: dict[str, Any]) -> None:
    for each in BOOK:
        if each.name not in described:
            continue
        network = described[each.name]["NetworkInfo"]
        said = network["NetworkPerformance"]
        if said.startswith("Up to"):
            assert each.network_gbps == sum(card["BaselineBandwidthInGbps"] for card in network["NetworkCards"]), said
        else:
            cards, _, speed = said.removesuffix(" Gigabit").rpartition("x ")
            assert each.network_gbps == float(cards or 1) * float(speed), each.name


def test_every_whole_nvidia_gpu_that_ec2_has_is_in_it(described: dict[str, Any]) -> None:
    whole = {
        name
        for name, answer in described.items()
        for gpu in answer.get("GpuInfo", {}).get("Gpus", [])
        if gpu["Manufacturer"] == "NVIDIA" and gpu.get("GpuPartitionSize", 1) == 1
    }
    assert whole == {name for name in NAMES if (facts := instance_types.facts_of(name)) and facts.gpu_count}


def test_what_the_price_lists_alone_know_is_no_type_to_build_with(described: dict[str, Any]) -> None:
    unknown = {each.name for each in BOOK} - set(NAMES)
    assert unknown == {each.name for each in BOOK if each.name not in described} != set()
    assert {each.gpu for each in BOOK if each.name in unknown} == {"Radeon Pro V520"}


def test_no_type_with_a_gpu_hibernates() -> None:
    facts = [instance_types.facts_of(name) for name in NAMES]
    assert not [each.name for each in facts if each and each.gpu_count and each.hibernation]


def test_pools_can_choose_from_x86_types_only() -> None:
    assert "g5g.xlarge" not in instance_types.with_gpu()
    assert "g4ad.xlarge" not in instance_types.with_gpu()
    assert "m7g.large" not in instance_types.without_gpu()
    assert "g5.xlarge" in instance_types.with_gpu()
    assert "m7i.large" in instance_types.without_gpu()
    assert instance_types.facts_of("g9.huge") is None
