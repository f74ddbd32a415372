"""The settings of the platform on Google Cloud: bad ones are refused together, with the key as the user wrote it.

TRAINYARD_WRITE_GOLDEN=1 writes the refusals anew.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.settings import SettingsError
from tests.infra.stack_files import changed, parse, stack_file

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1"
KEY = "projects/ml-platform-example/locations/europe-west4/keyRings/keys-1a2b3c4/cryptoKeys/data-1a2b3c4"


def refusal(stack: str, changes: dict[str, Any], **others: Any) -> str:
    """What is said of a stack file with changes in `trainyard:gcp`; a changed object replaces the fields it names."""
    config = {**stack_file(stack), **{key.replace("__", ":"): value for key, value in others.items()}}
    changed(config, changes)
    with pytest.raises(SettingsError) as raised:
        parse({key: value for key, value in config.items() if value is not None}, stack)
    return str(raised.value) + "\n"


L4 = {"capacity": "on_demand", "machine_type": "g2-standard-4"}
A100 = {"machine_type": "a2-highgpu-1g"}
H100 = {"capacity": "on_demand", "machine_type": "a3-highgpu-8g", "zones": ["europe-west4-b"]}
T4 = {"machine_type": "n1-standard-8", "accelerator": "nvidia-tesla-t4", "accelerator_count": 1}

BAD: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "together": (
        "gcp-prod",
        {
            "project_number": "ml-platform",
            "network.cidr": "10.0.0.0/24",
            "network.zones": ["europe-west4-a", "europe-west1-a"],
            "network.flow_log_sampling": 0,
            "cluster.version": "1.21",
            "cluster.admin_members": ["alice@example.com"],
            "storage.delete_with_objects": True,
            "keys.rotation_days": 400,
            "gpu_pools": {
                "plain": {**L4, "machine_type": "n2-standard-8"},
                "reserved": {**L4, "capacity": "reserved"},
                "Ephemeral": L4,
            },
            "machine": {"machine_type": "g9-huge-4", "zone": "europe-west4-z"},
            "budget": {"monthly_usd": 100, "alert_emails": []},
        },
        {"trainyard__expires_at": "2026-11-30T00:00:00Z"},
    ),
    "zones": (
        "gcp-dev",
        {
            "network.zones": ["europe-west1-a", "europe-west1-b"],
            "gpu_pools": {},
            "gpu_pools.ultra": {"capacity": "spot", "machine_type": "a2-ultragpu-1g"},
        },
        {"gcp__region": "europe-west1"},
    ),
    "unknown_region": ("gcp-dev", {}, {"gcp__region": "europe-west5", "gcp__project": "p"}),
    "types": (
        "gcp-dev",
        {
            "system_pool.machine_type": "g2-standard-4",
            "gpu_pools": {
                "unknown": {"machine_type": "g2-standard-6"},
                "plain": {"machine_type": "e2-standard-4"},
                "arm": {"machine_type": "a4x-highgpu-4g"},
                "none": {"capacity": "spot"},
                "late": {**L4, "capacity": "futures"},
            },
            "machine": {"machine_type": "e2-standard-5"},
        },
        {},
    ),
    "attached": (
        "gcp-dev",
        {
            "gpu_pools": {
                "a100": {**T4, "accelerator": "nvidia-tesla-a100"},
                "ended": {**T4, "accelerator": "nvidia-tesla-p100"},
                "own": {**L4, "accelerator": "nvidia-l4", "accelerator_count": 1},
                "nothing": {"machine_type": "n1-standard-8"},
                "uncounted": {**T4, "accelerator_count": 0},
                "three": {**T4, "accelerator_count": 3},
                "large": {**T4, "machine_type": "n1-standard-64", "accelerator": "nvidia-tesla-v100"},
                "counted": {**L4, "accelerator_count": 1},
                "lacking": {**T4, "accelerator": "nvidia-tesla-p4", "zones": ["europe-west4-a"]},
            },
            "machine": {"machine_type": "e2-standard-4", "accelerator": "nvidia-tesla-t4", "accelerator_count": 1},
        },
        {},
    ),
    "pool_of_another_stack": ("gcp-prod", {"identity.github.create_provider": False}, {}),
    "no_machine_to_attach_to": ("gcp-dev", {"machine": {"accelerator": "nvidia-tesla-t4", "accelerator_count": 1}}, {}),
    "offerings": (
        "gcp-dev",
        {
            "gpu_pools": {
                "elsewhere": {"machine_type": "a4-highgpu-8g", "disk_type": "hyperdisk-balanced", "zones": []},
                "other-zone": {"machine_type": "a2-ultragpu-1g", "zones": ["europe-west4-b"]},
                "no-zone": {"capacity": "spot", "machine_type": "a3-edgegpu-8g", "zones": ["europe-west4-c"]},
                "far": {"machine_type": "a2-megagpu-16g", "zones": ["europe-west4-a", "europe-west4-a"]},
            },
            "machine": {"machine_type": "a3-megagpu-8g", "disk_type": "pd-ssd"},
        },
        {},
    ),
    "not_in_the_region": (
        "gcp-dev",
        {
            "network.zones": ["europe-west1-b", "europe-west1-c"],
            "gpu_pools": {"far": A100},
            "machine": {"machine_type": "a2-highgpu-1g"},
        },
        {"gcp__region": "europe-west1"},
    ),
    "capacity": (
        "gcp-prod",
        {
            "gpu_pools": {
                "small": {"capacity": "on_demand", "machine_type": "a3-highgpu-1g"},
                "reserved": {"capacity": "reserved", "machine_type": "a3-highgpu-2g", "reservation": "r"},
                "ultra": {"capacity": "on_demand", "machine_type": "a3-ultragpu-8g"},
                "unreserved": {**L4, "reservation": "research"},
                "no-name": {**H100, "capacity": "reserved"},
                "no-zone": {**H100, "capacity": "reserved", "reservation": "research", "zones": []},
                "bad-name": {**H100, "capacity": "reserved", "reservation": "Research"},
                "waiting": {**H100, "capacity": "flex_start", "min_nodes": 1},
                "long": {**H100, "capacity": "flex_start", "most_hours": 169},
                "upside-down": {**L4, "min_nodes": 3, "max_nodes": 2},
                "spread": {**H100, "tightly_coupled": True, "zones": ["europe-west4-b", "europe-west4-c"]},
                "apart": {**T4, "tightly_coupled": True},
            },
            "machine": {"machine_type": "a4-highgpu-8g", "zone": "europe-west4-b", "disk_type": "hyperdisk-balanced"},
        },
        {},
    ),
    "disks": (
        "gcp-prod",
        {
            "system_pool": {"machine_type": "n4-standard-4"},
            "gpu_pools": {
                "blackwell": {"machine_type": "g4-standard-48"},
                "ampere": {**A100, "disk_type": "hyperdisk-balanced", "zones": ["europe-west4-a"]},
                "bundled": {**H100, "local_ssds": 16},
                "two": {**L4, "local_ssds": 2},
                "many": {**A100, "machine_type": "a2-highgpu-8g", "local_ssds": 4},
                "turing": {**T4, "local_ssds": 24},
                "pascal": {**T4, "accelerator": "nvidia-tesla-p4", "local_ssds": 1, "zones": ["europe-west4-b"]},
                "diskless": {**L4, "scratch": "local_ssd"},
                "ram": {**L4, "scratch": "ram", "disk_gib": 10},
            },
            "machine": {"machine_type": "g4-standard-48", "zone": "europe-west4-a"},
        },
        {},
    ),
    "stopped_with_disks": (
        "gcp-dev",
        {"machine": {"machine_type": "a2-ultragpu-1g", "zone": "europe-west4-a", "state": "stopped"}},
        {},
    ),
    "gpudirect": (
        "gcp-prod",
        {
            "gpu_pools": {
                "l4": {**L4, "gpudirect": "rdma"},
                "h100": {**H100, "gpudirect": "tcpxo"},
                "spread": {**H100, "gpudirect": "tcpx", "zones": []},
            }
        },
        {},
    ),
    "sharing": (
        "gcp-prod",
        {
            "gpu_pools": {
                "whole": {**L4, "sharing": {"partition": "1g.5gb"}},
                "other": {**H100, "sharing": {"partition": "1g.5gb"}},
                "mistyped": {**H100, "sharing": {"partition": "half"}},
                "idle": {**L4, "sharing": {"pods": 4}},
                "alone": {**L4, "sharing": {"strategy": "time_sharing"}},
                "crowd": {**L4, "sharing": {"strategy": "mps", "pods": 49}},
                "slices": {**L4, "sharing": {"strategy": "slices"}},
            }
        },
        {},
    ),
    "cluster": (
        "gcp-dev",
        {
            "cluster.release_channel": "STABLE",
            "cluster.version": "1.36",
            "cluster.dns_endpoint": False,
            "cluster.admin_members": ["group:a@example.com", "group:a@example.com"],
            "cluster.maintenance": {"start_time": "25:00", "hours": 4, "days": ["MO", "TU"]},
            "kubernetes.addons": {
                "node_autoscaler": "karpenter",
                "device_plugin": {"time_slices": 4, "mig_strategy": "none"},
                "termination_handler": {"rebalance": "drain"},
            },
        },
        {},
    ),
    "networks": (
        "gcp-dev",
        {
            "cluster.authorized_networks": [
                {"cidr": "203.0.113.0/24"},
                {"cidr": "0.0.0.0/0"},
                {"cidr": "10.0.0.1/8"},
                {"cidr": "10.0.0.0/8", "name": "every/where"},
            ],
            "cluster.release_channel": "EARLY",
            "cluster.maintenance": {"days": ["MO", "MO"]},
            "kubernetes.addons": {"node_autoscaler": "none", "device_plugin": {"mig_strategy": "single"}},
        },
        {},
    ),
    "private_without_images": (
        "gcp-dev",
        {"network.nat": "none", "registry.keep_images": 10},
        {},
    ),
    "network_twice": (
        "gcp-dev",
        {"cluster.authorized_networks": [{"cidr": "10.1.0.0/16"}, {"cidr": "10.1.0.0/16", "name": "again"}]},
        {},
    ),
    "teams": (
        "gcp-dev",
        {
            "cluster.admin_members": ["user:alice@example.com"],
            "cluster.team_members": {"trainyard": ["user:bob@example.com", "user:alice@example.com"]},
        },
        {},
    ),
    "unknown_team": ("gcp-dev", {"cluster.team_members": {"vision": ["user:bob@example.com"]}}, {}),
    "groups_of_nobody": ("gcp-dev", {"cluster.team_members": {"trainyard": ["group:team@example.com"]}}, {}),
    "addresses": ("gcp-dev", {"network.cidr": "10.20.0.0/20", "gpu_pools.training.max_nodes": 14}, {}),
    "budget": (
        "gcp-dev",
        {
            "budget": {
                "monthly_usd": 0.5,
                "alert_emails": [f"{name}@example.com" for name in "abcdef"],
                "billing_account": "1",
            }
        },
        {"trainyard__owner": ""},
    ),
    "budget_of_nobody": ("gcp-dev", {"budget.billing_account": ""}, {}),
    "own_settings": ("gcp-dev", {"region": "europe-west4", "project_id": "ml-platform-example", "colour": "red"}, {}),
    "nothing_set": (
        "gcp-dev",
        {},
        {"trainyard__gcp": {}, "gcp__region": None, "gcp__project": None, "trainyard__expires_at": None},
    ),
    "data_with_a_cluster": ("gcp-dev", {}, {"trainyard__part": "data", "trainyard__expires_at": ""}),
    "data_of_data": (
        "gcp-dev",
        {"storage.from_stack": "other"},
        {"trainyard__part": "data", "trainyard__expires_at": "2027-01-01T00:00:00Z"},
    ),
    "data_of_itself": ("gcp-dev", {"storage": {"from_stack": "gcp-dev", "key_id": KEY}}, {}),
    "data_far_away": (
        "gcp-dev",
        {"storage": {"from_stack": "data", "key_id": KEY.replace("europe-west4", "us-central1")}},
        {},
    ),
    "data_without_a_key": ("gcp-dev", {"storage.from_stack": "data"}, {}),
    "data_without_a_stack": ("gcp-dev", {"storage.key_id": KEY}, {}),
}


@pytest.mark.parametrize("case", BAD)
def test_every_problem_is_told_in_one_error(case: str) -> None:
    stack, changes, others = BAD[case]
    golden = GOLDEN / f"settings_{case}.txt"
    said = refusal(stack, changes, **others)
    if WRITE:
        golden.write_text(said)
    assert said == golden.read_text()


def test_there_is_no_golden_file_of_a_case_that_is_gone() -> None:
    assert {file.stem.removeprefix("settings_") for file in GOLDEN.glob("settings_*.txt")} == BAD.keys()


@pytest.mark.parametrize(("stack", "environment"), [("gcp-dev", "dev"), ("gcp-prod", "prod")])
def test_the_committed_stack_files_are_right(stack: str, environment: str) -> None:
    settings = parse(stack_file(stack), stack)
    assert settings.cloud == "gcp"
    assert settings.environment == environment
    assert settings.gcp.region == "europe-west4"
    assert settings.gcp.project_id == "ml-platform-example"


def test_what_dev_and_prod_are() -> None:
    dev, prod = parse(stack_file("gcp-dev"), "gcp-dev"), parse(stack_file("gcp-prod"), "gcp-prod")
    assert dev.expires_at
    assert not prod.expires_at
    assert (dev.gcp.cluster.location, prod.gcp.cluster.location) == ("zonal", "regional")
    assert {pool.capacity for pool in dev.gcp.gpu_pools.values()} == {"spot"}
    assert {pool.min_nodes for pool in dev.gcp.gpu_pools.values()} == {0}
    capacities = {name: pool.capacity for name, pool in prod.gcp.gpu_pools.items()}
    assert capacities == {"serving": "on_demand", "training": "spot", "distributed": "flex_start"}
    for settings in (dev, prod):
        assert settings.gcp.cluster.authorized_networks == ()
        assert not settings.gcp.machine.machine_type


@pytest.mark.parametrize(
    "pool",
    [
        {**T4, "local_ssds": 16, "scratch": "local_ssd", "capacity": "flex_start", "zones": []},
        {**H100, "capacity": "spot", "gpudirect": "tcpx", "scratch": "local_ssd"},
        {**H100, "sharing": {"partition": "1g.20gb", "strategy": "time_sharing", "pods": 4}},
        {**H100, "sharing": {"partition": "1g.10gb", "strategy": "mps", "pods": 2}},
        {**L4, "local_ssds": 1, "scratch": "disk", "sharing": {"strategy": "mps", "pods": 48}},
        {"machine_type": "g4-standard-96", "disk_type": "hyperdisk-balanced", "local_ssds": 8, "zones": []},
        {"capacity": "reserved", "machine_type": "a4-highgpu-8g", "disk_type": "hyperdisk-balanced",
         "reservation": "r", "zones": ["europe-west4-b"], "tightly_coupled": True, "gpudirect": "rdma"},
        {"machine_type": "a2-ultragpu-1g", "zones": []},
    ],
)  # fmt: skip
def test_pools_that_can_be_had_are_taken(pool: dict[str, Any]) -> None:
    config = changed(stack_file("gcp-prod"), {"gpu_pools.another": pool})
    taken = parse(config, "gcp-prod").gcp.gpu_pools["another"]
    assert taken.model_dump(exclude_unset=True, exclude={"zones", "sharing"}) == {
        key: value for key, value in pool.items() if key not in ("zones", "sharing")
    }


def test_a_pool_that_names_no_zone_needs_one_of_the_network_s_that_has_its_machines() -> None:
    config = changed(stack_file("gcp-dev"), {"gpu_pools.ultra": {"machine_type": "a2-ultragpu-1g"}})
    assert parse(config, "gcp-dev").gcp.gpu_pools["ultra"].zones == ()
    config["trainyard:gcp"]["network"]["zones"] = ["europe-west4-b", "europe-west4-c"]
    with pytest.raises(SettingsError, match="europe-west4-b, europe-west4-c have no a2-ultragpu-1g; zones of europe-w"):
        parse(config, "gcp-dev")


@pytest.mark.parametrize("version", ["1.34", "1.36", "1.35.7-gke.1222000"])
def test_a_version_is_one_of_its_channel_or_a_patch_of_one(version: str) -> None:
    config = changed(stack_file("gcp-prod"), {"cluster.version": version})
    assert parse(config, "gcp-prod").gcp.cluster.version == version


def test_ranges_are_handed_on_as_gke_takes_them() -> None:
    networks = [{"cidr": "10.128.0.5", "name": "bastion"}, {"cidr": "100.64.0.0/255.255.0.0"}]
    config = changed(stack_file("gcp-prod"), {"cluster.authorized_networks": networks})
    taken = parse(config, "gcp-prod").gcp.cluster.authorized_networks
    assert [each.cidr for each in taken] == ["10.128.0.5/32", "100.64.0.0/16"]


def test_a_stack_of_data_alone_needs_no_network_and_no_cluster() -> None:
    config = stack_file("gcp-dev")
    gcp = config["trainyard:gcp"]
    config["trainyard:gcp"] = {key: gcp[key] for key in ("project_number", "storage")}
    settings = parse({**config, "trainyard:part": "data", "trainyard:expires_at": ""}, "data")
    assert settings.gcp.network.zones == ()
    assert settings.gcp.storage.expire_checkpoints_after_days == 7


def test_what_aws_may_have_of_add_ons_it_still_may() -> None:
    addons = {"node_autoscaler": "karpenter", "device_plugin": {"time_slices": 4}}
    config = changed(stack_file("dev"), {"kubernetes.addons": addons})
    assert parse(config).kubernetes.addons.node_autoscaler == "karpenter"


_NAMES = st.sampled_from(
    ["network", "zones", "cidr", "gpu_pools", "training", "machine_type", "accelerator", "accelerator_count", "sharing",
     "cluster", "authorized_networks", "machine", "identity", "github", "maintenance", "days", "local_ssds"]
)  # fmt: skip
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["g2-standard-4", "n1-standard-8", "nvidia-tesla-t4", "europe-west4-a", "1g.5gb"])
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=14,
)


@given(_VALUES)
def test_whatever_is_configured_the_answer_is_settings_or_one_error(gcp: Any) -> None:
    try:
        parse({**stack_file("gcp-dev"), "trainyard:gcp": gcp}, "gcp-dev")
    except SettingsError as error:
        assert "in its settings" in str(error)  # noqa: PT017
