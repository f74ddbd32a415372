"""Machines on Google Cloud that have no resource of their own, told as the node pools that they would be.

- Pools that are written within a cluster, the default one of a cluster that keeps it, and those that GKE makes by
  itself within the limits of node auto-provisioning.
- Groups of machines, and single machines, that are started from a template or an image.

Not seen are the nodes of an Autopilot cluster, and of pools that GKE makes for a ComputeClass: both follow the pods.

Sources: GKE API, Cluster and ResourceLimit; Compute Engine API, instanceGroupManagers and autoscalers; the provider's
documentation of gcp.container.Cluster and gcp.compute.InstanceFromTemplate.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from planning.cost.price_gcp_compute import NODE_POOL
from policies.resources import Resource, Stack
from policies.values import Unknown, as_list, get, is_text, is_true, known

CLUSTER = "gcp:container/cluster:Cluster"
GROUPS = (
    "gcp:compute/instanceGroupManager:InstanceGroupManager",
    "gcp:compute/regionInstanceGroupManager:RegionInstanceGroupManager",
)
FROM_TEMPLATE = "gcp:compute/instanceFromTemplate:InstanceFromTemplate"
FROM_IMAGE = "gcp:compute/instanceFromMachineImage:InstanceFromMachineImage"
HOLDERS = (CLUSTER, *GROUPS, FROM_TEMPLATE, FROM_IMAGE)
"""What has such machines."""

_TEMPLATES = (
    "gcp:compute/instanceTemplate:InstanceTemplate",
    "gcp:compute/regionInstanceTemplate:RegionInstanceTemplate",
)
_AUTOSCALERS = ("gcp:compute/autoscaler:Autoscaler", "gcp:compute/regionAutoscaler:RegionAutoscaler")
_DEFAULT_POOL = "default-pool"
_GPU = "nvidia-"
"""What the names of GPUs among the resources with a limit begin with. Source: GKE, "Use node auto-provisioning"."""


def node_pools_of(holder: Resource, stack: Stack) -> Iterator[Resource | None]:
    """The machines of a holder as node pools; None for such as nothing in the stack describes.

    Raises Undecided where that is unknown as a whole; notes parts that are with the stack.
    """
    if holder.type == CLUSTER:
        yield from _of_cluster(holder, stack)
    elif holder.type in GROUPS:
        yield from _of_group(holder, stack)
    else:
        yield _machine(holder, stack)


def _of_cluster(cluster: Resource, stack: Stack) -> Iterator[Resource]:
    if is_true(cluster.get("enableAutopilot")):
        return
    place = {"location": cluster.get("location"), "nodeLocations": cluster.get("nodeLocations")}
    for index, pool in enumerate(_pools_within(cluster, stack)):
        with stack.apart():
            name = get(known(pool), "name")
            told = {key: value for key, value in place.items() if get(pool, key) is None}
            yield _told_by(cluster, name if isinstance(name, str) else f"nodePools[{index}]", {**pool, **told})
    with stack.apart():
        if not as_list(cluster.get("nodePools")) and not is_true(cluster.get("removeDefaultNodePool")):
            nodes = {
                "nodeConfig": cluster.get("nodeConfig"),
                "initialNodeCount": cluster.get("initialNodeCount", default=1),
            }
            yield _told_by(cluster, _DEFAULT_POOL, {**place, **nodes})
    with stack.apart():
        if is_true(cluster.get("clusterAutoscaling", "enabled")):
            yield from _provisioned(cluster, stack)


def _pools_within(cluster: Resource, stack: Stack) -> list[Any]:
    """The pools that a cluster tells and that are no resources of their own. Raises Undecided.

    Once it is there, a cluster tells all that it has, by the groups of their machines, and in the next preview still
    those that the program has no longer. A cluster with a default pool has none that are written within it.
    """
    told = as_list(cluster.get("nodePools"))
    written = [each for each in told if not _is_there(each)]
    if len(written) == len(told) or is_true(cluster.get("removeDefaultNodePool")):
        return written
    there = {known(get(each, "name")): each for each in map(known, told) if _is_there(each)}
    if _DEFAULT_POOL in there:
        return [*written, there[_DEFAULT_POOL]]
    apart = {known(each.get("name")) for each in stack.of(NODE_POOL)}
    return [*written, *(pool for name, pool in there.items() if name not in apart)]


def _is_there(pool: Any) -> bool:
    return not isinstance(pool, Unknown) and get(pool, "managedInstanceGroupUrls") is not None


def _provisioned(cluster: Resource, stack: Stack) -> Iterator[Resource]:
    """The GPUs that pools may have which GKE makes by itself, as nodes with one each, of whatever machine."""
    for limit in as_list(cluster.get("clusterAutoscaling", "resourceLimits")):
        with stack.apart():
            kind = str(known(get(limit, "resourceType", default="")))
            if kind.startswith(_GPU):
                nodes = {"machineType": "", "guestAccelerators": [{"type": kind, "count": 1}]}
                properties = {
                    "location": cluster.get("location"),
                    "nodeConfig": nodes,
                    "autoscaling": {"totalMaxNodeCount": get(limit, "maximum")},
                }
                yield _told_by(cluster, "node auto-provisioning", properties)


def _of_group(group: Resource, stack: Stack) -> Iterator[Resource | None]:
    """Each of several versions counts as if it had all machines."""
    for index, _ in enumerate(as_list(group.get("versions"))):
        with stack.apart():
            templates = [each for each in stack.of(*_TEMPLATES) if _is_of_version(group, index, each)]
            if not templates or known(group.get("instanceFlexibilityPolicy")):
                yield None
            for template in templates:
                yield _pool(group, template.properties, _size_of(group, stack))


def _is_of_version(group: Resource, index: int, template: Resource) -> bool:
    return group.refers_to(template, "versions", index, "instanceTemplate")


def _size_of(group: Resource, stack: Stack) -> Mapping[str, Any]:
    for scaler in stack.of(*_AUTOSCALERS):
        if scaler.refers_to(group, "target"):
            policy = scaler.get("autoscalingPolicy")
            return {
                "totalMinNodeCount": get(policy, "minReplicas"),
                "totalMaxNodeCount": get(policy, "maxReplicas"),
            }
    size = group.get("targetSize", default=0)
    return {"totalMinNodeCount": size, "totalMaxNodeCount": size}


def _machine(machine: Resource, stack: Stack) -> Resource | None:
    """A machine that says only in what it differs from a template or an image."""
    one = {"totalMinNodeCount": 1, "totalMaxNodeCount": 1}
    if machine.type == FROM_TEMPLATE:
        for template in stack.of(*_TEMPLATES):
            if machine.refers_to(template, "sourceInstanceTemplate"):
                own = {key: value for key, value in machine.properties.items() if value is not None}
                return _pool(machine, {**template.properties, **own}, one)
    return _pool(machine, machine.properties, one) if is_text(machine.get("machineType")) else None


def _pool(holder: Resource, machine: Mapping[str, Any], size: Mapping[str, Any]) -> Resource:
    """The pool of so many machines as a template, or a machine itself, describes them. Raises Undecided."""
    model = known(get(machine, "scheduling", "provisioningModel", default="STANDARD"))
    node = {
        "machineType": str(known(get(machine, "machineType", default=""))).rpartition("/")[2],
        "guestAccelerators": get(machine, "guestAccelerators"),
        "spot": model == "SPOT" or is_true(get(machine, "scheduling", "preemptible")),
        "flexStart": model == "FLEX_START",
        "reservationAffinity": {"consumeReservationType": get(machine, "reservationAffinity", "type")},
    }
    place = holder.get("zone", default=holder.get("region"))
    return _told_by(holder, holder.name, {"location": place, "nodeConfig": node, "autoscaling": size})


def _told_by(holder: Resource, name: str, properties: Mapping[str, Any]) -> Resource:
    return Resource(type=NODE_POOL, name=name, properties=properties, urn=holder.urn)
