"""Small preview documents, and a book of round prices to price them with."""

import datetime
from typing import Any

from planning.cost.estimate import PlanCost, price_plan
from planning.cost.inputs import UNKNOWN
from planning.cost.usage import Usage
from planning.prices.book import SERVICES, PriceBook
from planning.prices.model import Capacity, InstancePrice, InstanceType, ServicePrice

DAY = datetime.date(2026, 10, 1)
REGION = "eu-west-1"
NO_USE = Usage(
    gpu_nodes_busy_share=0,
    other_nodes_busy_share=0,
    dataset_gib=0,
    checkpoint_gib=0,
    model_gib=0,
    other_bucket_gib=0,
    object_writes=0,
    object_reads=0,
    tiered_objects=0,
    newly_tiered_objects=0,
    image_gb=0,
    image_scans=0,
    nat_gb=0,
    endpoint_gb=0,
    internet_egress_gb=0,
    cross_zone_gb=0,
    flow_log_gb=0,
    control_plane_log_gb=0,
    other_log_gb=0,
    metric_samples=0,
    key_requests=0,
    queue_requests=0,
    dns_queries=0,
    load_balancer_capacity_units=0,
    load_balancer_gb=0,
)
"""Nothing is used at all: a cost is what is fixed."""


def make_book(**prices: float) -> PriceBook:
    """A book in which each service costs what is given, or $1; two GPU types and one without."""
    services = [_service(name, prices.get(name, 1.0)) for name in SERVICES]
    services.append(_service("object_storage_gib_month", 0.5, starting=1000.0))
    offers: list[tuple[str, Capacity, float]] = [
        ("gpu.small", "on_demand", 2.0),
        ("gpu.small", "spot", 1.0),
        ("gpu.large", "on_demand", 8.0),
        ("gpu.large", "spot", 4.0),
        ("gpu.large", "reserved", 6.0),
        ("cpu.small", "on_demand", 0.5),
    ]
    return PriceBook(
        types=(_type("gpu.small", 1), _type("gpu.large", 8), _type("gpu.unpriced", 1), _type("cpu.small", 0)),
        instances=tuple(_instance(*offer) for offer in offers),
        services=tuple(services),
        regions=(),
    )


def resource(
    type_: str, name: str = "it", /, *, parent: str = "", custom: bool = True, provider: str = "", **inputs: Any
) -> dict[str, Any]:
    """The state of a resource, as a document has it."""
    return {
        "urn": f"urn:pulumi:dev::shop::{type_}::{name}",
        "custom": custom,
        "type": type_,
        "inputs": inputs,
        "parent": parent,
        "provider": provider,
    }


def document(*states: dict[str, Any], op: str = "create", **config: str) -> dict[str, Any]:
    """The document of a preview that does one thing to all of its resources."""
    side = "oldState" if op == "delete" else "newState"
    return {
        "config": {"aws:region": REGION} | {key.replace("__", ":"): value for key, value in config.items()},
        "steps": [{"op": op, "urn": state["urn"], side: state, "detailedDiff": None} for state in states],
    }


def cost_of(*states: dict[str, Any], usage: Usage = NO_USE, book: PriceBook | None = None) -> PlanCost:
    """What resources cost."""
    return price_plan(document(*states), book or make_book(), usage)


def node_group(name: str = "pool", least: Any = 0, most: Any = 2, **inputs: Any) -> dict[str, Any]:
    """A pool of nodes, without a launch template."""
    default = {
        "instanceTypes": ["gpu.small"],
        "scalingConfig": {"minSize": least, "maxSize": most, "desiredSize": least},
        "launchTemplate": {"id": UNKNOWN},
    }
    return resource("aws:eks/nodeGroup:NodeGroup", name, parent=f"urn:{name}", **(default | inputs))


def template(name: str = "pool", gib: Any = 73, **inputs: Any) -> dict[str, Any]:
    """The launch template of a pool of the same name; 73 GiB are 0.1 GiB-months an hour."""
    devices = [{"ebs": {"volumeSize": gib, "volumeType": "gp3", "deleteOnTermination": "true"}}]
    default = {"blockDeviceMappings": devices}
    return resource("aws:ec2/launchTemplate:LaunchTemplate", name, parent=f"urn:{name}", **(default | inputs))


def _service(name: str, usd: float, starting: float = 0.0) -> ServicePrice:
    return ServicePrice(
        cloud="aws",
        region=REGION,
        service=name,
        unit=SERVICES[name],
        from_quantity=starting,
        usd_per_unit=usd,
        basis="assumed",
        source="made up",
        as_of=DAY,
    )


def _instance(name: str, capacity: Capacity, usd: float) -> InstancePrice:
    return InstancePrice(
        cloud="aws",
        region=REGION,
        zone="",
        instance_type=name,
        capacity=capacity,
        usd_per_hour=usd,
        interruption_band="",
        basis="assumed",
        source="made up",
        as_of=DAY,
    )


def _type(name: str, gpus: int) -> InstanceType:
    return InstanceType(
        cloud="aws",
        name=name,
        architecture="x86_64",
        vcpus=4,
        memory_gib=16.0,
        gpu="A10G" if gpus else "",
        gpu_count=gpus,
        gpu_memory_gib=24.0 if gpus else 0.0,
        gpu_interconnect="",
        nvme_gb=None,
        network_gbps=None,
        rdma_interfaces=0,
        network_cards=1,
        capacity_blocks=False,
        hibernation=False,
        source="made up",
        as_of=DAY,
    )
