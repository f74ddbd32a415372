"""The offers that a fleet can be made of: an instance type, in a region or zone, bought one way, with what it does.

What is left out, and why, is counted: a plan that leaves out half of the market has to say so.
"""

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache

from planning.fleet.gpus import gpu_of
from planning.fleet.sites import Site, site_of
from planning.fleet.throughput import Throughput, ThroughputModel
from planning.fleet.work import Work, check_names
from planning.network.places import Place
from planning.prices.book import PriceBook
from planning.prices.model import InstancePrice, InstanceType
from planning.quantities import SECONDS_PER_HOUR
from planning.spot.interruption import interruptions_per_hour, is_assumed
from planning.spot.rework import SpotRework, best_rework

BLOCK_HOURS = 24.0
"""AWS sells capacity blocks in whole days. Source: Amazon EC2 User Guide, "Capacity Blocks for ML"."""
FLEX_START_HOURS = 168.0
"""Hours after which Google ends a flex-start node, whatever runs on it. Source: GKE, "About GPU and TPU provisioning
with flex-start provisioning mode"."""
MOST_REWORK = 1e9
"""Expected hours for an hour of work: with more, a thousand nodes do half a minute of it in a year."""
_ENDLESS = "would never finish at this interruption rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One offer that meets every hard need."""

    kind: InstanceType
    price: InstancePrice
    site: Site
    throughput: Throughput
    """Of one of its GPUs."""
    interruptions_per_hour: float
    """Hazard of one instance; 0 unless it is spot."""
    interruptions_assumed: bool
    """Whether the hazard rests on an assumption of this project."""
    rework: SpotRework
    """What interruptions make of work on one node alone."""
    wait_hours: float
    """From now until its nodes work: data, waiting for capacity, starting."""
    most_hours: float
    """Hours that a node can work before it is ended; infinite where nobody ends it."""

    @property
    def place(self) -> Place:
        """Its region."""
        return self.site.place

    @property
    def usd_per_hour(self) -> float:
        """Of one node with its volume."""
        return self.price.usd_per_hour + self.site.disk_usd_per_hour

    @property
    def useful_share_per_hour(self) -> float:
        """Share of the whole work that a node does in an hour in which nothing is interrupted."""
        return self.kind.gpu_count * self.throughput.share_per_hour

    @property
    def share_per_hour(self) -> float:
        """Share of the whole work that a node alone is expected to do in an hour."""
        return self.useful_share_per_hour / self.rework.multiplier

    @property
    def is_prepaid(self) -> bool:
        """Whether it is paid for all of the time, used or not."""
        return self.price.capacity == "reserved"

    @property
    def block_hours(self) -> float:
        """What prepaid time is a multiple of; 0: any time."""
        return BLOCK_HOURS if self.is_prepaid and self.price.cloud == "aws" else 0.0

    def __str__(self) -> str:
        where = self.price.zone or self.price.region
        return f"{self.kind.name} ({self.price.capacity}, {self.price.cloud}:{where})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Offers that were left out for one reason."""

    reason: str
    offers: int
    """How many."""
    types: tuple[str, ...]
    """Which instance types, in alphabetical order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What there is to choose from."""

    candidates: tuple[Candidate, ...]
    sites: tuple[Site, ...]
    left_out: tuple[LeftOut, ...]


