"""What a fleet is wanted for: the work, and everything that limits which fleet may do it."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import Any, Literal, get_args

from planning.errors import PlanningError
from planning.fleet.gpus import gpus as table
from planning.fleet.quotas import ANY, Quota
from planning.network.places import Place
from planning.prices.book import PriceBook
from planning.prices.model import ARCHITECTURES, CAPACITIES, CLOUDS, Architecture, Capacity, Cloud
from planning.quantities import SECONDS_PER_HOUR, above, at_least, between, is_number, one_of, problems_of, whole

Coupling = Literal["independent", "synchronous"]
"""independent: pieces that any node can do alone. synchronous: one job whose nodes go from step to step together."""
Need = Literal["nvlink", "rdma"]
"""nvlink: between the GPUs of a node. rdma: between nodes, past the kernel (EFA, GPUDirect, InfiniBand)."""

MOST_NODES = 1000
LONGEST_HOURS = 8760.0
"""A year: the longest deadline, and the longest that anything is waited for."""
MOST_WORK = 1e12
"""GPU-hours of a work. The same number bounds the seconds and the US dollars that people give."""
MOST_SAMPLES = 1e18
_LEAST = 1e-9
"""The least of what has to be above 0."""
MOST_GB = 1e9
"""An exabyte: the most data, results or volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The work and its limits. Raises PlanningError naming every field that makes no sense."""

    gpu_hours: float | None = None
    """Hours that one reference GPU would take; this or `samples`."""
    samples: float | None = None
    """Samples to process, all passes together; needs `measured`."""
    reference_gpu: str = "A100"
    """The GPU that `gpu_hours` is meant for, a model of the table of GPUs."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What one GPU of a model was measured to do, in samples a second (with `gpu_hours`: in any one unit). Models that
    were not measured are modelled in proportion."""
    compute_share: float = 0.5
    """Share of the reference GPU's time that arithmetic takes; its memory takes the rest. For modelled throughput."""
    coupling: Coupling = "independent"
    scaling_loss: float = 0.0
    """Synchronous work: what each further node costs all of them, as a share: n nodes are n / (1 + loss (n - 1)) times
    as fast as one (Amdahl's law)."""

    deadline_hours: float
    """Hours from now until the results have to be back."""
    budget_usd: float | None = None
    """Most that it may be expected to cost, in US dollars; None: no limit."""
    max_nodes: int = 64
    """Most nodes at the same time."""
    quotas: tuple[Quota, ...] = ()

    gpu_memory_gib: float = 0.0
    """Memory that each GPU has to have, in GiB."""
    min_gpus_per_node: int = 1
    needs: tuple[Need, ...] = ()
    clouds: tuple[Cloud, ...] = ()
    """Clouds to choose from; none: all. So it is with what follows."""
    regions: tuple[str, ...] = ()
    capacities: tuple[Capacity, ...] = ()
    gpus: tuple[str, ...] = ()
    instance_types: tuple[str, ...] = ()
    without_types: tuple[str, ...] = ()
    """Instance types that are not wanted."""
    without_regions: tuple[Place, ...] = ()
    """Regions that are not wanted."""
    architectures: tuple[Architecture, ...] = ("x86_64",)
    """Images are built for these."""
    one_region: bool = True
    """Whether all nodes are in one region; a synchronous job always is."""
    max_share: float = 1.0
    """Largest share of independent work that one instance type in one zone may do."""

    data: Place | None = None
    """Where the data lies and the results go; None: nothing is moved."""
    data_gb: float = 0.0
    """Data to bring to the nodes' region, in GB (10^9 bytes)."""
    result_gb: float = 0.0
    """Results to bring back, in GB."""
    storage_gb: float | None = None
    """Object storage while the fleet is there, in GB; None: a copy of the data where it is moved, and the results."""
    disk_gib: float = 200.0
    """Volume of each node, in GiB."""

    checkpoint_seconds: float = 60.0
    """How long writing a checkpoint stops the work."""
    restart_seconds: float = 300.0
    """From an interruption until the work goes on from its checkpoint, on a new node."""
    startup_seconds: float = 300.0
    """From a node's first billed second until it works; 60 or more, which is what clouds bill at least."""
    interruptions_per_hour: float | None = None
    """Of one spot instance, where you know better than what is published; None: the price book's band."""
    flex_start_wait_hours: float = 1.0
    """How long flex-start capacity is expected to let wait. Nobody publishes it."""

    def __post_init__(self) -> None:
        problems = [*_wrong_numbers(self), *_wrong_words(self), *_contradictions(self)]
        if problems:
            raise PlanningError.of(problems)

    @property
    def startup_hours(self) -> float:
        """`startup_seconds`, in hours."""
        return self.startup_seconds / SECONDS_PER_HOUR

    @property
    def moves_data(self) -> bool:
        """Whether there is anything to bring to the nodes or back."""
        return self.data is not None and self.data_gb + self.result_gb > 0

    def speedup(self, nodes: int) -> float:
        """How many times as fast as one node so many are."""
        return nodes / (1 + self.scaling_loss * (nodes - 1))

    def but(self, **changes: Any) -> "Work":
        """The same work with other limits. Raises PlanningError as the class does."""
        return dataclasses.replace(self, **changes)


