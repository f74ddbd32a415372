"""Prices what runs on AWS: pools of nodes, and single machines."""

from collections.abc import Mapping, Sequence
from typing import Any

from planning.cost import node_parts
from planning.cost.inputs import choice_of, mapping_of, mappings_of, number_of, text_of, texts_of, truth_of
from planning.cost.lines import Context, Line
from planning.cost.node_parts import Part, Pool
from planning.cost.plan import PlannedResource
from planning.cost.price_karpenter import POOL_LABEL
from planning.prices.model import Capacity

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
INSTANCE = "aws:ec2/instance:Instance"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE_STATE = "aws:ec2transitgateway/instanceState:InstanceState"

# Source: EKS API, CreateNodegroup, capacityType.
_CAPACITIES: dict[str, Capacity] = {"ON_DEMAND": "on_demand", "SPOT": "spot", "CAPACITY_BLOCK": "reserved"}


def price_node_group(context: Context) -> list[Line]:
    """Its fewest nodes all month, and those above them for a share of it."""
    pool = _pool_of_node_group(context)
    fewest, most = number_of(_scaling(context).get("minSize")), pool.most
    if fewest is None or most is None:
        return [context.unknown("nodes", "how many nodes there are is not in the plan")]
    if not most:
        return [context.free("has no nodes", "Amazon EKS pricing page: node groups cost what their instances cost")]
    share, assumption = context.usage.busy_share(pool.name, has_gpu=pool.has_gpu)
    lines = node_parts.spread(context, pool.parts, fewest, most, share, context.assumed(assumption))
    return [*lines, *pool.unknown]


def price_instance(context: Context) -> list[Line]:
    """The machine, or what it costs while it is stopped."""
    pool = _pool_of_instance(context)
    state = context.sibling(INSTANCE_STATE)
    stopped = state is not None and text_of(state.inputs.get("state")) == "stopped"
    staying = [part for part in pool.parts if part.stays or not stopped]
    resting = [part for part in pool.parts if not part.stays and stopped]
    there = node_parts.spread(context, staying, 1, 1, 0.0, "")
    return [*there, *node_parts.spread(context, resting, 0, 1, 0.0, "it is stopped"), *pool.unknown]


def _pool_of_node_group(context: Context) -> Pool:
    inputs = context.resource.inputs
    template = context.sibling(LAUNCH_TEMPLATE) if inputs.get("launchTemplate") is not None else None
    capacity = _CAPACITIES.get(choice_of(inputs.get("capacityType"), "ON_DEMAND") or "")
    types = texts_of(inputs.get("instanceTypes")) or _type_of_template(template)
    unknown: list[Line] = []
    part = None
    if capacity is None:
        unknown.append(context.unknown("nodes", "capacity of its kind has no price, or is not in the plan"))
    else:
        part, unknown = node_parts.instance_part(context, types, capacity)
    added: list[Part] = []
    if template is not None:
        added, missing = node_parts.template_parts(context, template.inputs)
        unknown += missing
    else:
        unknown.append(context.unknown("volumes of its nodes", "its launch template is not told by the plan"))
    label = text_of(mapping_of(inputs.get("labels")).get(POOL_LABEL))
    return Pool(
        name=label or context.resource.name,
        has_gpu=_has_gpu(context, types) or "NVIDIA" in (text_of(inputs.get("amiType")) or ""),
        parts=(*([part] if part else []), *added),
        unknown=tuple(unknown),
        priced=part is not None,
        most=number_of(_scaling(context).get("maxSize")),
    )


def _pool_of_instance(context: Context) -> Pool:
    inputs = context.resource.inputs
    template = context.sibling(LAUNCH_TEMPLATE) if inputs.get("launchTemplate") is not None else None
    market = text_of(mapping_of(inputs.get("instanceMarketOptions")).get("marketType"))
    own = text_of(inputs.get("instanceType"))
    types = [own] if own else _type_of_template(template)
    part, unknown = node_parts.instance_part(context, types, "spot" if market == "spot" else "on_demand")
    added: list[Part] = []
    groups = [node_parts.volume_parts(context, _devices_of(context.resource))]
    if template is not None:
        groups.append(node_parts.template_parts(context, template.inputs))
    elif not _devices_of(context.resource):
        unknown.append(context.unknown("root volume", "its size is left to the machine image"))
    monitored = mapping_of(template.inputs.get("monitoring")).get("enabled") if template is not None else None
    if not truth_of(monitored):
        groups.append(node_parts.monitoring_parts(context, inputs.get("monitoring")))
    groups.append(node_parts.address_parts(context, inputs.get("associatePublicIpAddress")))
    for parts, missing in groups:
        added += parts
        unknown += missing
    return Pool(
        name=context.resource.name,
        has_gpu=_has_gpu(context, types),
        parts=(*([part] if part else []), *added),
        unknown=tuple(unknown),
        priced=part is not None,
        most=1.0,
    )


def _devices_of(resource: PlannedResource) -> list[dict[str, object]]:
    root = resource.inputs.get("rootBlockDevice")
    devices = [*([root] if isinstance(root, dict) else []), *mappings_of(resource.inputs.get("ebsBlockDevices"))]
    return [dict(each) for each in devices]


def _type_of_template(template: PlannedResource | None) -> list[str]:
    found = text_of(template.inputs.get("instanceType")) if template else None
    return [found] if found else []


def _has_gpu(context: Context, types: Sequence[str]) -> bool:
    known = [context.book.type_of("aws", each) for each in types]
    return any(each is not None and each.gpu_count for each in known)


def _scaling(context: Context) -> Mapping[str, Any]:
    return mapping_of(context.resource.inputs.get("scalingConfig"))


POOLS = {NODE_GROUP: _pool_of_node_group}
"""What a resource of each type comes to as a pool that jobs run on."""
MACHINES = {INSTANCE: _pool_of_instance}
"""The same of single machines."""
PRICERS = {NODE_GROUP: price_node_group, INSTANCE: price_instance}