def find_candidates(work: Work, book: PriceBook) -> Market:
    """All offers of the book that meet the needs. Raises PlanningError for names that the book does not have."""
    check_names(work, book)
    model = ThroughputModel(work)
    throughput_of = cache(model.of)
    site_at = cache(lambda place: site_of(work, book, place))

    @cache
    def rework_of(hazard: float) -> SpotRework:
        return rework_at(work, hazard)

    candidates: list[Candidate] = []
    reasons: Counter[str] = Counter()
    types: dict[str, set[str]] = {}
    for kind, price in book.offers():
        reason = _wrong(work, kind, price)
        throughput = None if reason else throughput_of(kind.gpu, kind.gpu_memory_gib)
        if throughput is None:
            reason = reason or f"nothing known of how fast {kind.gpu} is: not measured, and in no table of GPUs"
            reasons[reason] += 1
            types.setdefault(reason, set()).add(kind.name)
            continue
        hazard = hazard_of(work, price)
        rework = rework_of(hazard)
        if rework.multiplier > MOST_REWORK:
            reasons[_ENDLESS] += 1
            types.setdefault(_ENDLESS, set()).add(kind.name)
            continue
        site = site_at(Place(price.cloud, price.region))
        waiting = work.flex_start_wait_hours if price.capacity == "flex_start" else 0.0
        candidates.append(
            Candidate(
                kind=kind,
                price=price,
                site=site,
                throughput=throughput,
                interruptions_per_hour=hazard,
                interruptions_assumed=hazard > 0
                and work.interruptions_per_hour is None
                and is_assumed(price.interruption_band),
                rework=rework,
                wait_hours=max(site.arrival_hours, waiting) + work.startup_hours,
                most_hours=_most_hours(work, price),
            )
        )
    return Market(
        candidates=tuple(candidates),
        sites=tuple({id(each.site): each.site for each in candidates}.values()),
        left_out=tuple(
            LeftOut(reason=reason, offers=count, types=tuple(sorted(types[reason])))
            for reason, count in reasons.most_common()
        ),
    )


def hazard_of(work: Work, price: InstancePrice) -> float:
    """Interruptions per hour of one instance: given, or from the band; only spot has any."""
    if price.capacity != "spot":
        return 0.0
    if work.interruptions_per_hour is not None:
        return work.interruptions_per_hour
    return interruptions_per_hour(price.interruption_band)


def rework_at(work: Work, hazard: float) -> SpotRework:
    """What this hazard makes of the work, with the best checkpoint interval."""
    return best_rework(
        checkpoint_hours=work.checkpoint_seconds / SECONDS_PER_HOUR,
        restart_hours=work.restart_seconds / SECONDS_PER_HOUR,
        interruptions_per_hour=hazard,
    )


def _most_hours(work: Work, price: InstancePrice) -> float:
    """Hours that a node can work: a flex-start node starts within the time that it is given."""
    return FLEX_START_HOURS - work.startup_hours if price.capacity == "flex_start" else math.inf


def _wrong(work: Work, kind: InstanceType, price: InstancePrice) -> str:
    """Why an offer does not do; empty if it does."""
    if not kind.gpu:
        return "has no GPU"
    if work.clouds and price.cloud not in work.clouds:
        return "another cloud"
    if work.regions and price.region not in work.regions:
        return "another region"
    if work.capacities and price.capacity not in work.capacities:
        return f"bought another way ({price.capacity})"
    if work.instance_types and kind.name not in work.instance_types:
        return "another instance type"
    if kind.name in work.without_types or Place(price.cloud, price.region) in work.without_regions:
        return "not wanted"
    if _most_hours(work, price) <= 0:
        return f"ends after {FLEX_START_HOURS:g} hours, before it has started"
    if kind.architecture not in work.architectures:
        return f"has {kind.architecture} processors, for which images would have to be built"
    return _wrong_gpu(work, kind)


def _wrong_gpu(work: Work, kind: InstanceType) -> str:
    if work.gpus and kind.gpu not in work.gpus:
        row = gpu_of(kind.gpu, kind.gpu_memory_gib)
        if row is None or not set(work.gpus) & set(row.names):
            return "another GPU"
    if kind.gpu_memory_gib < work.gpu_memory_gib:
        return f"GPUs with less than {work.gpu_memory_gib:g} GiB of memory"
    if kind.gpu_count < work.min_gpus_per_node:
        return f"fewer than {work.min_gpus_per_node} GPUs"
    if "nvlink" in work.needs and kind.gpu_count > 1 and kind.gpu_interconnect != "nvlink":
        return (
            "GPUs not joined by NVLink" if kind.gpu_interconnect else "not known whether its GPUs are joined by NVLink"
        )
    if "rdma" in work.needs and not kind.rdma_interfaces:
        return "no RDMA between nodes known of it"
    return ""
