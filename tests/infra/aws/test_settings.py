"""The settings of the platform on AWS: bad ones are refused together, with the key as the user wrote it.

TRAINYARD_WRITE_GOLDEN=1 writes the refusals anew.
"""

import os
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.setting_values import REGIONS
from infra.settings import SettingsError
from tests.infra.stack_files import changed, parse, stack_file

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1"


def refusal(stack: str, changes: dict[str, Any], **others: Any) -> str:
    """What is said of a stack file with changes in `trainyard:aws`; a changed object replaces the fields it names."""
    config = {**stack_file(stack), **{key.replace("__", ":"): value for key, value in others.items()}}
    changed(config, changes)
    with pytest.raises(SettingsError) as raised:
        parse({key: value for key, value in config.items() if value is not None})
    return str(raised.value) + "\n"


POOL = {"capacity": "on_demand", "instance_types": ["g5.xlarge"]}
BAD: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "together": (
        "prod",
        {
            "network.cidr": "10.0.0.0/24",
            "network.zones": ["eu-west-1a", "us-east-1b"],
            "network.flow_log_retention_days": 31,
            "cluster.public_access_cidrs": ["0.0.0.0/0"],
            "cluster.version": "1.21",
            "cluster.admin_role_arns": ["arn:aws:iam::123456789012:user/alice"],
            "storage.delete_with_objects": True,
            "keys.deletion_window_days": 3,
            "gpu_pools": {
                "plain": {**POOL, "instance_types": ["m7i.large"]},
                "reserved": {**POOL, "capacity": "reserved"},
                "Ephemeral": POOL,
            },
            "machine": {"instance_type": "g9.huge", "zone": "eu-west-1z"},
            "budget": {"monthly_usd": 100, "alert_emails": []},
        },
        {"trainyard__expires_at": "2026-11-30T00:00:00Z"},
    ),
    "nothing_set": (
        "dev",
        {},
        {"trainyard__aws": {}, "aws__region": None, "aws__allowedAccountIds": None, "trainyard__expires_at": None},
    ),
    "pools": (
        "dev",
        {
            "gpu_pools": {
                "coupled": {**POOL, "tightly_coupled": True},
                "elsewhere": {**POOL, "zones": ["eu-west-1c"]},
                "mixed": {**POOL, "instance_types": ["g5.xlarge", "g5.12xlarge"]},
                "twice": {**POOL, "instance_types": ["g5.xlarge", "g5.xlarge"]},
                "unreserved": {**POOL, "capacity_reservation_id": "cr-0123456789abcdef0"},
                "upside-down": {**POOL, "min_nodes": 3, "max_nodes": 2},
                "none": {"capacity": "spot"},
                "late": {**POOL, "capacity": "reserved", "capacity_reservation_id": "cr-1", "zones": ["eu-west-1a"]},
                "block": {
                    **POOL,
                    "capacity": "reserved",
                    "capacity_reservation_id": "cr-0123456789abcdef0",
                    "zones": ["eu-west-1a"],
                },
                "futures": {**POOL, "capacity": "futures"},
            }
        },
        {},
    ),
    "private": (
        "dev",
        {"network.nat": "none", "network.interface_endpoints": ["kms", "s3", "kms"], "network.cidr": "8.8.0.0/16"},
        {},
    ),
    "no_way_out": ("dev", {"network.nat": "none"}, {}),
    "account": ("dev", {"account_id": "210987654321", "region": "eu-west-1"}, {}),
    "offerings": (
        "dev",
        {
            "gpu_pools": {"elsewhere": {**POOL, "instance_types": ["g6e.xlarge", "g5.xlarge"]}, "": POOL},
            "machine": {"instance_type": "g6.xlarge", "root_device": "sda"},
        },
        {},
    ),
    "public": (
        "prod",
        {"cluster.public_access_cidrs": ["0.0.0.0/1", "128.0.0.0/1"], "budget.monthly_usd": 0.5},
        {"trainyard__owner": "aws:me", "trainyard__expires_at": "2027-01-01T00:00:00,5+00:00"},
    ),
    "not_public": ("dev", {"cluster.public_access_cidrs": ["10.0.0.0/8"], "kubernetes.team": "kube-system"}, {}),
    "reserved": (
        "dev",
        {
            "gpu_pools": {
                "bad": {"capacity": "reserved", "instance_types": ["m7i.large"], "scratch": "ram", "min_nodes": -1},
                "twice": {**POOL, "zones": ["eu-west-1a", "eu-west-1a"]},
            }
        },
        {},
    ),
    "small_disk": (
        "dev",
        {"machine": {"instance_type": "m7i.8xlarge", "hibernation": True, "disk_gib": 80}},
        {"aws__region": "eu-wst-1"},
    ),
    "karpenter": (
        "dev",
        {
            "kubernetes.addons": {"node_autoscaler": "karpenter"},
            "network.nat": "none",
            "network.interface_endpoints": [
                "autoscaling",
                "ec2",
                "ecr.api",
                "ecr.dkr",
                "eks",
                "eks-auth",
                "kms",
                "logs",
                "sqs",
                "sts",
            ],
            "gpu_pools": {
                "coupled": {**POOL, "tightly_coupled": True, "zones": ["eu-west-1a"]},
                "always": {**POOL, "min_nodes": 1},
            },
            "cluster.node_image_release": "latest",
        },
        {},
    ),
    "teams": (
        "dev",
        {
            "kubernetes.teams": {"vision": {"gpus": -1}, "kube-system": {}, "Speech": {}},
            "cluster.team_role_arns": {
                "vison": ["arn:aws:iam::123456789012:role/people"],
                "vision": ["people"],
            },
        },
        {},
    ),
    "nobody_deploys": ("dev", {"cluster.admin_role_arns": [], "registry.pull_through": "yes please"}, {}),
    "team_and_admin": (
        "dev",
        {
            "kubernetes.teams": {"vision": {}},
            "cluster.team_role_arns": {"vision": ["arn:aws:iam::123456789012:role/platform-engineers"]},
        },
        {},
    ),
    "data_alone": (
        "dev",
        {"storage.from_stack": "data", "storage.key_arn": "alias/data"},
        {"trainyard__part": "data", "trainyard__training": {"epochs": 0}},
    ),
    "data_with_a_cluster": ("dev", {}, {"trainyard__part": "data", "trainyard__expires_at": None}),
    "data_of_itself": ("dev", {"storage.from_stack": "dev"}, {"trainyard__part": "buckets"}),
    "data_far_away": (
        "dev",
        {
            "storage.from_stack": "data",
            "storage.key_arn": "arn:aws:kms:eu-west-2:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
        },
        {},
    ),
    "data_without_a_stack": (
        "dev",
        {"storage.key_arn": "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"},
        {},
    ),
    "hibernation": ("dev", {"machine": {"instance_type": "g5.xlarge", "hibernation": True, "image": "ubuntu"}}, {}),
}


