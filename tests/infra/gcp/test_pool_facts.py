"""What a pool offers to pods: by GKE's rules for nodes, by how its GPUs are shared, and as its nodes are made."""

from typing import Any

import pytest

from infra.gcp import node_resources
from infra.gcp.gpu_partitions import PROFILES
from infra.gcp.gpu_sharing import memory_of_partition_gib, shared_gpus
from infra.gcp.machine_settings import GpuPoolSettings, GpuSharingSettings
from infra.gcp.machine_types import ATTACHABLE
from infra.gcp.pool_facts import facts_of, gpu_pool, node_pools
from infra.kubernetes.node_pools import DAEMON_CPUS, DAEMON_MEMORY_GIB, GPU_TAINT, NodePool
from infra.settings import SettingsError
from tests.infra.recorder import provision, settings_of
from tests.infra.stack_files import changed, parse, stack_file

pytestmark = pytest.mark.xdist_group("gcp platforms")

SHARED = {"strategy": "time_sharing", "pods": 2}
ZONES = ("europe-west4-a", "europe-west4-b", "europe-west4-c")


def pools(stack: str, changes: dict[str, Any] | None = None) -> dict[str, NodePool]:
    return {pool.name: pool for pool in node_pools(settings_of(stack, changes).gcp)}


def pool(**settings: Any) -> NodePool:
    """A pool by itself, whose settings nobody has compared with what there is."""
    return gpu_pool("one", GpuPoolSettings.model_validate({"machine_type": "g2-standard-8", **settings}), ZONES)


def test_a_pool_offers_what_its_machine_does_less_the_daemons() -> None:
    facts, offer = facts_of("g2-standard-8"), pool()
    assert offer.cpus == pytest.approx(node_resources.cpus_for_pods(facts) - DAEMON_CPUS)
    assert offer.memory_gib == pytest.approx(node_resources.memory_gib_for_pods(facts) - DAEMON_MEMORY_GIB)
    assert (offer.gpus, offer.gpu_models, offer.gpu_memory_gib) == (1, ("L4",), 24)
    assert offer.taints == (GPU_TAINT,)
    assert (GPU_TAINT.value, GPU_TAINT.effect) == ("present", "NoSchedule")


def test_labels_are_this_programs_own_and_none_of_gkes() -> None:
    assert pool(capacity="flex_start").labels == {
        "trainyard.dev/pool": "one",
        "trainyard.dev/capacity": "flex_start",
        "nvidia.com/gpu.present": "true",
        "trainyard.dev/gpu": "L4",
    }
    assert (
        pool(machine_type="g4-standard-48", disk_type="hyperdisk-balanced").labels["trainyard.dev/gpu"]
        == "RTX-PRO-6000"
    )
    for stack in ("gcp-dev", "gcp-prod"):
        for offer in pools(stack).values():
            # Source: GKE API, NodeConfig.labels: these are Kubernetes' and GKE's.
            assert not [label for label in offer.labels if label.partition("/")[0].endswith(("k8s.io", "google.com"))]


def test_gpus_that_are_attached_are_the_pools() -> None:
    offer = pool(machine_type="n1-standard-8", accelerator="nvidia-tesla-t4", accelerator_count=2)
    assert (offer.gpus, offer.gpu_models, offer.gpu_memory_gib) == (2, ("T4",), 16)
    with pytest.raises(LookupError, match="e2-standard-4"):
        facts_of("e2-standard-4", "nvidia-tesla-t4", 1)


@pytest.mark.parametrize(
    ("sharing", "gpus", "memory_gib"),
    [
        ({}, 8, 80),
        ({"partition": "1g.10gb"}, 56, 10),
        ({"partition": "3g.40gb"}, 16, 40),
        ({"strategy": "time_sharing", "pods": 4}, 32, 20),
        ({"strategy": "mps", "pods": 8}, 64, 10),
        ({"partition": "7g.80gb", "strategy": "time_sharing", "pods": 2}, 16, 40),
    ],
)
def test_a_shared_gpu_is_several(sharing: dict[str, Any], gpus: int, memory_gib: float) -> None:
    offer = pool(machine_type="a3-highgpu-8g", capacity="spot", sharing=sharing)
    assert (offer.gpus, offer.gpu_memory_gib) == (gpus, memory_gib)
    assert offer.most_gpus == gpus * offer.max_nodes
    assert offer.gpus_of_pod == (1 if sharing else 8)


