"""Prices pools of nodes that Karpenter starts: none is there by itself, and as many may run as the pool's limit says.

On demand Karpenter takes the cheapest of a pool's types, on spot the cheapest with capacity to spare.
Sources: Karpenter, "NodePools" and "NodeClasses"; its FAQ on how it chooses an instance type.
"""

from collections.abc import Mapping
from typing import Any

from planning.cost import node_parts
from planning.cost.inputs import mapping_of, mappings_of, text_of, texts_of
from planning.cost.kubernetes_quantity import quantity_of
from planning.cost.lines import Context, Line
from planning.cost.node_parts import Pool
from planning.prices.model import Capacity
from planning.quantities import BYTES_PER_GIB

NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"
NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
POOL_LABEL = "trainyard.dev/pool"
_TYPE_KEY = "node.kubernetes.io/instance-type"
_CAPACITY_KEY = "karpenter.sh/capacity-type"
# In the order in which Karpenter prefers them.
_CAPACITIES: dict[str, Capacity] = {"reserved": "reserved", "spot": "spot", "on-demand": "on_demand"}


def price_node_pool(context: Context) -> list[Line]:
    """Its nodes for a share of the month."""
    pool = pool_of_karpenter(context)
    if pool.most is None:
        return [
            context.unknown("nodes", "how many nodes there may be is not limited, or not in the plan"),
            *pool.unknown,
        ]
    if not pool.most:
        return [context.free("has no nodes", "Karpenter documentation, NodePools")]
    share, assumption = context.usage.busy_share(pool.name, has_gpu=pool.has_gpu)
    lines = node_parts.spread(context, pool.parts, 0, pool.most, share, context.assumed(assumption))
    return [*lines, *pool.unknown]


def pool_of_karpenter(context: Context) -> Pool:
    """What a node pool's manifest comes to."""
    spec = mapping_of(context.resource.inputs.get("spec"))
    template = mapping_of(spec.get("template"))
    node = mapping_of(template.get("spec"))
    wanted = {
        text_of(each.get("key")): texts_of(each.get("values")) or []
        for each in mappings_of(node.get("requirements"))
        if each.get("operator") == "In"
    }
    capacity = next(
        (meant for name, meant in _CAPACITIES.items() if name in wanted.get(_CAPACITY_KEY, ["on-demand"])), None
    )
    types = wanted.get(_TYPE_KEY, [])
    part, unknown = None, [context.unknown("nodes", "capacity of its kind has no price, or is not in the plan")]
    if capacity is not None:
        part, unknown = node_parts.instance_part(context, _cheapest_first(context, types, capacity), capacity)
    parts, missing = _parts_of_class(context, text_of(mapping_of(node.get("nodeClassRef")).get("name")))
    label = text_of(mapping_of(mapping_of(template.get("metadata")).get("labels")).get(POOL_LABEL))
    known = [context.book.type_of("aws", each) for each in types]
    return Pool(
        name=label or text_of(mapping_of(context.resource.inputs.get("metadata")).get("name")) or context.resource.name,
        has_gpu=any(each is not None and each.gpu_count for each in known),
        parts=(*([part] if part else []), *parts),
        unknown=(*unknown, *missing),
        priced=part is not None,
        most=quantity_of(mapping_of(spec.get("limits")).get("nodes")),
    )


def _cheapest_first(context: Context, types: list[str], capacity: Capacity) -> list[str]:
    prices = {each: context.book.price_of("aws", context.region, each, capacity) for each in types}
    return sorted(types, key=lambda each: price.usd_per_hour if (price := prices[each]) else float("inf"))


def _parts_of_class(context: Context, name: str | None) -> tuple[list[node_parts.Part], list[Line]]:
    """What the node class adds to each node: volumes, monitoring, public addresses."""
    for each in context.resources:
        if each.type == NODE_CLASS and text_of(mapping_of(each.inputs.get("metadata")).get("name")) == name:
            return node_parts.template_parts(context, _as_template(mapping_of(each.inputs.get("spec"))))
    return [], [context.unknown("volumes of its nodes", "its node class is not in the plan")]


def _as_template(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A node class in the words of a launch template."""
    devices = []
    for each in mappings_of(spec.get("blockDeviceMappings")):
        volume = dict(mapping_of(each.get("ebs")))
        size = quantity_of(volume.get("volumeSize"))
        devices.append({"ebs": volume | {"volumeSize": None if size is None else size / BYTES_PER_GIB}})
    return {
        "blockDeviceMappings": devices,
        "monitoring": {"enabled": spec.get("detailedMonitoring")},
        "networkInterfaces": [{"associatePublicIpAddress": spec.get("associatePublicIPAddress")}],
    }


POOLS = {NODE_POOL: pool_of_karpenter}
PRICERS = {NODE_POOL: price_node_pool}
