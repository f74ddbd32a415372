"""What one node is made of that costs by the hour: the instance, its volumes, its metrics, a public address.

A pool buys several instance types, and what it will get is not in the plan. What it is taken to cost is the preferred
type on demand (managed node groups go by the order) and the cheapest on spot (price-capacity-optimized allocation);
the ceiling is the dearest. Source: Amazon EKS user guide, "Managed node group capacity types".
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planning.cost.inputs import is_hidden, mapping_of, mappings_of, number_of, text_of, truth_of
from planning.cost.lines import Context, Line, average, no_price
from planning.prices.model import Basis, Capacity
from planning.quantities import HOURS_PER_MONTH

METRICS_OF_AN_INSTANCE = 7
"""Metrics that detailed monitoring is billed for. Source: Amazon CloudWatch pricing page, example 1."""
INCLUDED_IOPS = 3000.0
INCLUDED_MIBPS = 125.0
"""What every gp3 volume has without extra charge. Source: Amazon EBS user guide, "General Purpose SSD volumes"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that a running node costs."""

    what: str
    unit: str
    units_per_hour: float
    """Units that one node takes in an hour."""
    usd_per_unit: float
    """What a unit is taken to cost."""
    ceiling_usd_per_unit: float
    """What a unit costs at most."""
    stays: bool = False
    """Whether it costs while the machine is stopped, too."""
    note: str = ""
    source: str
    basis: Basis
    as_of: datetime.date

    @property
    def usd_per_hour(self) -> float:
        """What a node's hour is taken to cost."""
        return self.units_per_hour * self.usd_per_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What the inputs of a pool of nodes, or of a machine, come to."""

    name: str
    has_gpu: bool
    parts: tuple[Part, ...]
    unknown: tuple[Line, ...]
    priced: bool
    """Whether the instance itself has a price."""
    most: float | None = None
    """How many nodes there may be; None where that is not known."""


def instance_part(
    context: Context, types: Sequence[str], capacity: Capacity, called: Capacity | None = None, note: str = ""
) -> tuple[Part | None, list[Line]]:
    """The instance itself, and what is not known of its price.

    :param capacity: At which of the book's prices it is paid.
    :param called: How it is bought, where that is something else.
    :param note: What is to be known of the price.
    """
    words = (called or capacity).replace("_", " ")
    what = f"{', '.join(types) or 'instance'}, {words}"
    if not types:
        return None, [context.unknown(what, "its instance type is not known before it exists")]
    prices = [context.book.price_of(context.cloud, context.region, each, capacity) for each in types]
    known = [price for price in prices if price is not None]
    missing = [name for name, price in zip(types, prices, strict=True) if price is None]
    if not known or (capacity != "spot" and prices[0] is None):
        return None, [context.unknown(what, no_price(f"{', '.join(missing)}, {words},", context.cloud, context.region))]
    taken = min(known, key=lambda price: price.usd_per_hour) if capacity == "spot" else known[0]
    dearest = max(known, key=lambda price: price.usd_per_hour)
    notes = [note] if note else []
    if len(types) > 1:
        rule = "the cheapest" if capacity == "spot" else "the preferred type"
        notes.append(
            f"taken: {taken.instance_type}, {rule}; ceiling: {dearest.instance_type} at ${dearest.usd_per_hour:g}"
        )
    if capacity == "reserved":
        notes.append("a capacity block is paid in advance, used or not")
    part = Part(
        what=what,
        unit="hour",
        units_per_hour=1.0,
        usd_per_unit=taken.usd_per_hour,
        ceiling_usd_per_unit=dearest.usd_per_hour,
        note="; ".join(notes),
        source=taken.source,
        basis=taken.basis,
        as_of=taken.as_of,
    )
    unknown = [
        context.unknown(
            f"{name}, {words}, where it is chosen", no_price(f"{name}, {words},", context.cloud, context.region)
        )
        for name in missing
    ]
    return part, unknown


def volume_parts(context: Context, devices: Sequence[Mapping[str, Any]]) -> tuple[list[Part], list[Line]]:
    """Volumes, given as EC2 describes them: size in GiB, type, IOPS and MiB/s."""
    parts: list[Part] = []
    unknown: list[Line] = []
    for device in devices:
        size, kind = number_of(device.get("volumeSize")), text_of(device.get("volumeType"))
        if size is None or kind != "gp3":
            why = (
                "its size is not in the plan" if size is None else f"volumes of type {kind or 'unknown'} have no price"
            )
            unknown.append(context.unknown("volume", why))
            continue
        wanted = [(f"gp3 volume, {size:g} GiB", "block_storage_gib_month", size)]
        for name, label, service, included in (
            ("iops", "IOPS above 3,000", "block_storage_iops_month", INCLUDED_IOPS),
            ("throughput", "MiB/s above 125", "block_storage_mibps_month", INCLUDED_MIBPS),
        ):
            if device.get(name) is None:
                continue
            provisioned = number_of(device[name])
            if provisioned is None:
                unknown.append(context.unknown(label, "how many are provisioned is not in the plan"))
                continue
            above = provisioned - included
            if above > 0:
                wanted.append((f"gp3 volume, {above:g} {label}", service, above))
        for what, service, quantity in wanted:
            part = monthly_part(context, what, service, quantity, stays=True)
            if part is None:
                unknown.append(context.unknown(what, no_price(service, context.cloud, context.region)))
            else:
                parts.append(part)
    return parts, unknown


def monitoring_parts(context: Context, enabled: Any) -> tuple[list[Part], list[Line]]:
    """Detailed monitoring: metrics every minute, where it is enabled."""
    what = f"detailed monitoring, {METRICS_OF_AN_INSTANCE} metrics"
    if is_hidden(enabled):
        return [], [context.unknown(what, "whether there is one is not in the plan")]
    if not truth_of(enabled):
        return [], []
    part = monthly_part(context, what, "metric_month", METRICS_OF_AN_INSTANCE)
    return (
        ([part], []) if part else ([], [context.unknown(what, no_price("metric_month", context.cloud, context.region))])
    )


def address_parts(context: Context, public: Any) -> tuple[list[Part], list[Line]]:
    """A public IPv4 address, where there is one."""
    what = "public IPv4 address"
    if is_hidden(public):
        return [], [context.unknown(what, "whether there is one is not in the plan")]
    if not truth_of(public):
        return [], []
    tiers = context.book.tiers_of(context.cloud, context.region, "public_ipv4_hour")
    if not tiers:
        return [], [context.unknown(what, no_price("public_ipv4_hour", context.cloud, context.region))]
    return [part_of(what, tiers[0].unit, 1.0, tiers[0].usd_per_unit, tiers[0])], []


def template_parts(context: Context, template: Mapping[str, Any]) -> tuple[list[Part], list[Line]]:
    """What a launch template adds to each node: volumes, monitoring, public addresses. EFA costs nothing."""
    devices = [mapping_of(each.get("ebs")) for each in mappings_of(template.get("blockDeviceMappings"))]
    parts, unknown = volume_parts(context, devices)
    if not devices:
        unknown.append(context.unknown("root volume", "the launch template leaves it to the machine image"))
    monitoring, interfaces = template.get("monitoring"), template.get("networkInterfaces")
    enabled = monitoring if is_hidden(monitoring) else mapping_of(monitoring).get("enabled")
    public = [each.get("associatePublicIpAddress") for each in mappings_of(interfaces)]
    some = next((each for each in public if truth_of(each) or is_hidden(each)), None)
    added = [
        monitoring_parts(context, enabled),
        address_parts(context, interfaces if is_hidden(interfaces) else some),
    ]
    for more, missing in added:
        parts += more
        unknown += missing
    return parts, unknown


def spread(
    context: Context, parts: Sequence[Part], fewest: float, most: float, share: float, assumption: str
) -> Iterator[Line]:
    """The lines of a pool: its fewest nodes are there always, those above them for a share of the month."""
    more = max(0.0, most - fewest)
    for part in parts:
        if fewest:
            quantity = fewest * HOURS_PER_MONTH * part.units_per_hour
            hour = fewest * part.usd_per_hour
            ceiling = fewest * part.units_per_hour * part.ceiling_usd_per_unit
            yield _line(context, part, "fixed", f"{fewest:g} x {part.what}", quantity, hour, ceiling)
        if more:
            quantity = more * HOURS_PER_MONTH * share * part.units_per_hour
            ceiling = more * part.units_per_hour * part.ceiling_usd_per_unit
            yield _line(context, part, "usage", f"up to {more:g} x {part.what}", quantity, 0.0, ceiling, assumption)


def _line(
    context: Context,
    part: Part,
    kind: Any,
    what: str,
    quantity: float,
    idle: float,
    full: float,
    assumption: str = "",
) -> Line:
    return context.line(
        kind,
        what,
        quantity=quantity,
        unit=part.unit,
        usd_per_unit=part.usd_per_unit,
        idle_usd_per_hour=idle,
        full_usd_per_hour=full,
        usd_per_month=quantity * part.usd_per_unit,
        assumption=assumption,
        note=part.note,
        source=part.source,
        basis=part.basis,
        as_of=part.as_of,
    )


def monthly_part(context: Context, what: str, service: str, quantity: float, *, stays: bool = False) -> Part | None:
    """A part that is priced by the month, for the hours that it is there; None without a price."""
    tiers = context.book.tiers_of(context.cloud, context.region, service)
    if not tiers:
        return None
    usd_per_unit = average(tiers, quantity)
    return part_of(what, tiers[0].unit, quantity / HOURS_PER_MONTH, usd_per_unit, tiers[0], stays=stays)


def part_of(what: str, unit: str, units_per_hour: float, usd: float, price: Any, *, stays: bool = False) -> Part:
    """A part whose price is of a row of the price book."""
    return Part(
        what=what,
        unit=unit,
        units_per_hour=units_per_hour,
        usd_per_unit=usd,
        ceiling_usd_per_unit=usd,
        stays=stays,
        source=price.source,
        basis=price.basis,
        as_of=price.as_of,
    )
