"""The facts of Compute Engine's machine types: well formed, and the same as the project's book of prices has them."""

import csv
import datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.gcp import gpu_partitions, gpu_sharing, machine_fit, machine_types
from infra.gcp.machine_settings import CapacityKind, DiskType, GpuPoolSettings
from infra.gcp.machine_types import ATTACHABLE, MachineFacts
from planning.prices.book import load_types

TABLE = Path(machine_types.__file__).with_name("machine_types.csv")
NAMES = [*machine_types.with_gpu(), *machine_types.without_gpu()]


def facts_of(name: str, accelerator: str = "", count: int = 0) -> MachineFacts:
    facts = machine_types.facts_of(name, accelerator, count)
    assert facts is not None, (name, accelerator, count)
    return facts


def test_each_row_is_well_formed_and_has_a_source() -> None:
    with TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["name"] for row in rows}) == len(rows) > 200
    for row in rows:
        assert row["source"], row["name"]
        assert datetime.date.fromisoformat(row["as_of"]) > datetime.date(2026, 1, 1)


@pytest.mark.parametrize("name", NAMES)
def test_each_type_makes_sense(name: str) -> None:
    facts = facts_of(name)
    assert facts.architecture == "x86_64"
    assert facts.family == name.partition("-")[0]
    assert 1 <= facts.vcpus <= 384
    assert 0.5 <= facts.memory_gib / facts.vcpus <= 20
    assert facts.capacities <= {*get_args(CapacityKind)}
    assert facts.spot
    assert facts.disk_types
    assert {*facts.disk_types} <= {*get_args(DiskType)}
    assert facts.gpudirect in get_args(GpuPoolSettings.model_fields["gpudirect"].annotation)
    assert facts.local_ssd_counts == tuple(sorted({*facts.local_ssd_counts}))
    assert not (facts.local_ssd_counts and facts.local_ssds_bundled)
    assert {*facts.local_ssd_counts} | {facts.local_ssds_bundled} <= {*range(17), 24, 32}
    gpu = (facts.gpu, facts.accelerator, facts.gpu_count, facts.gpu_memory_gib)
    assert all(gpu) if facts.gpu_count else not any(gpu)
    assert bool(facts.gpu_interconnect) == (facts.gpu_count > 1)
    assert facts.flex_start == bool(facts.gpu_count)
    # NVLink and more than one card for GPUs are of the machines that training is made for.
    assert facts.gpudirect == "none" or (facts.gpu_count == 8 and facts.network_gbps >= 1000)


def test_the_book_of_prices_says_the_same_of_every_type_that_both_have() -> None:
    book = {each.name: each for each in load_types("gcp")}
    both = [name for name in NAMES if name in book]
    assert {*machine_types.with_gpu()} - {*both} == {"a3-edgegpu-8g"}
    for name in both:
        facts, priced = facts_of(name), book[name]
        assert (facts.architecture, facts.vcpus, facts.memory_gib) == (
            priced.architecture, priced.vcpus, priced.memory_gib,
        )  # fmt: skip
        assert (facts.gpu, facts.gpu_count, facts.gpu_memory_gib, facts.gpu_interconnect) == (
            priced.gpu, priced.gpu_count, priced.gpu_memory_gib, priced.gpu_interconnect,
        ), name  # fmt: skip
        gib = facts.local_ssds_bundled * facts.local_ssd_gib
        assert priced.nvme_gb == pytest.approx(gib * 2**30 / 1e9, abs=0.1), name
        if priced.network_gbps is not None and facts.gpu_count:
            assert facts.network_gbps == priced.network_gbps, name
    assert book.keys() - {*NAMES} == set()


def test_a_few_facts_that_a_reader_can_check() -> None:
    assert facts_of("a2-megagpu-16g").gpu_count == 16
    assert facts_of("a3-highgpu-1g").capacities == {"spot", "flex_start"}
    assert "on_demand" not in facts_of("a4-highgpu-8g").capacities
    assert facts_of("a3-ultragpu-8g").disk_types == ("hyperdisk-balanced",)
    assert facts_of("g2-standard-24").local_ssd_counts == (2,)
    assert facts_of("n2-standard-48").local_ssd_counts == (8, 16, 24)
    assert facts_of("e2-standard-4").local_ssd_counts == ()
    assert not facts_of("n4-standard-4").compact_placement
    assert machine_types.facts_of("g9-huge-4") is None
    assert machine_types.facts_of("g4-standard-6") is None


def test_what_is_attached_to_n1_is_its_gpu() -> None:
    facts = facts_of("n1-standard-16", "nvidia-tesla-t4", 2)
    assert (facts.gpu, facts.gpu_count, facts.gpu_memory_gib, facts.gpu_interconnect) == ("T4", 2, 16, "pcie")
    assert facts.flex_start
    assert max(facts.local_ssd_counts) == 16
    assert facts_of("n1-standard-8", "nvidia-tesla-v100", 1).local_ssd_counts[-1] == 24
    assert facts_of("n1-standard-8").gpu_count == 0


_ACCELERATORS = st.sampled_from([*ATTACHABLE, "nvidia-tesla-p100", "nvidia-tesla-a100", "nvidia-l4", "", "x"])


@given(name=st.sampled_from(NAMES), accelerator=_ACCELERATORS, count=st.integers(0, 17))
def test_facts_are_told_of_what_can_be_attached_and_a_reason_of_what_cannot(
    name: str, accelerator: str, count: int
) -> None:
    facts = machine_types.facts_of(name, accelerator, count)
    problem = machine_fit.accelerator_problem(name, accelerator, needed=bool(count))
    problem = problem or machine_fit.count_problem(name, accelerator, count)
    assert (facts is None) == bool(problem)
    if facts and accelerator:
        vcpus, gib = ATTACHABLE[accelerator].limits[count]
        assert facts.family == "n1"
        assert facts.vcpus <= vcpus
        assert facts.memory_gib <= gib


@given(name=st.sampled_from(NAMES), count=st.integers(0, 33))
def test_so_many_local_ssds_can_be_chosen_as_the_type_says(name: str, count: int) -> None:
    facts = facts_of(name)
    refused = machine_fit.local_ssds_problem(facts, count, ["europe-west4-a"])
    assert bool(refused) == (count not in (0, *facts.local_ssd_counts))


@given(name=st.sampled_from(NAMES), capacity=st.sampled_from(["on_demand", "spot"]))
def test_the_single_machine_is_bought_as_its_type_is(name: str, capacity: str) -> None:
    facts = facts_of(name)
    assert bool(machine_fit.single_machine_problem(facts, capacity)) == (capacity not in facts.capacities)


def test_partitions_fit_into_the_gpu_with_its_processors_and_its_memory() -> None:
    with_gpu = {facts.accelerator: facts for facts in map(facts_of, machine_types.with_gpu())}
    assert gpu_partitions.PROFILES.keys() <= with_gpu.keys()
    for accelerator, profiles in gpu_partitions.PROFILES.items():
        memory = with_gpu[accelerator].gpu_memory_gib
        for profile, partitions in profiles.items():
            slices, gib = int(profile[0]), gpu_sharing.memory_of_partition_gib(profile)
            # A profile's name rounds its memory up: two of 3g.71gb are in 141 GiB.
            assert partitions * slices <= 7, (accelerator, profile)
            assert partitions * (gib - 0.5) <= memory, (accelerator, profile)
            assert machine_fit.partition_problem(with_gpu[accelerator], profile) == ""


def test_numbers_to_choose_from_are_told_in_order() -> None:
    assert machine_types.one_of([4, 1, 2]) == "1, 2 or 4"
    assert machine_types.one_of([8]) == "8"
