"""Why a fleet is the best one, what the next best ones cost, and which limits keep it from being better.

Nothing here is a guess: every alternative and every limit is answered by solving the work anew with that one change.
"""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from planning.fleet.candidates import Candidate, find_candidates
from planning.fleet.optimise import choose
from planning.fleet.plan import FleetPlan
from planning.fleet.uniform import Aim
from planning.fleet.work import LONGEST_HOURS, MOST_NODES, Work
from planning.network.places import Place
from planning.prices.book import PriceBook
from planning.prices.model import CLOUDS

_WORTH_TELLING = 2e-3
"""A limit is said to bind if the answer is better by more than this share without it: twice the search's tolerance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What the best fleet is if one thing were otherwise."""

    what: str
    plan: FleetPlan | None
    """None: there is no fleet then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The reasons for a plan."""

    why: tuple[str, ...]
    """Sentences."""
    next_best: tuple[Alternative, ...]
    """What it costs not to do as the plan says."""
    binding: tuple[Alternative, ...]
    """Limits that keep the plan from being better, and what it would be without them. All others do not matter."""


def explain(plan: FleetPlan, book: PriceBook, *, aim: Aim = "cost", seconds: float = 5.0) -> Explanation:
    """The reasons for a plan that was made from this book with this aim.

    :param seconds: For each change; after so long the best fleet found so far is told.
    """
    work = plan.work
    return Explanation(
        why=tuple(_why(plan, book)),
        next_best=tuple(_solved(work, book, aim, _otherwise(plan, book), seconds)),
        binding=tuple(
            each
            for each in _solved(work, book, aim, _less_limited(work, book, aim), seconds)
            if each.plan is not None and _value(each.plan, aim) < _value(plan, aim) * (1 - _WORTH_TELLING)
        ),
    )


def unit_cost(work: Work, candidate: Candidate) -> tuple[float, str]:
    """US dollars for a unit of work on a node of this kind, rework included, and what the unit is."""
    usd = candidate.usd_per_hour / candidate.share_per_hour
    if work.gpu_hours is not None:
        return usd / work.gpu_hours, f"hour of one {work.reference_gpu}"
    assert work.samples is not None
    return usd / work.samples * 1e6, "million samples"


def _value(plan: FleetPlan, aim: Aim) -> float:
    return plan.usd if aim == "cost" else plan.hours


def _why(plan: FleetPlan, book: PriceBook) -> Iterator[str]:
    work, main = plan.work, plan.main.candidate
    usd, unit = unit_cost(work, main)
    yield (
        f"{main} does the work of one {unit} for ${usd:,.3f}: ${main.usd_per_hour:,.2f} an hour with its volume, "
        f"{main.kind.gpu_count} x {main.kind.gpu}."
    )
    candidates = find_candidates(work, book).candidates
    ranked = sorted(candidates, key=lambda each: each.usd_per_hour / each.share_per_hour)
    others = [each for each in ranked if each.kind.name != main.kind.name]
    if others:
        other_usd, _ = unit_cost(work, others[0])
        yield f"Of other types {others[0]} is the cheapest for that: ${other_usd:,.3f}, {_more(other_usd, usd)}."
    cheaper = [each for each in others if each.usd_per_hour / each.share_per_hour < _usd_of_all(main) * (1 - 1e-9)]
    if cheaper:
        yield "It is not the answer because of a limit below, or of what its region or its number of nodes costs."
    yield from _why_spot(plan)
    site = main.site
    if plan.breakdown.transfer and len({id(pool.candidate.site) for pool in plan.pools}) == 1:
        yield (
            f"Data and results travel between {work.data} and {site.place} for ${site.transfer_usd:,.2f}, "
            f"in {site.arrival_hours + site.return_hours:,.2f} hours."
        )


def _usd_of_all(candidate: Candidate) -> float:
    """US dollars for the whole work on nodes of this kind, without starting and without what is around them."""
    return candidate.usd_per_hour / candidate.share_per_hour


