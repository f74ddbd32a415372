"""What a load test found, put together: as a document that JSON can hold, and the sentences that belong to it."""

from dataclasses import asdict, dataclass
from typing import Any

from planning.capacity.closed_loop import Bounds, Load
from planning.capacity.knee import BASES, Knee, find_knee
from planning.capacity.ladder import ENDINGS
from planning.capacity.measurement import ENOUGH_FOR_P99, PERCENTILES, Step
from planning.capacity.replicas import Fleet, Need, Offer, size

NO_KNEE = "no concurrency was measured to its end with answers, without failures, and within the limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One protocol: what was measured, and what follows."""

    protocol: str
    address: str
    load: Load
    knee: Knee | None
    fleet: Fleet | None
    """None without a target or a knee."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTest:
    """A whole load test."""

    model: str
    batch_size: int
    """Items in each request."""
    taken_at: str
    """ISO 8601, UTC."""
    bounds: Bounds
    p99_limit_ms: float | None
    need: Need | None
    offer: Offer | None
    is_here: bool
    """Whether the service runs on this machine."""
    curves: tuple[Curve, ...]


def curve_of(
    protocol: str, address: str, load: Load, *, p99_limit_ms: float | None, need: Need | None, offer: Offer | None
) -> Curve:
    """Finds the knee of a load, and the fleet that a need asks for."""
    knee = find_knee(load.steps, p99_limit_ms)
    fleet = size(need, knee.step.requests_per_second, offer) if need and knee else None
    return Curve(protocol=protocol, address=address, load=load, knee=knee, fleet=fleet)


def notes(test: LoadTest) -> list[str]:
    """What the figures of this test rest on, a sentence each."""
    found = [
        "Closed loop: each client waits for its answer, so that a slow service is sent less. Users who do not wait see "
        "higher latencies.",
    ]
    if test.is_here:
        found.append("The clients ran on the service's own machine and took their share of its processors.")
    if any(len(step.latencies_ms) < ENOUGH_FOR_P99 for curve in test.curves for step in curve.load.steps):
        found.append(f"Where fewer than {ENOUGH_FOR_P99} requests were answered, p99 is the slowest one.")
    if test.need:
        found.append(
            f"A replica is taken to carry what the one here did, less {test.need.headroom:.0%}; replicas share nothing."
            if test.need.measured_replicas == 1
            else f"A replica is taken to carry 1/{test.need.measured_replicas} of what was measured, less "
            f"{test.need.headroom:.0%}; replicas share nothing."
        )
        found.append(_price_note(test))
    return found


def document(test: LoadTest) -> dict[str, Any]:
    """All of it, for JSON: milliseconds, seconds, requests a second, US dollars an hour."""
    return {
        "model": test.model,
        "batch_size": test.batch_size,
        "taken_at": test.taken_at,
        **asdict(test.bounds),
        "p99_limit_ms": test.p99_limit_ms,
        "need": asdict(test.need) if test.need else None,
        "instance": _instance(test.offer) if test.offer else None,
        "curves": [_curve(curve, is_here=test.is_here) for curve in test.curves],
        "notes": notes(test),
    }


def usd_per_hour(fleet: Fleet, *, is_here: bool) -> float | None:
    """What a fleet costs an hour: nothing on this machine where no instance is named, unknown elsewhere."""
    return 0.0 if fleet.usd_per_hour is None and is_here else fleet.usd_per_hour


def _curve(curve: Curve, *, is_here: bool) -> dict[str, Any]:
    return {
        "protocol": curve.protocol,
        "address": curve.address,
        "ended": curve.load.ending,
        "ended_because": ENDINGS[curve.load.ending],
        "requests_sent": curve.load.sent,
        "errors_said": curve.load.said,
        "steps": [_step(step) for step in curve.load.steps],
        "knee": {**_step(curve.knee.step), "basis": curve.knee.basis, "means": BASES[curve.knee.basis]}
        if curve.knee
        else None,
        "needed": asdict(curve.fleet) | {"usd_per_hour": usd_per_hour(curve.fleet, is_here=is_here)}
        if curve.fleet
        else None,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "concurrency": step.concurrency,
        "seconds": step.seconds,
        "answered": step.answered,
        "requests_per_second": step.requests_per_second,
        **{f"p{percent}_ms": step.latency_ms(percent) for percent in PERCENTILES},
        "errors": dict(step.errors),
        "is_whole": step.is_whole,
    }


def _instance(offer: Offer) -> dict[str, Any]:
    price = offer.price
    return {
        "cloud": price.cloud,
        "region": price.region,
        "type": offer.type.name,
        "capacity": price.capacity,
        "gpus": offer.type.gpu_count,
        "usd_per_hour": price.usd_per_hour,
        "basis": price.basis,
        "source": price.source,
        "as_of": price.as_of.isoformat(),
    }


def _price_note(test: LoadTest) -> str:
    if test.offer:
        price = test.offer.price
        return (
            f"{test.offer.type.name} in {price.region}, {price.capacity}, is taken to be as fast as what was measured, "
            f"at ${price.usd_per_hour:g} an hour ({price.basis}: {price.source}, {price.as_of})."
        )
    if test.is_here:
        return "It costs nothing here: this machine has no price. --instance-type and --region tell what it would cost."
    return "What it costs is unknown: no instance is named. --instance-type and --region tell."
