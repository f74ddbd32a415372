"""What a GKE node offers to pods, against the example and the shares of Google's page on the size of nodes."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.gcp import machine_types, node_resources
from infra.gcp.machine_types import MachineFacts


def facts(name: str = "e2-standard-4", **changes: float) -> MachineFacts:
    found = machine_types.facts_of(name)
    assert found is not None
    return dataclasses.replace(found, **changes)  # type: ignore[arg-type]


def test_the_node_of_googles_page_offers_what_the_page_shows() -> None:
    """4 vCPUs, 16 GiB, a boot disk of 100 GiB: 3920m, 13498416Ki and 47060071478 bytes."""
    assert node_resources.cpus_for_pods(facts()) == 3.92
    assert node_resources.memory_gib_for_pods(facts()) == pytest.approx(13498416 / 2**20, rel=0.01)
    assert node_resources.disk_gib_for_pods(100) == pytest.approx(47060071478 / 2**30, rel=0.01)


@pytest.mark.parametrize(
    ("vcpus", "reserved_millicpus"),
    # 6 % of the first, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest.
    [(1, 60), (2, 70), (4, 80), (8, 90), (12, 100), (96, 310), (208, 590)],
)
def test_cpus_are_kept_by_steps(vcpus: int, reserved_millicpus: int) -> None:
    assert node_resources.cpus_for_pods(facts(vcpus=vcpus)) == pytest.approx(vcpus - reserved_millicpus / 1000)


@pytest.mark.parametrize(
    ("memory_gib", "reserved_gib"),
    # 25 % of the first 4 GiB, 20 % of the next 4, 10 % of the next 8, 6 % of the next 112, 2 % of the rest.
    [(4, 1), (8, 1.8), (16, 2.6), (32, 3.56), (128, 9.32), (1872, 44.2)],
)
def test_memory_is_kept_by_steps(memory_gib: float, reserved_gib: float) -> None:
    offered = node_resources.memory_gib_for_pods(facts(memory_gib=memory_gib))
    seen = memory_gib * (1 - node_resources.NOT_SEEN_SHARE)
    assert offered == pytest.approx(seen - reserved_gib - 100 / 1024, abs=0.001)


@pytest.mark.parametrize(
    ("disk_gib", "reserved_gib"),
    # The least of half of it, 6 GiB and 35 %, and 100 GiB.
    [(20, 10), (40, 20), (50, 23.5), (100, 41), (200, 76), (268, 99.8), (300, 100), (1000, 100)],
)
def test_room_is_kept_of_a_boot_disk(disk_gib: int, reserved_gib: float) -> None:
    assert node_resources.reserved_disk_gib(disk_gib) == pytest.approx(reserved_gib)


@pytest.mark.parametrize(("count", "reserved_gib"), [(1, 50), (2, 75), (3, 100), (4, 100), (32, 100)])
def test_room_is_kept_of_local_ssds(count: int, reserved_gib: float) -> None:
    file_system = count * 375 * node_resources.FILE_SYSTEM_SHARE
    offered = node_resources.local_ssd_gib_for_pods(count, 375)
    assert offered == pytest.approx(file_system * 0.9 - reserved_gib)


def test_images_lie_in_the_room_that_gke_keeps_as_far_as_it_suffices() -> None:
    node = facts("g2-standard-8")
    large = node_resources.scratch_gib_for_pods(node, disk_gib=200)
    assert large == pytest.approx(node_resources.disk_gib_for_pods(200), abs=0.06)
    small = node_resources.scratch_gib_for_pods(node, disk_gib=50)
    assert small == pytest.approx(node_resources.disk_gib_for_pods(50) - (30 - 23.5), abs=0.06)
    ssds = node_resources.scratch_gib_for_pods(node, disk_gib=50, local_ssds=1)
    assert ssds == pytest.approx(node_resources.local_ssd_gib_for_pods(1, 375), abs=0.06)


sizes = st.floats(min_value=1, max_value=12_000)


@given(smaller=sizes, larger=sizes)
def test_a_larger_node_offers_no_less(smaller: float, larger: float) -> None:
    smaller, larger = sorted((smaller, larger))
    for offer in (
        lambda size: node_resources.memory_gib_for_pods(facts(memory_gib=size)),
        lambda size: node_resources.cpus_for_pods(facts(vcpus=int(size))),
        node_resources.disk_gib_for_pods,
        lambda size: node_resources.local_ssd_gib_for_pods(2, size),
    ):
        assert 0 <= offer(smaller) <= offer(larger)


@given(name=st.sampled_from([*machine_types.with_gpu(), *machine_types.without_gpu()]), disk=st.integers(50, 65536))
def test_a_node_never_offers_what_it_does_not_have(name: str, disk: int) -> None:
    node = facts(name)
    assert 0 < node_resources.cpus_for_pods(node) < node.vcpus
    assert 0 < node_resources.memory_gib_for_pods(node) < node.memory_gib
    assert 0 <= node_resources.scratch_gib_for_pods(node, disk_gib=disk) < disk
    for count in node.local_ssd_counts or (node.local_ssds_bundled,):
        assert 0 <= node_resources.scratch_gib_for_pods(node, disk_gib=disk, local_ssds=count) <= max(count * 375, disk)
