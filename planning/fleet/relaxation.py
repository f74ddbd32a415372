"""What would have to give for work that no fleet can do: of each limit alone, the smallest change that is enough.

Every answer is computed by the same search, and holds: its plan is one that was found with the changed limit.
"""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from planning.fleet.candidates import FLEX_START_HOURS, find_candidates
from planning.fleet.optimise import choose
from planning.fleet.plan import FleetPlan
from planning.fleet.problem import Problem
from planning.fleet.quotas import Quota
from planning.fleet.report import pools_in_words
from planning.fleet.search import search
from planning.fleet.uniform import uniform_fleets
from planning.fleet.work import LONGEST_HOURS, MOST_NODES, Work
from planning.prices.book import PriceBook

_SECONDS = 5.0
"""For each search: a relaxation that takes longer to find is given as it is then, and is one nevertheless."""
_BOUNDLESS = 1_000_000
_LISTS = {"clouds": "cloud", "regions": "region", "capacities": "capacity", "gpus": "gpu", "instance_types": "type"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """One limit that would have to give."""

    field: str
    """The field of the work."""
    sentence: str
    """The change in words."""
    plan: FleetPlan
    """A fleet that does the work then."""


def relaxations(work: Work, book: PriceBook) -> tuple[Relaxation, ...]:
    """For work without a fleet: each limit whose change alone makes one possible, changed as little as can be.

    Raises PlanningError for names that the book does not have.
    """
    return tuple(_relaxations(work, book))


def _relaxations(work: Work, book: PriceBook) -> Iterator[Relaxation]:
    for found in (_deadline(work, book), _budget(work, book), _nodes(work, book)):
        if found is not None:
            yield found
    for quota in work.quotas:
        if (found := _quota(work, book, quota)) is not None:
            yield found
    yield from _needs(work, book)
    yield from _allowed(work, book)
    if not work.one_region or work.coupling == "synchronous":
        return
    if (found := _with(work, book, "several regions at once", one_region=False)) is not None:
        yield found


def _with(work: Work, book: PriceBook, sentence: str, **change: Any) -> Relaxation | None:
    """The relaxation, if a fleet does the work with this change."""
    chosen = choose(work.but(**change), book, seconds=_SECONDS)
    if chosen is None:
        return None
    return Relaxation(field=next(iter(change)), sentence=sentence, plan=chosen.plan)


def _deadline(work: Work, book: PriceBook) -> Relaxation | None:
    fastest = choose(work.but(deadline_hours=LONGEST_HOURS), book, aim="time", seconds=_SECONDS)
    if fastest is None:
        return None
    hours = min(math.ceil(fastest.found.fleet.hours * 100 + 1e-6) / 100, LONGEST_HOURS)
    sentence = f"a deadline of {hours:,.2f} hours instead of {work.deadline_hours:g}"
    return _with(work, book, sentence, deadline_hours=hours)


def _budget(work: Work, book: PriceBook) -> Relaxation | None:
    if work.budget_usd is None:
        return None
    cheapest = choose(work.but(budget_usd=None), book, seconds=_SECONDS)
    if cheapest is None:
        return None
    usd = math.ceil(cheapest.found.fleet.usd * 100 + 1e-6) / 100
    return _with(work, book, f"a budget of ${usd:,.2f} instead of ${work.budget_usd:,.2f}", budget_usd=usd)


def _nodes(work: Work, book: PriceBook) -> Relaxation | None:
    least = _least_use(work.but(max_nodes=MOST_NODES), book, len(work.quotas))
    if least is None or least <= work.max_nodes:
        return None
    return _with(work, book, f"{least} nodes at once instead of {work.max_nodes}", max_nodes=least)


def _quota(work: Work, book: PriceBook, quota: Quota) -> Relaxation | None:
    place = work.quotas.index(quota)

    def with_limit(limit: int) -> tuple[Quota, ...]:
        changed = dataclasses.replace(quota, limit=limit)
        return (*work.quotas[:place], changed, *work.quotas[place + 1 :])

    least = _least_use(work.but(quotas=with_limit(_BOUNDLESS)), book, place)
    if least is None or least <= quota.limit:
        return None
    sentence = f"a quota of {least} {quota.unit} instead of {quota.limit} ({quota})"
    return _with(work, book, sentence, quotas=with_limit(least))


def _least_use(work: Work, book: PriceBook, limit: int) -> int | None:
    """How little of a limit on counts is enough; None where no amount is."""
    problem = Problem.of(work, find_candidates(work, book))
    if work.coupling == "independent":
        found = search(problem, limit, seconds=_SECONDS)
        return None if found is None else round(found.fleet.value)
    fleets = uniform_fleets(problem)
    if not fleets.hours.size or np.isnan(fleets.hours).all():
        return None
    use = problem.weights[limit][:, None] * np.arange(1, fleets.hours.shape[1] + 1)
    return round(float(use[~np.isnan(fleets.hours)].min()))


def _needs(work: Work, book: PriceBook) -> Iterator[Relaxation]:
    sizes = sorted({each.gpu_memory_gib for each in book.types if 0 < each.gpu_memory_gib < work.gpu_memory_gib})
    for size in reversed(sizes):
        sentence = f"GPUs with {size:g} GiB of memory instead of {work.gpu_memory_gib:g}"
        if (found := _with(work, book, sentence, gpu_memory_gib=size)) is not None:
            yield found
            break
    counts = sorted({each.gpu_count for each in book.types if 0 < each.gpu_count < work.min_gpus_per_node})
    for count in reversed(counts):
        sentence = f"nodes with {count} GPUs instead of {work.min_gpus_per_node}"
        if (found := _with(work, book, sentence, min_gpus_per_node=count)) is not None:
            yield found
            break
    for need in work.needs:
        left = tuple(each for each in work.needs if each != need)
        if (found := _with(work, book, f"GPUs without {need}", needs=left)) is not None:
            yield found
    for percent in range(math.ceil(work.max_share * 20) * 5, 101, 5):
        share = percent / 100
        if share > work.max_share:
            sentence = f"a share of {share:g} of the work for one type in one zone instead of {work.max_share:g}"
            if (found := _with(work, book, sentence, max_share=share)) is not None:
                yield found
                break


def _allowed(work: Work, book: PriceBook) -> Iterator[Relaxation]:
    """What else would have to be allowed: of each list one entry more, where one is enough."""
    for field, word in _LISTS.items():
        asked = getattr(work, field)
        if not asked:
            continue
        free = choose(work.but(**{field: ()}), book, seconds=_SECONDS)
        if free is None:
            continue
        plan = free.plan
        main, *others = dict.fromkeys(
            _entry(field, pool.candidate) for pool in sorted(plan.pools, key=lambda pool: -pool.nodes)
        )
        for wanted in ([main], [main, *others]):
            more = [each for each in wanted if each not in asked]
            sentence = f"{word} {', '.join(more)} allowed besides {', '.join(asked)}"
            if more and (found := _with(work, book, sentence, **{field: (*asked, *more)})) is not None:
                yield found
                break


def _entry(field: str, candidate: Any) -> str:
    return {
        "clouds": candidate.price.cloud,
        "regions": candidate.price.region,
        "capacities": candidate.price.capacity,
        "gpus": candidate.kind.gpu,
        "instance_types": candidate.kind.name,
    }[field]


def in_words(work: Work, book: PriceBook) -> str:
    """That no fleet does the work, what would be enough, and what was left out: several lines."""
    lines = ["no fleet does this work within its limits."]
    enough = relaxations(work, book)
    if enough:
        lines.append("Each of these changes alone would be enough:")
        lines += [
            f"  {each.sentence}: {pools_in_words(each.plan)}, ${each.plan.usd:,.2f}, {each.plan.hours:,.1f} hours"
            for each in enough
        ]
    else:
        lines.append("No change of a single limit is enough.")
    market = find_candidates(work, book)
    if market.left_out:
        lines.append("Offers left out:")
        lines += [f"  {each.offers}: {each.reason}" for each in market.left_out]
    if any(each.most_hours < work.deadline_hours for each in market.candidates):
        lines.append(f"A flex-start node ends after {FLEX_START_HOURS:g} hours, and none is planned for longer.")
    return "\n".join(lines)
