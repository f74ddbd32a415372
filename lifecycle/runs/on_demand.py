"""A plan with its spot capacity bought on demand, to compare what a run has cost with. Pure.

The comparison takes the very same machines, with prices from the same book. What a run on demand would have saved by
being interrupted less is not in it.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from planning.cost import price_gcp_compute
from planning.cost.inputs import mapping_of, mappings_of
from planning.cost.plan import Plan, PlannedResource
from planning.cost.price_aws_compute import INSTANCE, NODE_GROUP
from planning.cost.price_karpenter import NODE_POOL

_CAPACITY_KEY = "karpenter.sh/capacity-type"


def on_demand_plan(plan: Plan) -> Plan:
    """The plan with what it buys as spot capacity bought on demand."""
    return dataclasses.replace(plan, after=tuple(map(_on_demand, plan.after)))


def _on_demand(resource: PlannedResource) -> PlannedResource:
    changed = _CHANGES.get(resource.type, dict)(resource.inputs)
    return dataclasses.replace(resource, inputs=changed)


def _node_group(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {**inputs, **({"capacityType": "ON_DEMAND"} if inputs.get("capacityType") == "SPOT" else {})}


def _instance(inputs: Mapping[str, Any]) -> dict[str, Any]:
    spot = mapping_of(inputs.get("instanceMarketOptions")).get("marketType") == "spot"
    return {name: value for name, value in inputs.items() if not (spot and name == "instanceMarketOptions")}


def _node_pool(inputs: Mapping[str, Any]) -> dict[str, Any]:
    spec = mapping_of(inputs.get("spec"))
    template = mapping_of(spec.get("template"))
    node = mapping_of(template.get("spec"))
    wanted = [
        {**each, "values": ["on-demand"]}
        if each.get("key") == _CAPACITY_KEY and "spot" in (each.get("values") or [])
        else each
        for each in mappings_of(node.get("requirements"))
    ]
    return {**inputs, "spec": {**spec, "template": {**template, "spec": {**node, "requirements": wanted}}}}


def _gke_pool(inputs: Mapping[str, Any]) -> dict[str, Any]:
    node = mapping_of(inputs.get("nodeConfig"))
    # Machines of flex-start have their own price, too, and may be waited for; they are no spot capacity.
    kept = {name: value for name, value in node.items() if name not in ("spot", "preemptible")}
    return {**inputs, **({"nodeConfig": kept} if node else {})}


def _google_instance(inputs: Mapping[str, Any]) -> dict[str, Any]:
    scheduling = mapping_of(inputs.get("scheduling"))
    kept = {name: value for name, value in scheduling.items() if name not in ("provisioningModel", "preemptible")}
    return {**inputs, **({"scheduling": kept} if scheduling else {})}


_CHANGES = {
    NODE_GROUP: _node_group,
    INSTANCE: _instance,
    NODE_POOL: _node_pool,
    price_gcp_compute.NODE_POOL: _gke_pool,
    price_gcp_compute.INSTANCE: _google_instance,
}