def _why_spot(plan: FleetPlan) -> Iterator[str]:
    spot = [pool for pool in plan.pools if pool.candidate.price.capacity == "spot"]
    if not spot:
        return
    often = max(spot, key=lambda pool: pool.candidate.interruptions_per_hour)
    nodes = often.nodes if plan.work.coupling == "synchronous" else 1
    hazard = often.candidate.interruptions_per_hour * nodes
    if not hazard or not math.isfinite(often.checkpoint_interval_hours):
        return
    whose = "the job" if nodes > 1 else "a node"
    yield (
        f"Spot capacity is expected to interrupt {whose} every {1 / hazard:,.0f} hours of running; with a checkpoint "
        f"every {often.checkpoint_interval_hours:,.1f} hours that costs ${plan.breakdown.rework:,.2f} in all."
    )


def _more(usd: float, than: float) -> str:
    share = usd / than - 1
    return f"{share:.0%} more" if share >= 0.005 else "as good as equal" if share > -0.005 else f"{-share:.0%} less"


def _otherwise(plan: FleetPlan, book: PriceBook) -> Iterator[tuple[str, dict[str, Any]]]:
    """What not to do as the plan says, as changes of the work."""
    work, main = plan.work, plan.main.candidate
    name, place = main.kind.name, main.place
    if not work.instance_types:
        yield f"without {name}", {"without_types": (*work.without_types, name)}
    elif others := tuple(each for each in work.instance_types if each != name):
        yield f"without {name}", {"instance_types": others}
    yield f"not in {place}", {"without_regions": (*work.without_regions, place)}
    if set(work.clouds or CLOUDS) - {place.cloud}:
        # By its regions: of other clouds alone, the book may not have the types and regions that the work names.
        there = tuple(Place(each.cloud, each.name) for each in book.regions if each.cloud == place.cloud)
        yield f"not on {place.cloud}", {"without_regions": (*work.without_regions, *there)}
    if main.price.capacity != "on_demand" and "on_demand" in (work.capacities or ("on_demand",)):
        yield "on demand only", {"capacities": ("on_demand",)}


def _less_limited(work: Work, book: PriceBook, aim: Aim) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each limit, given up or loosened by a plain step, as changes of the work."""
    if aim == "cost" and work.deadline_hours < LONGEST_HOURS:
        hours = min(work.deadline_hours * 1.5, LONGEST_HOURS)
        yield f"deadline: with {hours:g} hours instead of {work.deadline_hours:g}", {"deadline_hours": hours}
    if aim == "time" and work.budget_usd is not None:
        usd = work.budget_usd * 1.1
        yield f"budget: with ${usd:,.2f} instead of ${work.budget_usd:,.2f}", {"budget_usd": usd}
    if work.max_nodes < MOST_NODES:
        nodes = min(2 * work.max_nodes, MOST_NODES)
        yield f"nodes: with {nodes} at once instead of {work.max_nodes}", {"max_nodes": nodes}
    for number, quota in enumerate(work.quotas):
        larger = dataclasses.replace(quota, limit=2 * quota.limit if quota.limit else 8)
        quotas = (*work.quotas[:number], larger, *work.quotas[number + 1 :])
        yield f"quota: with {larger.limit} {quota.unit} instead of {quota.limit} ({quota})", {"quotas": quotas}
    smaller = [each.gpu_memory_gib for each in book.types if 0 < each.gpu_memory_gib < work.gpu_memory_gib]
    if smaller:
        sentence = f"GPU memory: with {max(smaller):g} GiB instead of {work.gpu_memory_gib:g}"
        yield sentence, {"gpu_memory_gib": max(smaller)}
    if work.min_gpus_per_node > 1:
        yield "GPUs of a node: with any number", {"min_gpus_per_node": 1}
    if work.needs:
        yield f"interconnect: without {' and '.join(work.needs)}", {"needs": ()}
    for field in ("clouds", "regions", "capacities", "gpus", "instance_types"):
        if getattr(work, field):
            yield f"{field.replace('_', ' ')}: with all that there are", {field: ()}
    if work.one_region and work.coupling == "independent":
        yield "one region: with several at once", {"one_region": False}
    if work.max_share < 1:
        yield "share of a type: without a limit", {"max_share": 1.0}


def _solved(
    work: Work, book: PriceBook, aim: Aim, changes: Iterator[tuple[str, dict[str, Any]]], seconds: float
) -> Iterator[Alternative]:
    for what, change in changes:
        chosen = choose(work.but(**change), book, aim=aim, seconds=seconds)
        yield Alternative(what=what, plan=chosen.plan if chosen else None)
