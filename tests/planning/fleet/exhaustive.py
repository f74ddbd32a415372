"""The best fleet by trying every count of every candidate: slow, simple, and without the programme's formulae."""

import itertools
import math
from collections.abc import Iterator, Sequence

from planning.fleet.candidates import Candidate, find_candidates
from planning.fleet.work import Work
from planning.prices.book import PriceBook

_SLACK = 1e-9


def best_by_trying(work: Work, book: PriceBook, aim: str) -> float | None:
    """The least cost in US dollars, or the earliest end in hours; None where no fleet does the work."""
    candidates = find_candidates(work, book).candidates
    ranges = [range(_most(work, each) + 1) for each in candidates]
    values = []
    for counts in itertools.product(*ranges):
        fleet = [(each, count) for each, count in zip(candidates, counts, strict=True) if count]
        if fleet and _is_allowed(work, fleet):
            values += _values(work, fleet, aim)
    return min(values, default=None)


def _most(work: Work, candidate: Candidate) -> int:
    most = work.max_nodes
    for quota in work.quotas:
        weight = quota.weight(candidate.kind, candidate.price)
        most = min(most, quota.limit // weight) if weight else most
    return most


def _is_allowed(work: Work, fleet: Sequence[tuple[Candidate, int]]) -> bool:
    if sum(count for _, count in fleet) > work.max_nodes:
        return False
    if work.one_region and len({each.place for each, _ in fleet}) > 1:
        return False
    return all(
        sum(quota.weight(each.kind, each.price) * count for each, count in fleet) <= quota.limit
        for quota in work.quotas
    )


def _values(work: Work, fleet: Sequence[tuple[Candidate, int]], aim: str) -> Iterator[float]:
    """What this fleet comes to at every finish time at which it can be best.

    Between those times its cost is a straight line: nodes are put to work in the order of what their work costs, and
    which of them is the last to be needed changes only there.
    """
    times = sorted({each for each in _times(work, fleet) if each <= work.deadline_hours + _SLACK})
    before: tuple[float, float] | None = None
    for hours in times:
        usd = _usd(work, fleet, hours)
        if usd is None:
            continue
        if work.budget_usd is None or usd <= work.budget_usd + _SLACK:
            yield usd if aim == "cost" else hours
            if aim == "time" and before is not None and work.budget_usd is not None:
                # It was too dear a little earlier: the budget is met somewhere between.
                share = (before[1] - work.budget_usd) / (before[1] - usd) if before[1] != usd else 1.0
                yield before[0] + share * (hours - before[0])
            if aim == "time":
                return
        before = (hours, usd)


def _times(work: Work, fleet: Sequence[tuple[Candidate, int]]) -> Iterator[float]:
    yield work.deadline_hours
    yield max(_dead(each) for each, _ in fleet)
    for each, _ in fleet:
        if each.block_hours:
            yield from (
                each.block_hours * number for number in range(1, math.ceil(work.deadline_hours / each.block_hours))
            )
        if math.isfinite(each.most_hours):
            yield _dead(each) + each.most_hours
    done = _in_order(fleet)
    for length in range(1, len(done) + 1):
        yield from _enough_at(done[:length])


def _enough_at(fleet: Sequence[tuple[Candidate, int]]) -> Iterator[float]:
    """When these nodes have done all of the work, for each choice of those that have been ended before."""
    for ended in itertools.product([False, True], repeat=len(fleet)):
        done = rates = 0.0
        for (each, count), over in zip(fleet, ended, strict=True):
            rate = each.share_per_hour * count
            if not over:
                rates += rate
                done -= rate * _dead(each)
            elif math.isfinite(each.most_hours):
                done += rate * each.most_hours
            else:
                break
        else:
            if rates:
                yield (1 - done) / rates


def _usd(work: Work, fleet: Sequence[tuple[Candidate, int]], hours: float) -> float | None:
    """The cost of a fleet that ends then; None where it cannot."""
    if hours < max(_dead(each) for each, _ in fleet) - _SLACK:
        return None
    sites = {each.place: each.site for each, _ in fleet}.values()
    usd = sum(site.transfer_usd + site.usd_per_hour * hours for site in sites)
    missing = 1.0
    for each, count in _in_order(fleet):
        possible = each.share_per_hour * count * min(hours - _dead(each), each.most_hours)
        done = min(missing, possible)
        missing -= done
        if each.is_prepaid:
            block = each.block_hours
            paid = math.ceil(hours / block - 1e-9) * block if block else hours
            usd += count * each.usd_per_hour * paid
        else:
            usd += each.usd_per_hour * (done / each.share_per_hour + count * work.startup_hours)
    return usd if missing <= _SLACK else None


def _in_order(fleet: Sequence[tuple[Candidate, int]]) -> list[tuple[Candidate, int]]:
    def cost_of_work(member: tuple[Candidate, int]) -> float:
        return 0.0 if member[0].is_prepaid else member[0].usd_per_hour / member[0].share_per_hour

    return sorted(fleet, key=cost_of_work)


def _dead(candidate: Candidate) -> float:
    return candidate.wait_hours + candidate.site.return_hours
