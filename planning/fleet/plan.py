"""The answer: a fleet, what it costs part by part, how good it is, and what that rests on."""

import dataclasses
from dataclasses import dataclass

from planning.errors import PlanningError
from planning.fleet.candidates import FLEX_START_HOURS, Candidate, LeftOut, rework_at
from planning.fleet.problem import Problem
from planning.fleet.programme import Settled
from planning.fleet.work import Work


class NoFleet(PlanningError):
    """No fleet does the work within its limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The nodes of one kind."""

    candidate: Candidate
    nodes: int
    node_hours: float
    """Hours that they work, all together, rework included and starting left out."""
    paid_hours: float
    """Hours that they are paid for, all together: those of starting and, if prepaid, of waiting included."""
    unused_hours: float
    """Hours of `paid_hours` with nothing to do: only prepaid nodes have them."""
    rework_multiplier: float
    """Expected hours for each hour of useful work."""
    checkpoint_interval_hours: float
    """The best interval, in hours of useful work; infinite where nothing interrupts."""

    @property
    def useful_hours(self) -> float:
        """Hours that bring the work forward."""
        return self.node_hours / self.rework_multiplier

    @property
    def starting_hours(self) -> float:
        """Hours that are paid for while they start, all together."""
        return self.paid_hours - self.node_hours - self.unused_hours

    @property
    def usd_per_hour(self) -> float:
        """Of one instance, without its volume."""
        return self.candidate.price.usd_per_hour

    @property
    def usd(self) -> float:
        """US dollars for instances and their volumes."""
        return self.candidate.usd_per_hour * self.paid_hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """US dollars, part by part. They add up to the plan's cost."""

    compute: float
    """Instances while they do useful work."""
    rework: float
    """Instances while they write checkpoints, restart, or do again what an interruption has undone: expected."""
    starting: float
    """Instances while they start."""
    unused: float
    """Prepaid instances while they have nothing to do."""
    volumes: float
    """The nodes' volumes."""
    storage: float
    """Object storage."""
    transfer: float
    """Data in and results out."""
    control_plane: float
    """The Kubernetes control plane."""

    @property
    def usd(self) -> float:
        """All of it."""
        return sum(dataclasses.astuple(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """A fleet that does the work within its limits."""

    work: Work
    pools: tuple[Pool, ...]
    hours: float
    """Expected, from now until the results are back."""
    breakdown: Breakdown
    bound: float
    """No fleet is better than this, in US dollars or hours."""
    gap: float
    """How much better than this one the best fleet could be, as a share; 0: this is the best one."""
    left_out: tuple[LeftOut, ...]
    assumed: tuple[str, ...]
    """What was taken for something without a source of its own."""
    unknown: tuple[str, ...]
    """What is in no sum because no price of it is known."""

    @property
    def usd(self) -> float:
        """What it is expected to cost."""
        return self.breakdown.usd

    @property
    def nodes(self) -> int:
        """All nodes."""
        return sum(pool.nodes for pool in self.pools)

    @property
    def main(self) -> Pool:
        """The pool that does most of the work."""
        return max(self.pools, key=lambda pool: pool.useful_hours * pool.candidate.useful_share_per_hour)


def describe(problem: Problem, fleet: Settled, *, bound: float, gap: float, left_out: tuple[LeftOut, ...]) -> FleetPlan:
    """The plan of a fleet that the search has found."""
    work = problem.work
    pools = tuple(_pool(problem, fleet, int(number)) for number in fleet.counts.nonzero()[0])
    sites = tuple({id(pool.candidate.site): pool.candidate.site for pool in pools}.values())
    breakdown = Breakdown(
        compute=sum(pool.usd_per_hour * pool.useful_hours for pool in pools),
        rework=sum(pool.usd_per_hour * (pool.node_hours - pool.useful_hours) for pool in pools),
        starting=sum(pool.usd_per_hour * pool.starting_hours for pool in pools),
        unused=sum(pool.usd_per_hour * pool.unused_hours for pool in pools),
        volumes=sum(pool.candidate.site.disk_usd_per_hour * pool.paid_hours for pool in pools),
        storage=sum(site.storage_usd_per_hour for site in sites) * fleet.hours,
        transfer=sum(site.transfer_usd for site in sites),
        control_plane=sum(site.control_plane_usd_per_hour for site in sites) * fleet.hours,
    )
    return FleetPlan(
        work=work,
        pools=pools,
        hours=fleet.hours,
        breakdown=breakdown,
        bound=bound,
        gap=gap,
        left_out=left_out,
        assumed=tuple(dict.fromkeys([*(word for site in sites for word in site.assumed), *_assumptions(pools)])),
        unknown=tuple(dict.fromkeys(word for site in sites for word in site.unknown)),
    )


def _pool(problem: Problem, fleet: Settled, number: int) -> Pool:
    candidate = problem.candidates[number]
    nodes = int(fleet.counts[number])
    work = problem.work
    together = nodes if work.coupling == "synchronous" else 1
    rework = rework_at(work, together * candidate.interruptions_per_hour)
    node_hours = float(fleet.node_hours[number])
    paid = node_hours + nodes * work.startup_hours
    unused = 0.0
    if candidate.is_prepaid:
        paid, needed = nodes * problem.paid_hours(number, fleet.hours), paid
        unused = paid - needed
    return Pool(
        candidate=candidate,
        nodes=nodes,
        node_hours=node_hours,
        paid_hours=paid,
        unused_hours=unused,
        rework_multiplier=rework.multiplier,
        checkpoint_interval_hours=rework.checkpoint_interval_hours,
    )


def _assumptions(pools: tuple[Pool, ...]) -> list[str]:
    words = []
    for pool in pools:
        each = pool.candidate
        if each.interruptions_assumed:
            band = each.price.interruption_band
            why = f"its band {band} has no upper end" if band else f"{each.price.cloud} publishes no interruptions"
            words.append(f"{each}: 30 % of instances are taken to be interrupted in a month, since {why}")
        if not each.throughput.is_measured:
            words.append(f"the speed of {each.kind.gpu} is modelled from data sheets, not measured")
        if each.price.basis != "published":
            words.append(f"the price of {each} is {each.price.basis}: {each.price.source}")
        if each.price.capacity == "flex_start":
            words.append(f"{each}: is taken to start after a wait that you set; nobody publishes it")
            words.append(f"{each}: ends after {FLEX_START_HOURS:g} hours, and no node is planned for longer")
    return words