def check_names(work: Work, book: PriceBook) -> None:
    """Raises PlanningError naming every region, GPU, type, place and quota that the price book does not have."""
    clouds = work.clouds or CLOUDS
    gpus = {each.gpu for each in book.types if each.gpu and each.cloud in clouds}
    known: dict[str, tuple[tuple[str, ...], set[str]]] = {
        "regions": (work.regions, {each.name for each in book.regions if each.cloud in clouds}),
        "gpus": (work.gpus, gpus | {name for each in table() for name in each.names if gpus & set(each.names)}),
        "measured": (tuple(work.measured), gpus | {name for each in table() for name in each.names}),
        "instance_types": (work.instance_types, {each.name for each in book.types if each.cloud in clouds}),
        "without_types": (work.without_types, {each.name for each in book.types}),
    }
    problems = [
        f"{name} = {wrong!r}: the price book has none such{_of(work)}; it has {_some(words)}"
        for name, (asked, words) in known.items()
        for wrong in asked
        if wrong not in words
    ]
    for name, places in (("data", [work.data] if work.data else []), ("without_regions", work.without_regions)):
        problems += [
            f"{name} = '{place}': the price book has no such region; it has "
            + _some({f"{each.cloud}:{each.name}" for each in book.regions})
            for place in places
            if book.region_of(place.cloud, place.region) is None
        ]
    for quota in work.quotas:
        problems += _unknown_to(book, quota)
    if problems:
        raise PlanningError.of(problems)


def _unknown_to(book: PriceBook, quota: Quota) -> Iterator[str]:
    """What a quota speaks of and the book does not have: such a quota would limit nothing."""
    where = "" if quota.cloud == ANY else f" on {quota.cloud}"
    regions = {each.name for each in book.regions if quota.cloud in (ANY, each.cloud)}
    if quota.region not in (ANY, *regions):
        yield f"quota {quota}: the price book has no region {quota.region!r}{where}; {_meant(quota.region, regions)}"
    types = [each for each in book.types if each.gpu and quota.cloud in (ANY, each.cloud)]
    if quota.what != ANY and not any(quota.speaks_of(each) for each in types):
        families = {re.split(r"[.-]", each.name)[0] for each in types}
        words = {each.gpu for each in types} | {each.name for each in types} | families
        shown = _meant(quota.what, words, {each.gpu for each in types})
        yield (
            f"quota {quota}: the price book has no GPU, type with GPUs or family of them {quota.what!r}{where}; {shown}"
        )


def _meant(word: str, known: set[str], shown: set[str] | None = None) -> str:
    """Names that look like it; else what there is."""
    plain = {each.lower(): each for each in sorted(known)}
    close = get_close_matches(word.lower(), plain, n=3)
    return f"did you mean {' or '.join(plain[each] for each in close)}?" if close else f"it has {_some(shown or known)}"


def _of(work: Work) -> str:
    return f" in {', '.join(work.clouds)}" if work.clouds else ""


def _some(words: set[str]) -> str:
    shown = sorted(words)
    return ", ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "") if shown else "none"


