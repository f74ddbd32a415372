"""Prices a stack for the rules, once, with the same model and price book as `yard cost`.

What the preview does not know is kept apart: a rule that finds a total below its limit is undecided where something
unknown could still add to it.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from planning.cost.estimate import PRICERS, PlanCost, price_resources
from planning.cost.inputs import UNKNOWN
from planning.cost.plan import PlannedResource, cloud_of_stack
from planning.cost.price_aws_compute import INSTANCE, INSTANCE_STATE, LAUNCH_TEMPLATE, NODE_GROUP
from planning.cost.price_gcp_compute import INSTANCE as GCE_INSTANCE
from planning.cost.price_gcp_compute import NODE_POOL as GKE_POOL
from planning.cost.price_karpenter import NODE_CLASS, NODE_POOL
from planning.cost.usage import Usage
from planning.prices.book import PriceBook
from planning.prices.model import Cloud
from planning.prices.refreshed import project_book
from planning.quantities import HOURS_PER_MONTH
from policies.cost.google_pools import CLUSTER as GKE_CLUSTER
from policies.resources import Resource, Stack
from policies.values import Undecided, Unknown, get

PRICED_TYPES: Final = (*PRICERS, LAUNCH_TEMPLATE)
"""The types of resource that a total is made of."""


_PROJECT = Path(__file__).resolve().parents[2]
DEFAULT_REGION: Final = "us-east-1"
"""Where nothing tells the region: that of the price lists' own examples."""
_DEFAULT_REGIONS: Mapping[Cloud, str] = {"aws": DEFAULT_REGION, "gcp": "us-central1"}

# What else the pricers look at: what a pool's nodes are made of, and what a gateway is told.
_LOOKED_AT = (
    *PRICERS,
    LAUNCH_TEMPLATE,
    INSTANCE_STATE,
    NODE_CLASS,
    "kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy",
    "kubernetes:storage.k8s.io/v1:StorageClass",
)
_OF_PRICE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    NODE_GROUP: (("instanceTypes",), ("capacityType",), ("scalingConfig", "minSize"), ("scalingConfig", "maxSize")),
    INSTANCE: (("instanceType",), ("instanceMarketOptions",), ("rootBlockDevice",), ("ebsBlockDevices",)),
    LAUNCH_TEMPLATE: (("blockDeviceMappings",), ("monitoring",), ("networkInterfaces",), ("instanceType",)),
    NODE_POOL: (("spec", "template", "spec", "requirements"), ("spec", "limits")),
    GKE_POOL: (
        *(("nodeConfig", name) for name in ("machineType", "spot", "preemptible", "flexStart", "guestAccelerators")),
        *(("nodeConfig", name) for name in ("diskType", "diskSizeGb", "bootDisk", "ephemeralStorageLocalSsdConfig")),
        *(("nodeConfig", name) for name in ("localNvmeSsdBlockConfig", "localSsdCount")),
        ("nodeConfig", "reservationAffinity", "consumeReservationType"),
        *((name,) for name in ("autoscaling", "nodeCount", "initialNodeCount", "nodeLocations", "location")),
    ),
    GKE_CLUSTER: (
        *((name,) for name in ("location", "enableAutopilot", "removeDefaultNodePool", "nodePools")),
        ("clusterAutoscaling", "enabled"),
        ("monitoringConfig", "managedPrometheus", "enabled"),
        ("loggingConfig", "enableComponents"),
        ("releaseChannel", "channel"),
        ("binaryAuthorization", "evaluationMode"),
        ("securityPostureConfig", "mode"),
    ),
    GCE_INSTANCE: (
        *((name,) for name in ("machineType", "guestAccelerators", "scratchDisks", "desiredStatus", "zone")),
        *(("scheduling", name) for name in ("provisioningModel", "preemptible")),
        *(("bootDisk", "initializeParams", name) for name in ("size", "type")),
    ),
}
"""The properties that decide what a machine, or a cluster, costs. Whatever else is unknown of it changes no price."""
_WITHIN = frozenset(
    (
        *("ebs", "volumeSize", "volumeType", "iops", "throughput", "enabled", "associatePublicIpAddress"),
        *("marketType", "key", "operator", "values", "nodes"),
        *("type", "count", "diskType", "sizeGb", "localSsdCount", "interface"),
        *("minNodeCount", "maxNodeCount", "totalMinNodeCount", "totalMaxNodeCount"),
    )
)
_ZONE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)[a-z]")
_SERVICE = re.compile(r"com\.amazonaws\.([a-z0-9-]+)\.")
_OF_GOOGLE = (GKE_POOL, GCE_INSTANCE)
_GCP_PLACE = re.compile(r"([a-z]+-[a-z]+\d+)(?:-[a-z])?")


