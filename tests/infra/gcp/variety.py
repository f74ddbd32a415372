"""Stacks of Google Cloud with every feature switched on somewhere: the committed ones, and changes to them."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from infra.platform import create_data
from tests.infra.recorder import Registered, provision, record
from tests.infra.sdk_schema import Reading, read
from tests.infra.stack_files import parse, stack_file

KEY = "projects/ml-platform-example/locations/europe-west4/keyRings/keys-1a2b3c4/cryptoKeys/data-1a2b3c4"
COMMITTED = ("gcp-dev", "gcp-prod")

CHANGES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "private": (
        "gcp-dev",
        {
            "network.nat": "none",
            "network.private_service_connect": True,
            "registry.pull_through": True,
            "cluster.dns_endpoint": False,
            "cluster.authorized_networks": [{"cidr": "10.128.0.0/16", "name": "office"}],
        },
    ),
    "regional": (
        "gcp-dev",
        {
            "cluster.location": "regional",
            "cluster.release_channel": "EXTENDED",
            "gpu_pools.close": {
                "machine_type": "g2-standard-48",
                "zones": ["europe-west4-a"],
                "tightly_coupled": True,
                "max_nodes": 2,
            },
        },
    ),
    "zonal": ("gcp-prod", {"cluster.location": "zonal", "cluster.release_channel": "RAPID"}),
    "reserved": (
        "gcp-dev",
        {
            "gpu_pools.mega": {
                "capacity": "reserved",
                "machine_type": "a3-megagpu-8g",
                "reservation": "research",
                "zones": ["europe-west4-b"],
                "tightly_coupled": True,
                "gpudirect": "tcpxo",
                "max_nodes": 2,
                "scratch": "local_ssd",
            }
        },
    ),
    "flex start": (
        "gcp-dev",
        {
            "gpu_pools.high": {
                "capacity": "flex_start",
                "machine_type": "a3-highgpu-8g",
                "zones": ["europe-west4-b"],
                "tightly_coupled": True,
                "gpudirect": "tcpx",
                "most_hours": 24,
                "driver": "latest",
            }
        },
    ),
    "rdma": (
        "gcp-prod",
        {
            "gpu_pools.ultra": {
                "capacity": "reserved",
                "machine_type": "a3-ultragpu-8g",
                "reservation": "ultra",
                "zones": ["europe-west4-a"],
                "tightly_coupled": True,
                "gpudirect": "rdma",
                "disk_type": "hyperdisk-balanced",
            }
        },
    ),
    "shared": (
        "gcp-dev",
        {
            "gpu_pools.parts": {
                "machine_type": "a2-highgpu-1g",
                "zones": ["europe-west4-a"],
                "sharing": {"partition": "1g.5gb", "strategy": "time_sharing", "pods": 2},
            },
            "gpu_pools.turns": {"machine_type": "g2-standard-8", "sharing": {"strategy": "time_sharing", "pods": 4}},
            "gpu_pools.together": {"machine_type": "g2-standard-8", "sharing": {"strategy": "mps", "pods": 8}},
        },
    ),
    "attached": (
        "gcp-dev",
        {
            "gpu_pools.small": {
                "machine_type": "n1-standard-8",
                "accelerator": "nvidia-tesla-t4",
                "accelerator_count": 1,
                "local_ssds": 1,
                "scratch": "local_ssd",
                "image_streaming": False,
                "disk_type": "pd-ssd",
                "capacity": "on_demand",
            }
        },
    ),
    "machine": ("gcp-dev", {"machine.machine_type": "g2-standard-8", "machine.capacity": "spot"}),
    "attached machine": (
        "gcp-prod",
        {
            "machine.machine_type": "n1-standard-8",
            "machine.accelerator": "nvidia-tesla-t4",
            "machine.accelerator_count": 1,
            "machine.state": "stopped",
        },
    ),
    "people": (
        "gcp-dev",
        {
            "kubernetes.teams": {"vision": {}},
            "cluster.team_members": {"vision": ["user:researcher@example.com"]},
            "identity.github": {"repository": "example/trainyard", "state_bucket": "pulumi-state-of-example"},
        },
    ),
    "others": (
        "gcp-prod",
        {"keys.hardware": True, "registry.scanning": False, "registry.pull_through": True},
    ),
    "data elsewhere": ("gcp-dev", {"storage": {"from_stack": "data", "key_id": KEY}, "enable_services": False}),
}
"""By name: the stack that is changed, and how."""

CASES = (*COMMITTED, *CHANGES, "data")


@cache
def registered(case: str) -> tuple[Registered, ...]:
    """What one of `CASES` registers of Google Cloud."""
    if case in COMMITTED:
        everything = provision(case)
    elif case == "data":
        everything = record(_data, stack="data")
    else:
        everything = provision(*CHANGES[case])
    return tuple(each for each in everything.registered if each.type.startswith("gcp:"))


def readings() -> Iterator[tuple[str, Registered, Reading]]:
    """Every resource of every case, held against the SDK's schema."""
    for case in CASES:
        for each in registered(case):
            yield case, each, read(each.type, each.inputs)


def _data() -> None:
    config = stack_file("gcp-prod")
    kept = {name: value for name, value in config["trainyard:gcp"].items() if name in ("project_number", "storage")}
    config = {name: value for name, value in config.items() if name not in ("trainyard:training", "trainyard:serving")}
    create_data(parse({**config, "trainyard:part": "data", "trainyard:gcp": kept}, "data"))
