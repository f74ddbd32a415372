"""How long data travels between regions and clouds, and what that costs: T = B / R, with what bounds the rate R.

The rate is the smallest of: what the connections together reach, each bounded by its TCP window over the round trip, by
loss, and by what the clouds allow one connection; what the machines at either end reach; and a bandwidth that is given.
All of it is modelled, unless a measurement is given.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from planning.errors import PlanningError
from planning.network import latency
from planning.network.egress import ENDS, End, price_egress
from planning.network.limits import ASSUMED_NIC_GBPS, Limit, machine_connection, machine_total, store_connection
from planning.network.places import Place, reach, region_at
from planning.prices.book import PriceBook
from planning.prices.model import InstanceType
from planning.quantities import above, at_least, between, one_of, problems_of, whole

MOST_GB = 1e12
"""The most that is moved at once: a zettabyte. What is larger is a slip."""
_BANDWIDTHS = (1e-6, 1e6)
DEFAULT_STREAMS = 32
DEFAULT_WINDOW_BYTES = 3 * 2**20
"""Bytes that one TCP connection has under way: half of Linux's largest default receive buffer of 6 MB (Linux kernel
documentation, ip-sysctl, tcp_rmem and tcp_adv_win_scale). Newer kernels allow more."""
SEGMENT_BYTES = 1460
"""Payload of one packet at Ethernet's 1,500 bytes, without the headers of IP and TCP."""
SET_UP_ROUND_TRIPS = 3
"""Before the first byte: one round trip each for TCP (RFC 9293), TLS 1.3 (RFC 8446) and the request itself."""
_MATHIS_CONSTANT = math.sqrt(3 / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What moves the data, and over what kind of path. Raises PlanningError naming every figure that makes no sense."""

    source_end: End = "bucket"
    """What holds the data."""
    target_end: End = "machine"
    """What the data goes to. From bucket to bucket, a machine in the target's region moves it."""
    same_zone: bool = False
    """Whether two machines of one region share a zone."""
    machine: InstanceType | None = None
    """The type of the machines that move the data."""
    machines: int = 1
    """How many move it at once."""
    nic_gbps: float | None = None
    """Network bandwidth of one such machine in Gbit/s; None: its type's."""
    link_gbps: float | None = None
    """A bandwidth that is not exceeded, such as that of a leased line."""
    round_trip_ms: float | None = None
    """None: modelled from the distance."""
    path_factor: float = latency.PATH_FACTOR
    """How much longer than straight fibre a modelled round trip takes."""
    window_bytes: float = DEFAULT_WINDOW_BYTES
    loss: float = 0.0
    """Share of packets lost; 0 leaves its effect out."""
    sent_this_month_gb: float = 0.0
    """What has gone the same way this month already: the tiers of the price begin there."""

    def __post_init__(self) -> None:
        problems = list(_problems_of(self))
        if problems:
            raise PlanningError.of(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPath:
    """What somebody has measured on a path; it takes the place of the model. Raises PlanningError for bad figures."""

    bandwidth_gbps: float
    """Gbit/s that all connections together reached."""
    round_trip_ms: float | None = None
    """None: not measured."""
    source: str
    """How, when and from where."""

    def __post_init__(self) -> None:
        between("measured bandwidth in Gbit/s", self.bandwidth_gbps, *_BANDWIDTHS)
        if self.round_trip_ms is not None:
            above("measured round trip in ms", self.round_trip_ms, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer as it is to be expected."""

    source: Place
    target: Place
    gigabytes: float
    seconds: float
    usd: float | None
    """US dollars for egress; None where the book has no price."""
    bandwidth_gbps: float
    """Gbit/s of payload, all connections together."""
    latency_ms: float
    """Round trip in milliseconds."""
    limited_by: str
    """What bounds the bandwidth, in words."""
    egress_service: str
    """What the price is for, as the price book calls it; empty where it is free."""
    sources: tuple[str, ...]
    """Where every figure is from."""
    assumptions: tuple[str, ...]
    """What nobody has given or published, and what it was taken for."""


def plan_transfer(
    book: PriceBook,
    source: Place,
    target: Place,
    gigabytes: float,
    *,
    streams: int = DEFAULT_STREAMS,
    conditions: Conditions | None = None,
    measured: MeasuredPath | None = None,
) -> Transfer:
    """Time and price of moving so many GB (10^9 bytes).

    :param streams: TCP connections at once, of all machines together.
    :param measured: A measurement of the whole path, which the model gives way to.

    Raises PlanningError for figures that make no sense and regions that the book does not know.
    """
    between("gigabytes", at_least("gigabytes", gigabytes, 0.0), 0.0, MOST_GB)
    whole("streams", streams, 1)
    region_at(book, source, "source")
    region_at(book, target, "target")
    by = conditions or Conditions()
    egress = price_egress(
        book,
        source,
        target,
        gigabytes,
        source_end=by.source_end,
        target_end=by.target_end,
        same_zone=by.same_zone,
        sent_this_month_gb=by.sent_this_month_gb,
    )
    round_trip_ms, round_trip_source = _round_trip(book, source, target, by, measured)
    assumptions: list[str] = []
    if measured is not None:
        binding = Limit(gbps=measured.bandwidth_gbps, what="what was measured", source=measured.source)
    else:
        limits = [
            *_connection_limits(source, target, streams, round_trip_ms, by),
            *_machine_limits(source, target, by, assumptions),
        ]
        binding = min(limits, key=lambda each: each.gbps)
    set_up = SET_UP_ROUND_TRIPS * round_trip_ms / 1000 if gigabytes else 0.0
    return Transfer(
        source=source,
        target=target,
        gigabytes=gigabytes,
        seconds=8 * gigabytes / binding.gbps + set_up,
        usd=egress.usd,
        bandwidth_gbps=binding.gbps,
        latency_ms=round_trip_ms,
        limited_by=binding.what,
        egress_service=egress.service,
        sources=tuple(
            dict.fromkeys(
                [f"price: {egress.source}", f"bandwidth: {binding.source}", f"round trip: {round_trip_source}"]
            )
        ),
        assumptions=tuple(assumptions),
    )


def window_limit_gbps(window_bytes: float, round_trip_ms: float) -> float:
    """What one connection reaches in Gbit/s: a window each round trip (RFC 7323, on the bandwidth-delay product)."""
    return 8 * window_bytes / (round_trip_ms / 1000) / 1e9


def loss_limit_gbps(round_trip_ms: float, loss: float) -> float:
    """What one connection reaches in Gbit/s at a share of lost packets; endless at none.

    MSS / RTT * sqrt(3/2) / sqrt(p), for TCP Reno and its kin: Mathis et al., "The Macroscopic Behavior of the TCP
    Congestion Avoidance Algorithm" (1997). CUBIC and BBR, which Linux offers too, suffer less.
    """
    if loss == 0:
        return math.inf
    return 8 * SEGMENT_BYTES / (round_trip_ms / 1000) * _MATHIS_CONSTANT / math.sqrt(loss) / 1e9


def _round_trip(
    book: PriceBook, source: Place, target: Place, by: Conditions, measured: MeasuredPath | None
) -> tuple[float, str]:
    """The round trip in milliseconds, and where it is from."""
    if measured is not None and measured.round_trip_ms is not None:
        return measured.round_trip_ms, measured.source
    if by.round_trip_ms is not None:
        return by.round_trip_ms, "given"
    modelled = latency.round_trip_ms(book, source, target, path_factor=by.path_factor)
    return modelled, latency.source_of(source, target, by.path_factor)


def _connection_limits(
    source: Place, target: Place, streams: int, round_trip_ms: float, by: Conditions
) -> Iterator[Limit]:
    """What all connections reach together, for each thing that bounds one of them."""
    how_far = reach(source, target)
    bounds = [
        Limit(
            gbps=window_limit_gbps(by.window_bytes, round_trip_ms),
            what=f"a TCP window of {by.window_bytes / 2**20:.3g} MiB over a round trip of {round_trip_ms:.3g} ms",
            source="modelled: a window each round trip (RFC 7323)",
        ),
        Limit(
            gbps=loss_limit_gbps(round_trip_ms, by.loss),
            what=f"a packet loss of {by.loss:g} over a round trip of {round_trip_ms:.3g} ms",
            source="modelled: Mathis et al., The Macroscopic Behavior of the TCP Congestion Avoidance Algorithm, 1997",
        ),
        store_connection(source.cloud)
        if by.source_end == "bucket"
        else machine_connection(source.cloud, how_far, "out"),
        store_connection(target.cloud)
        if by.target_end == "bucket"
        else machine_connection(target.cloud, how_far, "in"),
    ]
    many = f"{streams} connections, each with " if streams > 1 else "one connection with "
    for one in bounds:
        if one is not None:
            yield Limit(gbps=streams * one.gbps, what=many + one.what, source=one.source)


def _machine_limits(source: Place, target: Place, by: Conditions, assumptions: list[str]) -> Iterator[Limit]:
    """What the machines that move the data reach together, and the link between them."""
    how_far, vcpus = reach(source, target), by.machine.vcpus if by.machine else None
    nic_gbps, origin = by.nic_gbps, "given"
    if nic_gbps is None and by.machine is not None:
        nic_gbps, origin = by.machine.network_gbps, by.machine.source
    if nic_gbps is None:
        nic_gbps, origin = ASSUMED_NIC_GBPS, "assumed"
        why = f"the price book does not know that of {by.machine.name}" if by.machine else "no machine was named"
        assumptions.append(f"the network of a machine is taken for {ASSUMED_NIC_GBPS:g} Gbit/s: {why}")
    bounds: list[Limit | None] = [
        Limit(gbps=nic_gbps, what=f"the network of a machine, {nic_gbps:g} Gbit/s", source=origin)
    ]
    if by.source_end == "machine":
        bounds.append(machine_total(source.cloud, how_far, "out", nic_gbps=nic_gbps, vcpus=vcpus))
    if by.target_end == "machine" or by.source_end == "bucket":
        bounds.append(machine_total(target.cloud, how_far, "in", nic_gbps=nic_gbps, vcpus=vcpus))
    many = "" if by.machines == 1 else f"{by.machines} machines, each with "
    for one in bounds:
        if one is not None:
            yield Limit(gbps=by.machines * one.gbps, what=many + one.what, source=one.source)
    if by.link_gbps is not None:
        yield Limit(gbps=by.link_gbps, what=f"the given bandwidth of {by.link_gbps:g} Gbit/s", source="given")


def _problems_of(by: Conditions) -> Iterator[str]:
    checks = [
        lambda: one_of("source end", by.source_end, ENDS),
        lambda: one_of("target end", by.target_end, ENDS),
        lambda: whole("machines", by.machines, 1),
        lambda: by.nic_gbps is None or between("network of a machine in Gbit/s", by.nic_gbps, *_BANDWIDTHS),
        lambda: by.link_gbps is None or between("link in Gbit/s", by.link_gbps, *_BANDWIDTHS),
        lambda: by.round_trip_ms is None or above("round trip in ms", by.round_trip_ms, 0.0),
        lambda: at_least("path factor", by.path_factor, 1.0),
        lambda: above("window in bytes", by.window_bytes, 0.0),
        lambda: between("loss", by.loss, 0.0, 0.99),
        lambda: at_least("gigabytes sent this month", by.sent_this_month_gb, 0.0),
    ]
    yield from problems_of(checks)