@pytest.mark.parametrize("case", BAD)
def test_every_problem_is_told_in_one_error(case: str) -> None:
    stack, changes, others = BAD[case]
    golden = GOLDEN / f"settings_{case}.txt"
    said = refusal(stack, changes, **others)
    if WRITE:
        golden.write_text(said)
    assert said == golden.read_text()


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_committed_stack_files_are_right(stack: str) -> None:
    settings = parse(stack_file(stack))
    assert settings.cloud == "aws"
    assert settings.environment == stack
    assert settings.aws.region == "eu-west-1"


def test_what_dev_and_prod_are() -> None:
    dev, prod = parse(stack_file("dev")), parse(stack_file("prod"))
    assert dev.expires_at
    assert dev.aws.network.nat == "single"
    assert {pool.capacity for pool in dev.aws.gpu_pools.values()} == {"spot"}
    assert prod.aws.gpu_pools["serving"].capacity == "on_demand"
    assert prod.aws.gpu_pools["training"].capacity == "spot"
    for settings in (dev, prod):
        assert settings.aws.cluster.public_access_cidrs == ()
        assert not settings.aws.machine.instance_type


def test_everybody_may_be_let_in_where_it_is_not_production() -> None:
    config = stack_file("dev")
    config["trainyard:aws"]["cluster"]["public_access_cidrs"] = ["0.0.0.0/0"]
    assert parse(config).aws.cluster.public_access_cidrs == ("0.0.0.0/0",)


def test_ranges_are_handed_on_as_eks_takes_them() -> None:
    config = stack_file("prod")
    config["trainyard:aws"]["cluster"]["public_access_cidrs"] = ["203.0.113.5", "198.51.100.0/255.255.255.0"]
    assert parse(config).aws.cluster.public_access_cidrs == ("203.0.113.5/32", "198.51.100.0/24")


def test_regions_are_those_that_have_eks() -> None:
    session = botocore.session.get_session()
    partitions = ("aws", "aws-cn", "aws-us-gov")
    known = [region for name in partitions for region in session.get_available_regions("eks", partition_name=name)]
    assert sorted(known) == sorted(REGIONS)


def test_an_expired_stack_says_what_to_do() -> None:
    said = refusal("dev", {}, trainyard__expires_at="2026-12-01T12:00:00Z")
    assert "trainyard:expires_at" in said
    assert "destroy it, or set a later moment" in said


_NAMES = st.sampled_from(
    ["network", "zones", "cidr", "gpu_pools", "training", "instance_types", "cluster", "machine", "identity", "github"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_whatever_is_configured_the_answer_is_settings_or_one_error(aws: Any) -> None:
    try:
        parse({**stack_file("dev"), "trainyard:aws": aws})
    except SettingsError as error:
        assert "in its settings" in str(error)  # noqa: PT017
