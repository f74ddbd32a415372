"""How `yard prices` looks: tables for people, documents for machines. Every price has its source and its date."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from cli.tables import print_whole

if TYPE_CHECKING:
    from planning.prices.changes import Change
    from planning.prices.listing import Age, Offer
    from planning.prices.model import InstancePrice, InstanceType
    from planning.prices.refresh import Outcome

_TOP = 10


def console() -> Console:
    """Standard output."""
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)


def print_offers(offers: "Sequence[Offer]", limit: int) -> None:
    """One line for each price, and what the numbers of its sources mean."""
    from planning.prices.listing import numbered_sources, source_of

    out = console()
    shown = offers[:limit] if limit else offers
    numbers = numbered_sources(offer.price for offer in shown)
    table = _table("cloud", "where", "type", "GPUs", "capacity", "interrupted")
    for name in ("$/GPU-hour", "$/hour", "source"):
        table.add_column(name, justify="right", no_wrap=True)
    for offer in shown:
        price = offer.price
        per_gpu = offer.usd_per_gpu_hour
        table.add_row(
            price.cloud,
            price.zone or price.region,
            price.instance_type,
            gpus_of(offer.type),
            price.capacity.replace("_", " "),
            price.interruption_band,
            "" if per_gpu is None else dollars(per_gpu),
            dollars(price.usd_per_hour),
            f"[{numbers[source_of(price)]}]",
        )
    print_whole(out, table)
    if len(offers) > len(shown):
        out.print(f"… and {len(offers) - len(shown)} more; --limit 0 shows all\n")
    _print_sources(out, numbers)


def print_type(known: "InstanceType", offers: "Sequence[Offer]") -> None:
    """The facts of a type, and all its prices."""
    out = console()
    out.print(f"{known.cloud} {known.name}")
    facts = _table("", "", head=False)
    for name, value in _facts(known):
        facts.add_row(name, value)
    facts.add_row("source", f"{known.source} ({known.as_of})")
    print_whole(out, facts)
    if offers:
        print_offers(offers, limit=0)
    else:
        out.print("The book has no price for it.\n")


def print_age(age: "Age") -> None:
    """What a reader of prices has to know of their age, in a few lines."""
    out = console()
    days = "1 day" if age.days == 1 else f"{age.days} days"
    newest = ", ".join(f"{cloud} {day}" for cloud, day in age.newest.items())
    out.print(f"The newest price of an instance is {days} old ({age.as_of}). By cloud: {newest}.", soft_wrap=True)
    if age.dated:
        clouds = ", ".join(f"{count} of {cloud}" for cloud, count in age.dated.items())
        out.print(f"Too old to plan with, and left out unless --dated is given: {clouds}.", soft_wrap=True)
    if age.without_price:
        out.print(f"Without any price that has a source: {', '.join(age.without_price)}.", soft_wrap=True)


def print_outcomes(outcomes: "Sequence[Outcome]") -> None:
    """What a refresh has changed, cloud by cloud."""
    out = console()
    for outcome in outcomes:
        where = ", ".join(outcome.regions)
        if outcome.changes is None:
            out.print(f"{outcome.cloud}: skipped, its prices stay what they were: {outcome.failure}", soft_wrap=True)
            continue
        changes = outcome.changes
        out.print(
            f"{outcome.cloud} ({where}): {len(changes.new)} new, {len(changes.dearer)} dearer, "
            f"{len(changes.cheaper)} cheaper, {changes.same} the same",
            soft_wrap=True,
        )
        largest = sorted((*changes.dearer, *changes.cheaper), key=lambda change: -abs(change.share))[:_TOP]
        if largest:
            table = _table("type", "where", "capacity")
            for name in ("before", "now", "change"):
                table.add_column(name, justify="right", no_wrap=True)
            for change in largest:
                table.add_row(*_change_cells(change))
            print_whole(out, table)
        for text, names in (
            ("that the book has no facts of, left out", outcome.unknown_types),
            (f"that {outcome.cloud} names no price for, as before", outcome.unpriced_types),
        ):
            if names:
                count = "1 type" if len(names) == 1 else f"{len(names)} types"
                out.print(f"  {count} {text}: {_some(names)}", soft_wrap=True)


def dollars(value: float) -> str:
    """Money with as many digits as it deserves: cents from a dollar on, more below."""
    if value >= 1:
        return f"${value:,.2f}"
    return f"${value:.4f}" if value >= 0.01 else f"${value:.6f}"


def gpus_of(known: "InstanceType") -> str:
    """How many GPUs of which model and memory; empty for none."""
    return f"{known.gpu_count} x {known.gpu} {known.gpu_memory_gib:.0f} GiB" if known.gpu_count else ""


def price_document(price: "InstancePrice") -> dict[str, Any]:
    """One price for machines; what is empty in the book is null."""
    return {
        "cloud": price.cloud,
        "region": price.region,
        "zone": price.zone or None,
        "instance_type": price.instance_type,
        "capacity": price.capacity,
        "usd_per_hour": price.usd_per_hour,
        "interruption_band": price.interruption_band or None,
        "basis": price.basis,
        "source": price.source,
        "as_of": price.as_of.isoformat(),
    }


def offer_document(offer: "Offer") -> dict[str, Any]:
    """One price with the GPUs that it is for."""
    return price_document(offer.price) | {
        "usd_per_gpu_hour": offer.usd_per_gpu_hour,
        "gpu": offer.type.gpu or None,
        "gpu_count": offer.type.gpu_count,
        "gpu_memory_gib": offer.type.gpu_memory_gib or None,
    }


def type_document(known: "InstanceType") -> dict[str, Any]:
    """The facts of a type."""
    import dataclasses

    return dataclasses.asdict(known) | {"as_of": known.as_of.isoformat()}


def age_document(age: "Age") -> dict[str, Any]:
    """How old the book is."""
    return {
        "as_of": age.as_of.isoformat(),
        "age_days": age.days,
        "dated_prices": dict(age.dated),
        "clouds_without_price": list(age.without_price),
        "newest_prices": {cloud: day.isoformat() for cloud, day in age.newest.items()},
    }


def outcome_document(outcome: "Outcome") -> dict[str, Any]:
    """How a refresh went with one cloud."""
    changes = outcome.changes
    return {
        "cloud": outcome.cloud,
        "regions": list(outcome.regions),
        "failure": outcome.failure or None,
        "new": [] if changes is None else [price_document(price) for price in changes.new],
        "dearer": [] if changes is None else [_change_document(change) for change in changes.dearer],
        "cheaper": [] if changes is None else [_change_document(change) for change in changes.cheaper],
        "same": 0 if changes is None else changes.same,
        "types_without_facts": list(outcome.unknown_types),
        "types_without_price": list(outcome.unpriced_types),
    }


def _facts(known: "InstanceType") -> Iterable[tuple[str, str]]:
    def or_unknown(value: float | None, unit: str) -> str:
        return "unknown" if value is None else f"{value:g} {unit}"

    yield "processors", f"{known.vcpus} vCPUs, {known.architecture}"
    yield "memory", or_unknown(known.memory_gib, "GiB")
    yield "GPUs", gpus_of(known) or "none"
    if known.gpu_count > 1:
        between = {"": "unknown", "nvlink": "NVLink", "pcie": "PCIe"}
        yield "between GPUs", between[known.gpu_interconnect]
    yield "local disks", "none" if known.nvme_gb == 0 else or_unknown(known.nvme_gb, "GB")
    yield "network", or_unknown(known.network_gbps, "Gbit/s")
    yield "RDMA interfaces", str(known.rdma_interfaces) if known.rdma_interfaces else "none known"
    if known.cloud == "aws":
        yield "capacity blocks", "yes" if known.capacity_blocks else "no"


def _change_cells(change: "Change") -> tuple[str, ...]:
    price = change.after
    return (
        price.instance_type,
        price.zone or price.region,
        price.capacity.replace("_", " "),
        dollars(change.before.usd_per_hour),
        dollars(price.usd_per_hour),
        f"{change.share:+.1%}",
    )


def _change_document(change: "Change") -> dict[str, Any]:
    return price_document(change.after) | {"usd_per_hour_before": change.before.usd_per_hour, "change": change.share}


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_TOP]) + (f" and {len(names) - _TOP} more" if len(names) > _TOP else "")


def _table(*columns: str, head: bool = True) -> Table:
    table = Table(box=box.SIMPLE_HEAD if head else None, pad_edge=False, show_header=head)
    for name in columns:
        table.add_column(name, no_wrap=True)
    return table


def _print_sources(out: Console, numbers: "dict[str, int]") -> None:
    for source, number in numbers.items():
        out.print(f"[{number}] {source}", soft_wrap=True)
    if numbers:
        out.print()
