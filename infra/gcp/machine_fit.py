"""Why a machine cannot be had as it is asked for: its type, its GPUs, its zone, its disks, how it is bought.

Pure. Each answer is what is wrong with a setting, in words that follow `KEY = VALUE: `; empty: nothing is.
"""

import difflib
from collections.abc import Iterable, Sequence

from infra.gcp import gpu_partitions, machine_types, machine_zones
from infra.gcp.machine_types import ATTACHED_TO, MachineFacts, one_of


def gpu_type_problem(name: str, capacity: str) -> str:
    """Why a pool cannot be of a machine type: it has no GPU and can have none, or is not bought so."""
    facts = machine_types.facts_of(name)
    if facts is None:
        return f"is no known type with GPUs{_near(name, machine_types.with_gpu())}"
    if not facts.gpu_count and facts.family != ATTACHED_TO:
        return f"has no GPU and can have none; {machine_types.known([*machine_types.with_gpu(), f'{ATTACHED_TO}-'])}"
    # N1 with GPUs is had in more ways than without; which GPUs, is told by another setting.
    ways = facts.capacities | ({"flex_start"} if facts.family == ATTACHED_TO else frozenset())
    return "" if not capacity or capacity in ways else _not_bought_so(facts.name, capacity, ways)


def plain_type_problem(name: str) -> str:
    """Why the system's nodes cannot be of a machine type."""
    facts = machine_types.facts_of(name)
    if facts is None:
        return f"is no known type without GPU{_near(name, machine_types.without_gpu())}"
    return f"must be a type without GPU: {name} has {facts.gpu_count} {facts.accelerator}" if facts.gpu_count else ""


def any_type_problem(name: str) -> str:
    """Why the single machine cannot be of a machine type."""
    if machine_types.facts_of(name):
        return ""
    return f"is no known type for x86-64{_near(name, [*machine_types.with_gpu(), *machine_types.without_gpu()])}"


def accelerator_problem(machine_type: str, accelerator: str, *, needed: bool) -> str:
    """Why an accelerator cannot be attached to a machine, or what is missing.

    :param needed: Whether a machine that has no GPU of its own must get some.
    """
    facts = machine_types.facts_of(machine_type)
    if facts is None or (not accelerator and (facts.family != ATTACHED_TO or not needed)):
        return ""
    return machine_types.accelerator_problem(facts, accelerator)


def count_problem(machine_type: str, accelerator: str, count: int) -> str:
    """Why a machine cannot have so many of an accelerator attached that it can have."""
    facts = machine_types.facts_of(machine_type)
    if facts is None:
        return ""
    if accelerator:
        return machine_types.count_problem(facts, accelerator, count)
    return "must be 0 where accelerator is empty" if count else ""


def zones_problem(machine_type: str, accelerator: str, zones: Sequence[str], *, all_of_them: bool) -> str:
    """Why machines cannot be in zones: those that are named have none, or of those that may be used none has.

    :param all_of_them: Whether each zone has to have them.
    """
    having = machine_zones.zones_of(machine_type, accelerator)
    lacking = [zone for zone in zones if zone not in having]
    if not lacking or (not all_of_them and len(lacking) < len(zones)):
        return ""
    what = f"{machine_type} with {accelerator}" if accelerator else machine_type
    have = "has" if len(lacking) == 1 else "have"
    return f"{', '.join(lacking)} {have} no {what}; {_where(having, lacking[0].rpartition('-')[0])}"


def disk_problem(machine_type: str, disk_type: str) -> str:
    """Why a machine cannot start from a kind of disk."""
    facts = machine_types.facts_of(machine_type)
    if facts is None or disk_type in facts.disk_types:
        return ""
    return f"must be {' or '.join(facts.disk_types)}: {machine_type} starts from nothing else"


def local_ssds_problem(facts: MachineFacts, count: int, zones: Iterable[str]) -> str:
    """Why a machine cannot have so many Local SSD disks.

    :param zones: Where it may be.
    """
    if not count:
        return ""
    if facts.local_ssds_bundled:
        return f"must be 0: {facts.name} always has {facts.local_ssds_bundled}"
    if not facts.local_ssd_counts:
        return f"must be 0: {facts.name} can have none"
    if count not in facts.local_ssd_counts:
        with_gpu = f" with {facts.accelerator}" if facts.family == ATTACHED_TO else ""
        return f"must be {one_of((0, *facts.local_ssd_counts))}, as {facts.name}{with_gpu} can have them"
    if lacking := [zone for zone in zones if not machine_zones.has_local_ssds(zone, facts.accelerator)]:
        return f"must be 0: {', '.join(lacking)} has none for machines with {facts.accelerator}"
    return ""


def gpudirect_problem(facts: MachineFacts, kind: str) -> str:
    """Why the GPUs of a machine cannot reach those of others in a way."""
    if kind in ("none", facts.gpudirect):
        return ""
    return f"must be {'none' if facts.gpudirect == 'none' else f'none or {facts.gpudirect}'}, as {facts.name} has it"


def partition_problem(facts: MachineFacts, profile: str) -> str:
    """Why the GPUs of a machine cannot be cut into partitions of a MIG profile."""
    profiles = gpu_partitions.PROFILES.get(facts.accelerator, {})
    if not profile or profile in profiles:
        return ""
    if not profiles:
        return f"must be empty: {facts.accelerator} cannot be cut into partitions"
    return f"must be a profile of {facts.accelerator}: {', '.join(profiles)}"


def single_machine_problem(facts: MachineFacts, capacity: str) -> str:
    """Why the single machine cannot be bought so."""
    ways = facts.capacities & {"on_demand", "spot"}
    return "" if capacity in ways else _not_bought_so(facts.name, capacity, ways)


def _not_bought_so(name: str, capacity: str, ways: Iterable[str]) -> str:
    order = ("on_demand", "spot", "reserved", "flex_start")
    *others, last = [way for way in order if way in ways]
    return f"{name} cannot be had as {capacity}; its capacity is {', '.join(others)}{' or ' if others else ''}{last}"


def _near(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
    return f"; {f'did you mean {near[0]}? ' if near else ''}{machine_types.known(names)}"


def _where(having: Iterable[str], region: str) -> str:
    """Where else a machine is: the zones of the region, or else other regions."""
    here = sorted(zone for zone in having if zone.rpartition("-")[0] == region)
    if here:
        return f"zones of {region} that have it are {', '.join(here)}"
    regions = sorted({zone.rpartition("-")[0] for zone in having})
    return f"regions that have it are {', '.join(regions) or 'none that is on record'}"