def test_a_job_that_wants_several_gpus_is_not_sent_where_each_is_a_part_of_one() -> None:
    changes = {"gpu_pools": {"training": {"machine_type": "g2-standard-48", "sharing": SHARED}}}
    config = changed(stack_file("gcp-dev"), changes) | {"trainyard:training": {"pods": {"gpus": 2}}}
    with pytest.raises(
        SettingsError, match=r"training\.pods\.gpus = 2: no pool can ever give that; the most is 1 GPUs"
    ):
        parse(config, "gcp-dev")


def test_partitions_never_have_more_memory_than_the_gpu() -> None:
    machines = {facts.accelerator: facts for name in MACHINES_WITH_GPU if (facts := facts_of(name))}
    assert PROFILES.keys() <= machines.keys() - ATTACHABLE.keys()
    for accelerator, profiles in PROFILES.items():
        one = machines[accelerator].gpu_memory_gib
        for profile, count in profiles.items():
            # Rounded up in its name: 71 of 141.
            assert count * memory_of_partition_gib(profile) <= one + count, profile
            shared = shared_gpus(machines[accelerator], GpuSharingSettings(partition=profile))
            assert shared.gpus == count * machines[accelerator].gpu_count


MACHINES_WITH_GPU = (
    "a2-highgpu-1g",
    "a2-ultragpu-1g",
    "a3-highgpu-8g",
    "a3-megagpu-8g",
    "a3-ultragpu-8g",
    "a4-highgpu-8g",
    "g2-standard-4",
    "g4-standard-48",
)


@pytest.mark.parametrize("profile", ["1g", "10gb", "1g.10gb+gfx", ""])
def test_what_is_no_profile_is_refused(profile: str) -> None:
    with pytest.raises(ValueError, match="MIG"):
        memory_of_partition_gib(profile)


def test_pods_files_lie_on_local_ssds_where_asked_for() -> None:
    on_disk, on_ssds = pool(local_ssds=1), pool(local_ssds=1, scratch="local_ssd")
    assert on_disk.scratch_gib == pool().scratch_gib == pytest.approx((200 - 4) * 0.98 * 0.9 - 76, abs=0.1)
    assert on_ssds.scratch_gib == pytest.approx(375 * 0.98 * 0.9 - 50, abs=0.1)
    bundled = pool(machine_type="a3-highgpu-8g", scratch="local_ssd")
    assert bundled.scratch_gib == pytest.approx(16 * 375 * 0.98 * 0.9 - 100, abs=0.1)


def test_a_pool_is_in_the_zones_that_have_its_machine() -> None:
    assert pool().zones == ZONES
    assert pool(machine_type="a2-ultragpu-1g").zones == ("europe-west4-a",)
    assert pool(zones=("europe-west4-c",)).zones == ("europe-west4-c",)
    # A zone of which nothing is known may have it all the same.
    assert gpu_pool("one", GpuPoolSettings(machine_type="g2-standard-8"), ("nowhere-a",)).zones == ("nowhere-a",)


@pytest.mark.parametrize("stack", ["gcp-dev", "gcp-prod"])
def test_nodes_are_made_as_the_facts_say(stack: str) -> None:
    made = {
        each.inputs["nodeConfig"]["labels"]["trainyard.dev/pool"]: each.inputs
        for each in provision(stack).all("gcp:container/nodePool:NodePool")
    }
    facts = pools(stack)
    assert made.keys() == facts.keys()
    for name, offer in facts.items():
        config, scaling = made[name]["nodeConfig"], made[name]["autoscaling"]
        assert config["labels"] == offer.labels
        taints = [(each["key"], each["value"]) for each in config.get("taints") or []]
        assert taints == [(taint.key, taint.value) for taint in offer.taints]
        assert (scaling["totalMinNodeCount"], scaling["totalMaxNodeCount"]) == (offer.min_nodes, offer.max_nodes)
        assert tuple(made[name]["nodeLocations"]) == offer.zones
