"""Prices what runs on Google Cloud: pools of GKE nodes, single machines, and disks by themselves.

A node or machine is its machine type, the GPUs that are attached to it (of n1 only: others have theirs in their price),
its boot disk, and local SSDs, where its type does not come with them. How it is bought decides the price: a reservation
is paid on demand, used or not; flex-start has prices of its own where Google gives a discount for it.

Sources: Google Cloud, "VM instance pricing", "Disk and image pricing", "About Flex-start VMs", "Reservations billing".
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from planning.cost import node_parts
from planning.cost.inputs import choice_of, is_hidden, mapping_of, mappings_of, number_of, text_of, truth_of
from planning.cost.lines import Context, Line, no_price
from planning.cost.node_parts import Part, Pool
from planning.cost.price_karpenter import POOL_LABEL
from planning.prices.model import Capacity

NODE_POOL = "gcp:container/nodePool:NodePool"
INSTANCE = "gcp:compute/instance:Instance"
_DISKS = ("gcp:compute/disk:Disk", "gcp:compute/regionDisk:RegionDisk")

DISK_SERVICES: Mapping[str, str] = {
    "pd-balanced": "block_storage_gib_month",
    "pd-ssd": "block_storage_ssd_gib_month",
    "pd-standard": "block_storage_standard_gib_month",
    "hyperdisk-balanced": "block_storage_hyperdisk_gib_month",
}
"""What a GiB of a disk of each kind is in the price book."""
INCLUDED_IOPS = 3000.0
INCLUDED_MIBPS = 140.0
"""What every hyperdisk-balanced has without extra charge. Source: Compute Engine, "About Hyperdisk Balanced"."""
LOCAL_SSD_GIB = 375.0
"""Size of one local SSD of the kind that is chosen. Source: Compute Engine, "About Local SSD disks"."""
DEFAULT_NODE_DISK = ("pd-balanced", 100.0)
"""A node's boot disk, in GiB, where nothing is said. Source: GKE, "Configuring a custom boot disk"."""
ZONES_OF_A_REGION = 3.0
"""Zones in which GKE puts the nodes of a regional cluster, unless told. Source: GKE, "Regional clusters"."""

_ACCELERATORS = {"nvidia-tesla-p100": "p100", "nvidia-tesla-p4": "p4", "nvidia-tesla-t4": "t4"}
_ACCELERATORS |= {"nvidia-tesla-v100": "v100"}
# Families whose local SSDs are the plain ones that have a price here; newer ones have others.
_PLAIN_SSD = frozenset({"a2", "c2d", "g2", "n1", "n2", "n2d"})
# Families for which flex-start costs as much as on demand. Source: Compute Engine, "About Flex-start VMs": A4, A3, A2
# and H4D are discounted.
_NO_FLEX_DISCOUNT = frozenset({"g2"})
# Local SSDs that are joined for pods' files, and those that are left as they are.
_SSD_BLOCKS = ("ephemeralStorageLocalSsdConfig", "localNvmeSsdBlockConfig")
_ZONE = re.compile(r"[a-z]+-[a-z]+\d+-[a-z]")


def price_node_pool(context: Context) -> list[Line]:
    """Its fewest nodes all month, and those above them for a share of it."""
    pool = pool_of_nodes(context)
    fewest, most = nodes_of(context.resource.inputs)
    if fewest is None or most is None:
        return [context.unknown("nodes", "how many nodes there are is not in the plan"), *pool.unknown]
    if not most:
        return [context.free("has no nodes", "GKE pricing page: node pools cost what their machines cost")]
    share, assumption = context.usage.busy_share(pool.name, has_gpu=pool.has_gpu)
    lines = node_parts.spread(context, pool.parts, fewest, most, share, context.assumed(assumption))
    return [*lines, *pool.unknown]


def price_instance(context: Context) -> list[Line]:
    """The machine, or what it costs while it is stopped: its disks stay."""
    pool = _pool_of_instance(context)
    stopped = text_of(context.resource.inputs.get("desiredStatus")) == "TERMINATED"
    staying = [part for part in pool.parts if part.stays or not stopped]
    resting = [part for part in pool.parts if not part.stays and stopped]
    there = node_parts.spread(context, staying, 1, 1, 0.0, "")
    return [*there, *node_parts.spread(context, resting, 0, 1, 0.0, "it is stopped"), *pool.unknown]