def _wrong_numbers(work: Work) -> Iterator[str]:
    checks: list[Callable[[], object]] = [
        lambda: work.gpu_hours is None or _within("gpu_hours", work.gpu_hours, MOST_WORK),
        lambda: work.samples is None or _within("samples", work.samples, MOST_SAMPLES),
        lambda: between("compute_share", work.compute_share, 0, 1),
        lambda: between("scaling_loss", work.scaling_loss, 0, 1),
        lambda: between("deadline_hours", above("deadline_hours", work.deadline_hours, 0), 0, LONGEST_HOURS),
        lambda: work.budget_usd is None or _within("budget_usd", work.budget_usd, MOST_WORK),
        lambda: between("max_nodes", whole("max_nodes", work.max_nodes, 1), 1, MOST_NODES),
        lambda: at_least("gpu_memory_gib", work.gpu_memory_gib, 0),
        lambda: whole("min_gpus_per_node", work.min_gpus_per_node, 1),
        lambda: between("max_share", above("max_share", work.max_share, 0), 0, 1),
        lambda: between("data_gb", work.data_gb, 0, MOST_GB),
        lambda: between("result_gb", work.result_gb, 0, MOST_GB),
        lambda: work.storage_gb is None or between("storage_gb", work.storage_gb, 0, MOST_GB),
        lambda: between("disk_gib", work.disk_gib, 0, MOST_GB),
        lambda: at_least("checkpoint_seconds", work.checkpoint_seconds, 0),
        lambda: at_least("restart_seconds", work.restart_seconds, 0),
        lambda: between("startup_seconds", work.startup_seconds, 60, LONGEST_HOURS * SECONDS_PER_HOUR),
        lambda: (
            work.interruptions_per_hour is None or at_least("interruptions_per_hour", work.interruptions_per_hour, 0)
        ),
        lambda: between("flex_start_wait_hours", work.flex_start_wait_hours, 0, LONGEST_HOURS),
        *(partial(_within, f"measured {gpu}", rate, MOST_WORK) for gpu, rate in work.measured.items()),
    ]
    yield from problems_of(checks)


def _within(name: str, value: float, most: float) -> float:
    """A number above 0 that is `most` or less, and not so small that dividing by it gives none."""
    above(name, value, 0)
    return between(name, value, _LEAST, most)


def _wrong_words(work: Work) -> Iterator[str]:
    fields: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
        ("coupling", (work.coupling,), get_args(Coupling)),
        ("needs", work.needs, get_args(Need)),
        ("clouds", work.clouds, CLOUDS),
        ("capacities", work.capacities, CAPACITIES),
        ("architectures", work.architectures, ARCHITECTURES),
    ]
    yield from problems_of(partial(one_of, name, word, known) for name, words, known in fields for word in words)


def _contradictions(work: Work) -> Iterator[str]:
    if (work.gpu_hours is None) == (work.samples is None):
        yield "gpu_hours and samples: exactly one of them must say how much work there is"
    if work.samples is not None and not work.measured:
        yield "samples: needs measured, the samples a second of one GPU of at least one model"
    if not work.architectures:
        yield "architectures = (): must name at least one"
    if work.scaling_loss and work.coupling != "synchronous":
        yield (
            f"scaling_loss = {work.scaling_loss:g}: independent nodes do not slow each other; must be 0, or coupling "
            "synchronous"
        )
    if work.max_share != 1 and work.coupling == "synchronous":
        yield (
            f"max_share = {work.max_share:g}: a synchronous job has nodes of one kind; must be 1, or coupling "
            "independent"
        )
    if not work.one_region and work.coupling == "synchronous":
        yield "one_region = False: a synchronous job is in one zone; must be True, or coupling independent"
    if work.data is None and work.data_gb + work.result_gb > 0:
        yield f"data_gb, result_gb = {work.data_gb:g}, {work.result_gb:g}: needs data, the place where they lie"
    ready = (work.startup_seconds if is_number(work.startup_seconds) else 0) / SECONDS_PER_HOUR
    if is_number(work.deadline_hours) and 0 < work.deadline_hours <= ready:
        yield f"deadline_hours = {work.deadline_hours:g}: must be above the {ready:g} hours that a node takes to start"
    if clash := sorted(set(work.instance_types) & set(work.without_types)):
        yield f"without_types = {', '.join(clash)}: instance_types asks for them"
