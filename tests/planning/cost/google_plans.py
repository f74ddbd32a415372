"""Small plans of Google Cloud, and a book of round prices to price them with: every service costs a dollar."""

import dataclasses
from typing import Any

from planning.cost.estimate import PlanCost, price_plan
from planning.cost.usage import Usage
from planning.prices.book import PriceBook
from planning.prices.model import Capacity
from tests.planning.cost.small_plans import NO_USE, document, make_book, resource

REGION = "europe-west4"
POOL = "gcp:container/nodePool:NodePool"
INSTANCE = "gcp:compute/instance:Instance"
CLUSTER = "gcp:container/cluster:Cluster"
# Of each machine: GPUs, and GB of the disks that it comes with.
_MACHINES = {
    "g2-small": (1, 0.0),
    "a3-large": (8, 6000.0),
    "n1-plain": (0, 0.0),
    "n1-unpriced": (0, 0.0),
    "e2-medium": (0, 0.0),
    "c4-plain": (0, 0.0),
}
_OFFERS: tuple[tuple[str, Capacity, float], ...] = (
    ("g2-small", "on_demand", 2.0),
    ("g2-small", "spot", 1.0),
    ("a3-large", "on_demand", 16.0),
    ("a3-large", "flex_start", 8.0),
    ("n1-plain", "on_demand", 0.5),
    ("n1-plain", "spot", 0.25),
    ("e2-medium", "on_demand", 0.1),
    ("c4-plain", "on_demand", 0.1),
)


def google_book(**prices: float) -> PriceBook:
    """A book in which each service costs what is given, or $1; machines with GPUs and without."""
    book = make_book(**prices)
    type_, price = book.types[0], book.instances[0]
    return PriceBook(
        types=tuple(
            dataclasses.replace(
                type_,
                cloud="gcp",
                name=name,
                gpu="L4" if gpus else "",
                gpu_count=gpus,
                gpu_memory_gib=24.0 if gpus else 0.0,
                nvme_gb=gigabytes,
            )
            for name, (gpus, gigabytes) in _MACHINES.items()
        ),
        instances=tuple(
            dataclasses.replace(
                price, cloud="gcp", region=REGION, instance_type=name, capacity=capacity, usd_per_hour=usd
            )
            for name, capacity, usd in _OFFERS
        ),
        services=tuple(
            dataclasses.replace(each, cloud="gcp", region=REGION) for each in book.services if not each.from_quantity
        ),
        regions=(),
    )


def google_cost(*states: dict[str, Any], usage: Usage = NO_USE, book: PriceBook | None = None) -> PlanCost:
    """What resources of Google Cloud cost."""
    plan = document(*states)
    plan["config"] = {"gcp:region": REGION}
    return price_plan(plan, book or google_book(), usage)


def node_pool(name: str = "pool", *, least: Any = 0, most: Any = 2, node: Any = None, **inputs: Any) -> dict[str, Any]:
    """A pool of nodes with one L4 each, in two zones, with a boot disk of 73 GiB: 0.1 GiB-months an hour."""
    config = {"machineType": "g2-small", "diskType": "pd-balanced", "diskSizeGb": 73}
    default = {
        "location": REGION,
        "nodeLocations": [f"{REGION}-a", f"{REGION}-b"],
        "autoscaling": {"totalMinNodeCount": least, "totalMaxNodeCount": most},
        "nodeConfig": config | node if isinstance(node, dict) else config if node is None else node,
    }
    return resource(POOL, name, parent=f"urn:{name}", **(default | inputs))


def machine(name: str = "box", **inputs: Any) -> dict[str, Any]:
    """A machine with one L4 and a boot disk of 73 GiB."""
    default = {
        "machineType": "g2-small",
        "zone": f"{REGION}-a",
        "bootDisk": {"initializeParams": {"size": 73, "type": "pd-balanced"}},
        "networkInterfaces": [{"subnetwork": "nodes"}],
    }
    return resource(INSTANCE, name, **(default | inputs))