def price_disk(context: Context) -> list[Line]:
    """A disk by itself, used or not; one of two zones costs twice."""
    inputs = context.resource.inputs
    kind = choice_of(inputs.get("type"), "pd-standard")
    performance = {"iops": inputs.get("provisionedIops"), "mibps": inputs.get("provisionedThroughput")}
    copies = 2.0 if context.resource.type == _DISKS[1] else 1.0
    parts, unknown = disk_parts(context, kind and kind.rpartition("/")[2], inputs.get("size"), performance, copies)
    return [*node_parts.spread(context, parts, 1, 1, 0.0, ""), *unknown]


def nodes_of(inputs: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The fewest and the most nodes that a node pool may have, over all of its zones; None: not in the plan.

    Source: GKE API, NodePoolAutoscaling: minNodeCount and maxNodeCount are for each zone, the total ones for all.
    """
    scaling = inputs.get("autoscaling")
    if is_hidden(scaling):
        return None, None
    zones = _zones_of(inputs)
    if not isinstance(scaling, Mapping):
        count = number_of(inputs.get("nodeCount", inputs.get("initialNodeCount", 0)))
        nodes = None if count is None or zones is None else count * zones
        return nodes, nodes
    return _count(scaling, "min", zones), _count(scaling, "max", zones)


def pool_of_nodes(context: Context) -> Pool:
    """What a node pool's inputs come to."""
    inputs = context.resource.inputs
    if is_hidden(inputs.get("nodeConfig")):
        unknown = context.unknown("nodes", "what they are is not in the plan")
        name, most = context.resource.name, nodes_of(inputs)[1]
        return Pool(name=name, has_gpu=False, parts=(), unknown=(unknown,), priced=False, most=most)
    node = mapping_of(inputs.get("nodeConfig"))
    capacity = _capacity_of_nodes(node)
    machine = choice_of(node.get("machineType"), "e2-medium")
    groups = [_machine_parts(context, machine, capacity, node.get("guestAccelerators"))]
    boot = mapping_of(node.get("bootDisk"))
    kind, gib = DEFAULT_NODE_DISK
    performance = {"iops": boot.get("provisionedIops"), "mibps": boot.get("provisionedThroughput")}
    groups.append(
        disk_parts(
            context,
            choice_of(boot.get("diskType", node.get("diskType")), kind),
            boot.get("sizeGb", node.get("diskSizeGb", gib)),
            performance,
        )
    )
    counts = [node.get("localSsdCount"), *(mapping_of(node.get(name)).get("localSsdCount") for name in _SSD_BLOCKS)]
    groups.append(_local_ssd_parts(context, machine, capacity, counts))
    if truth_of(mapping_of(inputs.get("networkConfig")).get("enablePrivateNodes")) is False:
        groups.append(node_parts.address_parts(context, True))
    label = text_of(mapping_of(node.get("labels")).get(POOL_LABEL))
    return _pool(context, label or context.resource.name, machine, node.get("guestAccelerators"), groups, inputs)


def _pool_of_instance(context: Context) -> Pool:
    inputs = context.resource.inputs
    capacity = _capacity_of_machine(inputs.get("scheduling"), inputs.get("reservationAffinity"))
    machine = text_of(inputs.get("machineType"))
    machine = machine and machine.rpartition("/")[2]
    groups = [_machine_parts(context, machine, capacity, inputs.get("guestAccelerators"))]
    boot = mapping_of(mapping_of(inputs.get("bootDisk")).get("initializeParams"))
    if boot:
        performance = {"iops": boot.get("provisionedIops"), "mibps": boot.get("provisionedThroughput")}
        kind = choice_of(boot.get("type"), "pd-standard")
        groups.append(disk_parts(context, kind and kind.rpartition("/")[2], boot.get("size"), performance))
    else:
        # A disk of its own is a resource of its own, or is somebody else's.
        source = mapping_of(inputs.get("bootDisk")).get("source")
        unknown = [] if source is not None else [context.unknown("boot disk", "its size is not in the plan")]
        groups.append(([], unknown))
    disks = inputs.get("scratchDisks")
    counts = [disks if is_hidden(disks) else len(list(mappings_of(disks)))]
    groups.append(_local_ssd_parts(context, machine, capacity, counts))
    interfaces = inputs.get("networkInterfaces")
    public = any(each.get("accessConfigs") for each in mappings_of(interfaces))
    groups.append(node_parts.address_parts(context, interfaces if is_hidden(interfaces) else public))
    return _pool(context, context.resource.name, machine, inputs.get("guestAccelerators"), groups, None)


def disk_parts(
    context: Context, kind: str | None, gib: Any, performance: Mapping[str, Any], copies: float = 1.0
) -> tuple[list[Part], list[Line]]:
    """A disk by its size, and by the performance that is asked for beyond what it has anyway."""
    size = number_of(gib)
    if size is None or kind is None or kind not in DISK_SERVICES:
        why = "its size is not in the plan" if size is None else f"disks of type {kind or 'unknown'} have no price"
        return [], [context.unknown("disk", why)]
    wanted = [(f"{kind} disk, {size:g} GiB", DISK_SERVICES[kind], size)]
    for name, label, service, included in (
        ("iops", "IOPS above 3,000", "block_storage_iops_month", INCLUDED_IOPS),
        ("mibps", "MiB/s above 140", "block_storage_mibps_month", INCLUDED_MIBPS),
    ):
        above = (number_of(performance.get(name)) or 0.0) - included
        if kind == "hyperdisk-balanced" and above > 0:
            wanted.append((f"{kind} disk, {above:g} {label}", service, above))
    parts: list[Part] = []
    unknown: list[Line] = []
    for what, service, quantity in wanted:
        part = node_parts.monthly_part(context, what, service, quantity * copies, stays=True)
        if part is None:
            unknown.append(context.unknown(what, no_price(service, context.cloud, context.region)))
        else:
            parts.append(part)
    return parts, unknown


def _machine_parts(
    context: Context, machine: str | None, capacity: Capacity | None, accelerators: Any
) -> tuple[list[Part], list[Line]]:
    """The machine itself, first, and the GPUs that are attached to it."""
    if capacity is None:
        return [], [context.unknown("nodes", "capacity of its kind has no price, or is not in the plan")]
    bought, note = bought_as(machine or "", capacity)
    part, unknown = node_parts.instance_part(context, [machine] if machine else [], bought, capacity, note)
    parts = [part] if part is not None else []
    if is_hidden(accelerators):
        return parts, [*unknown, context.unknown("attached GPUs", "which they are is not in the plan")]
    facts = context.book.type_of("gcp", machine or "")
    for each in mappings_of(accelerators):
        count, kind = number_of(each.get("count")), text_of(each.get("type"))
        if facts is not None and facts.gpu_count:
            continue
        what = f"{'' if count is None else f'{count:g} x '}{kind or 'GPU'}, {capacity.replace('_', ' ')}"
        attached = _accelerator_part(context, what, kind or "", count, bought)
        parts += [attached] if attached else []
        unknown += [] if attached else [context.unknown(what, no_price(what, "gcp", context.region))]
    return parts, unknown


def bought_as(machine: str, capacity: Capacity) -> tuple[Capacity, str]:
    """At which of the book's prices a machine is paid, and what is to be known of it."""
    if capacity == "reserved":
        return "on_demand", "a reservation is paid at this price from the day on which it is made, used or not"
    if capacity == "flex_start" and machine.partition("-")[0] in _NO_FLEX_DISCOUNT:
        return "on_demand", "flex-start has no discount for machines of this family"
    return capacity, "ends after seven days at the latest" if capacity == "flex_start" else ""


def accelerator_service(kind: str, capacity: Capacity) -> str | None:
    """What an hour of a GPU that is attached to a machine of n1 is in the price book; None where it has no price.

    :param capacity: At which of the book's prices the machine is paid.
    """
    model = _ACCELERATORS.get(kind.rpartition("/")[2])
    if model is None or capacity not in ("on_demand", "spot"):
        return None
    return f"accelerator_{model}_spot_hour" if capacity == "spot" else f"accelerator_{model}_hour"


def _accelerator_part(context: Context, what: str, kind: str, count: float | None, capacity: Capacity) -> Part | None:
    service = accelerator_service(kind, capacity)
    tiers = context.book.tiers_of("gcp", context.region, service) if service else ()
    return node_parts.part_of(what, tiers[0].unit, count, tiers[0].usd_per_unit, tiers[0]) if tiers and count else None


def _local_ssd_parts(
    context: Context, machine: str | None, capacity: Capacity | None, counts: Sequence[Any]
) -> tuple[list[Part], list[Line]]:
    """Local SSDs that were chosen; those that a type comes with are in its price."""
    facts = context.book.type_of("gcp", machine or "")
    if facts is not None and facts.nvme_gb:
        return [], []
    if any(is_hidden(each) for each in counts):
        return [], [context.unknown("local SSDs", "how many there are is not in the plan")]
    count = sum(number_of(each) or 0.0 for each in counts)
    if not count:
        return [], []
    what = f"{count:g} local SSD{'' if count == 1 else 's'}, {LOCAL_SSD_GIB:g} GiB each"
    if (machine or "").partition("-")[0] not in _PLAIN_SSD:
        return [], [context.unknown(what, "local SSDs of this family of machines have no price")]
    # Nobody has been seen to bill those of flex-start by a SKU of its own.
    service = "local_ssd_spot_gib_month" if capacity == "spot" else "local_ssd_gib_month"
    part = node_parts.monthly_part(context, what, service, count * LOCAL_SSD_GIB)
    if part is None:
        return [], [context.unknown(what, no_price(service, "gcp", context.region))]
    return [part], []


def _pool(
    context: Context,
    name: str,
    machine: str | None,
    accelerators: Any,
    groups: list[tuple[list[Part], list[Line]]],
    inputs: Mapping[str, Any] | None,
) -> Pool:
    """The parts together. Without the inputs of a node pool, it is one machine."""
    facts = context.book.type_of("gcp", machine or "")
    parts = [part for group, _ in groups for part in group]
    return Pool(
        name=name,
        has_gpu=bool(facts is not None and facts.gpu_count) or any(True for _ in mappings_of(accelerators)),
        parts=tuple(parts),
        unknown=tuple(line for _, missing in groups for line in missing),
        priced=bool(groups[0][0]) and not groups[0][1],
        most=1.0 if inputs is None else nodes_of(inputs)[1],
    )


def _capacity_of_nodes(node: Mapping[str, Any]) -> Capacity | None:
    if is_hidden(node.get("spot")) or is_hidden(node.get("flexStart")):
        return None
    if truth_of(node.get("spot")) or truth_of(node.get("preemptible")):
        return "spot"
    if truth_of(node.get("flexStart")):
        return "flex_start"
    return _reserved_or_not(node.get("reservationAffinity"), "consumeReservationType")


def _capacity_of_machine(given: Any, affinity: Any) -> Capacity | None:
    """Source: Compute Engine API, instances, scheduling.provisioningModel."""
    if is_hidden(given):
        return None
    scheduling = mapping_of(given)
    model = choice_of(scheduling.get("provisioningModel"), "STANDARD")
    if model == "SPOT" or truth_of(scheduling.get("preemptible")):
        return "spot"
    if model == "FLEX_START":
        return "flex_start"
    return None if model is None else _reserved_or_not(affinity, "type")


def _reserved_or_not(affinity: Any, name: str) -> Capacity | None:
    kind = choice_of(mapping_of(affinity).get(name), "NO_RESERVATION")
    return (
        None if kind is None or is_hidden(affinity) else "reserved" if kind == "SPECIFIC_RESERVATION" else "on_demand"
    )


def _zones_of(inputs: Mapping[str, Any]) -> float | None:
    named = inputs.get("nodeLocations")
    if isinstance(named, list):
        return float(len(named))
    place = text_of(inputs.get("location"))
    if place is None or named is not None:
        return None
    return 1.0 if _ZONE.fullmatch(place) else ZONES_OF_A_REGION


def _count(scaling: Mapping[str, Any], which: str, zones: float | None) -> float | None:
    total = scaling.get(f"total{which.capitalize()}NodeCount")
    if total is not None:
        return number_of(total)
    of_zone = number_of(scaling.get(f"{which}NodeCount", 0))
    return None if of_zone is None or zones is None else of_zone * zones


POOLS = {NODE_POOL: pool_of_nodes}
"""What a resource of each type comes to as a pool that jobs run on."""
MACHINES = {INSTANCE: _pool_of_instance}
"""The same of single machines."""
PRICERS = {NODE_POOL: price_node_pool, INSTANCE: price_instance, **dict.fromkeys(_DISKS, price_disk)}
