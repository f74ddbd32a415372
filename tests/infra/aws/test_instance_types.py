"""The table of instance types, compared with what EC2 itself answers, as moto has recorded it."""

import csv
import gzip
import importlib.resources
import json
from typing import Any

import pytest

from infra.aws import instance_types
from tests.infra.aws.stack_files import ROOT

with (ROOT / "infra" / "aws" / "instance_types.csv").open(newline="") as table:
    NAMES = [row["name"] for row in csv.DictReader(table)]


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
            gpu=gpus[0]["Name"] if gpus else "",
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


def test_every_whole_nvidia_gpu_that_ec2_has_is_in_it(described: dict[str, Any]) -> None:
    whole = {
        name
        for name, answer in described.items()
        for gpu in answer.get("GpuInfo", {}).get("Gpus", [])
        if gpu["Manufacturer"] == "NVIDIA" and gpu.get("GpuPartitionSize", 1) == 1
    }
    assert whole == {name for name in NAMES if (facts := instance_types.facts_of(name)) and facts.gpu_count}


def test_no_type_with_a_gpu_hibernates() -> None:
    facts = [instance_types.facts_of(name) for name in NAMES]
    assert not [each.name for each in facts if each and each.gpu_count and each.hibernation]


def test_pools_can_choose_from_x86_types_only() -> None:
    assert "g5g.xlarge" not in instance_types.with_gpu()
    assert "m7g.large" not in instance_types.without_gpu()
    assert "g5.xlarge" in instance_types.with_gpu()
    assert "m7i.large" in instance_types.without_gpu()
    assert instance_types.facts_of("g9.huge") is None
