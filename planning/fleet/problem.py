"""The numbers of a fleet to be chosen, as arrays: one entry a candidate, one a site, one a limit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planning.fleet.candidates import Candidate, Market
from planning.fleet.sites import Site
from planning.fleet.work import Work

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """Which counts of which candidates are to be chosen for independent work; see docs/fleet.md for the formulae."""

    work: Work
    candidates: tuple[Candidate, ...]
    sites: tuple[Site, ...]

    @classmethod
    def of(cls, work: Work, market: Market, *, prune: bool = True) -> "Problem":
        """The problem with the candidates that can be of use before the deadline, and without dominated ones."""
        useful = [each for each in market.candidates if _dead_hours(each) < work.deadline_hours]
        problem = cls(work, tuple(useful), _sites(useful))
        # A limit on the share of a type makes also the second best of two like types worth having.
        if not prune or work.max_share < 1:
            return problem
        kept = [each for each, keep in zip(useful, _undominated(problem), strict=True) if keep]
        return cls(work, tuple(kept), _sites(kept))

    @cached_property
    def price(self) -> Numbers:
        """US dollars an hour of a node with its volume."""
        return np.array([each.usd_per_hour for each in self.candidates])

    @cached_property
    def rate(self) -> Numbers:
        """Share of the work that a node does in an hour, rework included."""
        return np.array([each.share_per_hour for each in self.candidates])

    @cached_property
    def dead(self) -> Numbers:
        """Hours from now to the end in which a node cannot work: data, waiting, starting, results."""
        return np.array([_dead_hours(each) for each in self.candidates])

    @cached_property
    def longest(self) -> Numbers:
        """Hours that a node can work at most, however late the end is."""
        return np.array([each.most_hours for each in self.candidates])

    @cached_property
    def prepaid(self) -> NDArray[np.bool_]:
        """Whether a node is paid for all of the time."""
        return np.array([each.is_prepaid for each in self.candidates], dtype=bool)

    @cached_property
    def site(self) -> NDArray[np.int64]:
        """The index of each candidate's site."""
        index = {id(site): number for number, site in enumerate(self.sites)}
        return np.array([index[id(each.site)] for each in self.candidates], dtype=np.int64)

    @cached_property
    def site_usd(self) -> Numbers:
        """US dollars that using a site costs once."""
        return np.array([each.transfer_usd for each in self.sites])

    @cached_property
    def site_usd_per_hour(self) -> Numbers:
        """US dollars an hour that a used site costs from now to the end."""
        return np.array([each.usd_per_hour for each in self.sites])

    @cached_property
    def weights(self) -> Numbers:
        """How much of each limit on counts a node takes: the quotas in their order, then the nodes."""
        rows = [[quota.weight(each.kind, each.price) for each in self.candidates] for quota in self.work.quotas]
        return np.array([*rows, [1.0] * len(self.candidates)], dtype=float).reshape(len(rows) + 1, len(self.candidates))

    @cached_property
    def limits(self) -> Numbers:
        """The limits on counts, in the order of `weights`."""
        return np.array([*(quota.limit for quota in self.work.quotas), self.work.max_nodes], dtype=float)

    @cached_property
    def most(self) -> Numbers:
        """Most nodes of each candidate alone."""
        with np.errstate(divide="ignore", invalid="ignore"):
            each = np.where(self.weights > 0, self.limits[:, None] / self.weights, np.inf)
        return np.floor(each.min(axis=0) + 1e-9)

    @cached_property
    def groups(self) -> list[NDArray[np.int64]]:
        """Candidates of one type in one zone, whose share of the work is limited; none where no share is."""
        if self.work.max_share >= 1:
            return []
        members: dict[tuple[str, ...], list[int]] = {}
        for number, each in enumerate(self.candidates):
            key = (each.price.cloud, each.price.region, each.price.zone, each.kind.name)
            members.setdefault(key, []).append(number)
        return [np.array(each, dtype=np.int64) for each in members.values()]

    @cached_property
    def earliest(self) -> float:
        """Hours that no fleet ends before: as many nodes as allowed, each as fast and as early as the best one."""
        return float(self.dead.min(initial=np.inf) + 1 / (self.work.max_nodes * self.rate.max(initial=1e-30)))

    def working_hours(self, hours: float) -> Numbers:
        """Hours that a node of each candidate can work where the work ends after so many hours; none below 0."""
        return np.clip(hours - self.dead, 0.0, self.longest)

    def paid_hours(self, candidate: int, hours: float) -> float:
        """Hours that a prepaid node is paid for where the work ends after so many hours."""
        block = self.candidates[candidate].block_hours
        return math.ceil(hours / block - 1e-9) * block if block else hours

    def only(self, kept: NDArray[np.int64]) -> "Problem":
        """The same with these candidates alone."""
        candidates = tuple(self.candidates[number] for number in kept)
        return Problem(self.work, candidates, _sites(candidates))


def _dead_hours(candidate: Candidate) -> float:
    return candidate.wait_hours + candidate.site.return_hours


def _sites(candidates: Sequence[Candidate]) -> tuple[Site, ...]:
    return tuple({id(each.site): each.site for each in candidates}.values())


def _undominated(problem: Problem) -> NDArray[np.bool_]:
    """Which candidates no other one of their site makes useless: one that is as fast, as early, works as long, takes as
    little of every quota, and is cheaper (or the same in all of it, and comes first)."""
    count = len(problem.candidates)
    keep = np.ones(count, dtype=bool)
    # One number for each pair of site and way of paying, within which nodes can be exchanged.
    kinds = problem.site * 2 + problem.prepaid
    for kind in np.unique(kinds):
        members = np.flatnonzero(kinds == kind)
        price, rate, dead = problem.price[members], problem.rate[members], problem.dead[members]
        longest, weights = problem.longest[members], problem.weights[:, members]
        # [i, j]: whether i is no worse than j.
        as_good = (price[:, None] <= price) & (rate[:, None] >= rate) & (dead[:, None] <= dead)
        as_good &= longest[:, None] >= longest
        as_good &= (weights[:, :, None] <= weights[:, None, :]).all(axis=0)
        equal = as_good & as_good.T
        first = np.arange(len(members))[:, None] < np.arange(len(members))
        dominated = (as_good & (~equal | first)).any(axis=0)
        keep[members[dominated]] = False
    return keep