@dataclass(frozen=True)
class Priced:
    """What a stack costs, and the values of it that this preview does not know."""

    cost: PlanCost
    region: str
    hidden: tuple[str, ...]
    """Paths of unknown values that may make it dearer."""

    @property
    def full_usd_per_month(self) -> float:
        """A month in which every node that may run does."""
        return self.cost.full_usd_per_hour * HOURS_PER_MONTH


_PRICED: WeakKeyDictionary[Stack, Priced] = WeakKeyDictionary()


def priced(stack: Stack) -> Priced:
    """What a stack costs; worked out at the first call only."""
    found = _PRICED.get(stack)
    if found is None:
        found = _PRICED[stack] = _price(stack)
    return found


def is_above(usd: float, limit: float, priced: Priced) -> bool:
    """Whether a total is above a limit. Raises Undecided where it is not, and what is unknown may still add to it."""
    if usd > limit:
        return True
    if priced.hidden:
        raise Undecided(priced.hidden[0])
    return False


@cache
def book() -> PriceBook:
    """The project's price book. Raises PriceBookError."""
    return project_book(_PROJECT)


def service(stack: Stack, name: str, quantity: float = 1.0) -> float:
    """US dollars for so many units of a service of the stack's cloud by its first price; 0 where the book does not
    know it."""
    tiers = book().tiers_of(cloud_of(stack), region_of_stack(stack), name)
    return tiers[0].usd_per_unit * quantity if tiers else 0.0


def cloud_of(stack: Stack) -> Cloud:
    """Whose a stack is, by what it has; AWS where nothing tells."""
    return cloud_of_stack(stack.types, _configuration())


def region_of_stack(stack: Stack) -> str:
    """Region of the stack's cloud: what it is configured with, else what its zones and endpoints tell, else the
    default."""
    cloud = cloud_of(stack)
    configured = _configuration().get(f"{cloud}:region")
    if isinstance(configured, str) and configured:
        return configured
    return next(_told_gcp_regions(stack) if cloud == "gcp" else _told_regions(stack), _DEFAULT_REGIONS[cloud])


def _told_gcp_regions(stack: Stack) -> Iterator[str]:
    for resource in stack.of("gcp:compute/subnetwork:Subnetwork", GKE_CLUSTER, *_OF_GOOGLE):
        for name in ("region", "location", "zone"):
            place = resource.properties.get(name)
            matched = _GCP_PLACE.fullmatch(place) if isinstance(place, str) else None
            if matched:
                yield matched[1]


def _told_regions(stack: Stack) -> Iterator[str]:
    for resource in stack.of("aws:ec2/subnet:Subnet", "aws:ebs/volume:Volume", INSTANCE):
        zone = resource.properties.get("availabilityZone")
        matched = _ZONE.fullmatch(zone) if isinstance(zone, str) else None
        if matched:
            yield matched[1]
    for resource in stack.of("aws:ec2/vpcEndpoint:VpcEndpoint"):
        name = resource.properties.get("serviceName")
        matched = _SERVICE.match(name) if isinstance(name, str) else None
        if matched:
            yield matched[1]


def _configuration() -> Mapping[str, Any]:
    """The stack's configuration, which Pulumi tells a policy pack in its environment."""
    try:
        found = json.loads(os.environ.get("PULUMI_CONFIG") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _price(stack: Stack) -> Priced:
    region = region_of_stack(stack)
    looked_at = stack.of(*_LOOKED_AT)
    resources = [
        PlannedResource(
            urn=each.urn, type=each.type, name=each.name, parent=each.parent, inputs=_plain(dict(each.properties))
        )
        for each in looked_at
    ]
    configuration = _configuration()
    cost = price_resources(
        resources,
        book(),
        Usage.from_config(configuration),
        config={**configuration, f"{cloud_of(stack)}:region": region},
    )
    unknown = {line.urn for line in cost.lines if line.kind == "unknown"}
    hidden = [path for each in looked_at for path in _hidden(each, unpriced=each.urn in unknown)]
    return Priced(cost, region, tuple(dict.fromkeys(hidden)))


def _plain(value: Any) -> Any:
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _hidden(resource: Resource, *, unpriced: bool) -> Iterator[str]:
    """Paths of the unknown values of a resource on which its price depends."""
    deciding = _OF_PRICE.get(resource.type)
    if deciding is not None:
        for path in deciding:
            yield from _unknown_within(get(resource.properties, *path), _WITHIN)
    elif unpriced:
        yield from _unknown_within(resource.properties, None)


def _unknown_within(value: Any, names: frozenset[str] | None) -> Iterator[str]:
    if isinstance(value, Unknown):
        yield value.path
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if names is None or name in names:
                yield from _unknown_within(each, names)
    elif isinstance(value, list):
        for each in value:
            yield from _unknown_within(each, names)
