"""Measures a region by every criterion that the request gives a meaning to, from the price book and the features."""

from collections.abc import Mapping, Sequence

from planning.comparison.candidates import Candidate, Offer
from planning.comparison.criteria import CriterionName, Measurement, Source
from planning.comparison.features import FEATURES, FeatureTable
from planning.comparison.request import Request
from planning.fleet.gpus import gpu_of
from planning.network.places import distance_km, region_at
from planning.network.transfer import Transfer, plan_transfer
from planning.prices.book import PriceBook, cost_of
from planning.prices.model import Capacity, InstancePrice, InstanceType, Region, ServicePrice
from planning.quantities import BYTES_PER_GB, BYTES_PER_GIB, SECONDS_PER_HOUR
from planning.spot.interruption import MONTHLY_SHARES

EGRESS_VOLUME_GB = 1000.0
"""What a month's egress is priced for; a first tier that is free would say nothing."""
LEAST_KNOWN_FEATURES = 0.5
"""Below this share of known features, protection is unknown: one known yes is no full score."""


def measure(
    book: PriceBook, features: FeatureTable, request: Request, candidate: Candidate
) -> Mapping[CriterionName, Measurement]:
    """What every criterion says of a region; those that the request gives no meaning to are left out.

    Raises PlanningError as `plan_transfer` does.
    """
    found: dict[CriterionName, Measurement] = {
        "price": _price(candidate, request, "on_demand"),
        "spot_price": _price(candidate, request, "spot"),
        "spot_stability": _spot_stability(candidate),
        "availability": _availability(candidate),
        "network": _network(candidate),
        "storage": _storage(book, request, candidate),
        "egress": _egress(book, candidate),
        "protection": _protection(features, candidate),
    }
    if request.data == candidate.place:
        found["transfer_cost"], found["transfer_time"] = _nothing_to_move("$0.00"), _nothing_to_move("0 min")
    elif request.data is not None:
        transfer = plan_transfer(book, request.data, candidate.place, request.data_gb)
        found["transfer_cost"] = _transfer_cost(book, transfer)
        found["transfer_time"] = _transfer_time(transfer)
    if request.near is not None:
        near = region_at(book, request.near)
        found["distance"] = _distance(candidate.region, near, "the users" if request.users else "the data")
    return found


def _price(candidate: Candidate, request: Request, capacity: Capacity) -> Measurement:
    words = _words(capacity)
    offers = [offer for offer in candidate.offers if offer[1].capacity == capacity]
    if not offers:
        return Measurement.unknown(f"the price book has no price {words} there")
    priced = [(price.usd_per_hour / units, kind, price, extra) for kind, price, units, extra in _units(offers, request)]
    if not priced:
        return Measurement.unknown("no throughput is known of the GPUs there")
    value, kind, price, extra = min(priced, key=lambda each: (each[0], each[1].name, each[2].zone))
    unit = {"gpu": "GPU-hour", "memory": "GiB-hour", "tflops": "TFLOPS-hour"}[request.unit]
    where = f" in {price.zone}" if price.zone else ""
    return Measurement(
        value=value,
        amount=f"${value:,.2f}" if request.unit == "gpu" else f"${value:.4f}",
        unit=f"/{unit}",
        detail=f"{kind.name}{where}: {kind.gpu_count} x {kind.gpu} with {kind.gpu_memory_gib:g} GiB, "
        f"${price.usd_per_hour:,.4f}/h {words}",
        sources=(_source(price), *extra),
        rough=price.basis != "published" or bool(extra),
    )


def _units(
    offers: Sequence[Offer], request: Request
) -> list[tuple[InstanceType, InstancePrice, float, tuple[Source, ...]]]:
    """Each offer with how many units of what prices are for its instance has."""
    found: list[tuple[InstanceType, InstancePrice, float, tuple[Source, ...]]] = []
    for kind, price in offers:
        if request.unit == "gpu":
            found.append((kind, price, float(kind.gpu_count), ()))
        elif request.unit == "memory":
            found.append((kind, price, kind.gpu_count * kind.gpu_memory_gib, ()))
        elif gpu := gpu_of(kind.gpu, kind.gpu_memory_gib):
            extra = Source(f"peak of {gpu.name}, which no work reaches: {gpu.source}", None, "modelled")
            found.append((kind, price, kind.gpu_count * gpu.dense_fp16_tflops, (extra,)))
    return found


def _spot_stability(candidate: Candidate) -> Measurement:
    bands = {kind.name: price for kind, price in candidate.offers if price.interruption_band}
    spot = {kind.name for kind, price in candidate.offers if price.capacity == "spot"}
    if not spot:
        return Measurement.unknown("the price book has no price on spot there")
    if not bands:
        return Measurement.unknown("the cloud publishes no interruption bands, as far as the price book knows")
    value = 100 * sum(MONTHLY_SHARES[price.interruption_band] for price in bands.values()) / len(bands)
    counted = ", ".join(
        f"{sum(price.interruption_band == band for price in bands.values())} in {band}"
        for band in MONTHLY_SHARES
        if band and any(price.interruption_band == band for price in bands.values())
    )
    return Measurement(
        value=value,
        amount=f"{value:.1f}",
        unit=" %/month",
        detail=f"of {len(spot)} {'type' if len(spot) == 1 else 'types'} on spot: {counted}",
        sources=_distinct([_source(price) for price in bands.values()]),
    )


def _availability(candidate: Candidate) -> Measurement:
    pairs = {(kind.name, price.capacity) for kind, price in candidate.offers}
    kinds = ", ".join(sorted({_words(capacity) for _, capacity in pairs}))
    models = ", ".join(sorted({kind.gpu for kind in candidate.types}))
    types = len(candidate.types)
    return Measurement(
        value=float(len(pairs)),
        amount=f"{len(pairs)}",
        detail=f"{types} {'type' if types == 1 else 'types'} ({models}), {kinds}; what is free right now is unknown",
        sources=_distinct([_source(price) for _, price in candidate.offers]),
    )


def _network(candidate: Candidate) -> Measurement:
    known = [(kind.network_gbps / kind.gpu_count, kind) for kind in candidate.types if kind.network_gbps is not None]
    if not known:
        return Measurement.unknown("the price book does not know the network of the types there")
    value, kind = max(known, key=lambda each: (each[0], each[1].name))
    return Measurement(
        value=value,
        amount=f"{value:.4g}",
        unit=" Gbit/s/GPU",
        detail=f"{kind.name}: {kind.network_gbps:g} Gbit/s for {kind.gpu_count} x {kind.gpu}",
        sources=(Source(kind.source, kind.as_of, "published"),),
    )


def _storage(book: PriceBook, request: Request, candidate: Candidate) -> Measurement:
    gib = request.data_gb * BYTES_PER_GB / BYTES_PER_GIB
    return _service(book, candidate, "object_storage_gib_month", gib, f"{request.data_gb:,g} GB", "GiB-month")


def _egress(book: PriceBook, candidate: Candidate) -> Measurement:
    return _service(book, candidate, "egress_internet_gb", EGRESS_VOLUME_GB, f"{EGRESS_VOLUME_GB:,g} GB", "GB")


def _service(
    book: PriceBook, candidate: Candidate, service: str, quantity: float, words: str, unit: str
) -> Measurement:
    tiers = book.tiers_of(candidate.region.cloud, candidate.region.name, service)
    if not tiers:
        return Measurement.unknown(f"the price book has no {service} there")
    usd = cost_of(tiers, quantity)
    used = [tier for tier in tiers if tier.from_quantity < quantity]
    return Measurement(
        value=usd / quantity,
        amount=f"${usd / quantity:.4f}",
        unit=f"/{unit}",
        detail=f"{words} in a month: ${usd:,.2f}",
        sources=_distinct([_source(tier) for tier in used]),
        rough=any(tier.basis != "published" for tier in used),
    )


def _nothing_to_move(amount: str) -> Measurement:
    return Measurement(
        value=0.0,
        amount=amount,
        detail="the data lies there already",
        sources=(Source("nothing is moved to where the data lies", None, "modelled"),),
    )


def _transfer_cost(book: PriceBook, transfer: Transfer) -> Measurement:
    if transfer.usd is None:
        return Measurement.unknown(f"nobody tells what this costs from {transfer.source}: {transfer.sources[0]}")
    tiers = book.tiers_of(transfer.source.cloud, transfer.source.region, transfer.egress_service)
    used = [tier for tier in tiers if tier.from_quantity < transfer.gigabytes]
    return Measurement(
        value=transfer.usd,
        amount=f"${transfer.usd:,.2f}",
        detail=f"egress of {transfer.gigabytes:,g} GB from {transfer.source}" + ("" if used else ", free"),
        sources=_distinct([_source(tier) for tier in used]) or (Source(transfer.sources[0], None, "published"),),
        rough=any(tier.basis != "published" for tier in used),
    )


def _transfer_time(transfer: Transfer) -> Measurement:
    hours = transfer.seconds / SECONDS_PER_HOUR
    return Measurement(
        value=transfer.seconds,
        amount=f"{hours:.1f} h" if hours >= 1 else f"{transfer.seconds / 60:.1f} min",
        detail=f"{transfer.gigabytes:,g} GB from {transfer.source} at {transfer.bandwidth_gbps:.3g} Gbit/s, "
        f"limited by {transfer.limited_by}",
        sources=tuple(Source(text, None, "modelled") for text in (*transfer.sources[1:], *transfer.assumptions)),
        rough=True,
    )


def _protection(features: FeatureTable, candidate: Candidate) -> Measurement:
    rows = features.known_of(candidate.region.cloud)
    known = len(rows) / len(FEATURES)
    missing = [name for name in FEATURES if name not in {row.feature for row in rows}]
    if known < LEAST_KNOWN_FEATURES:
        return Measurement.unknown(f"only {len(rows)} of {len(FEATURES)} features are known")
    offered = sum(row.offered == "yes" for row in rows)
    tail = f"; unknown: {', '.join(missing)}" if missing else ""
    refused = [row.feature for row in rows if row.offered == "no"]
    tail = (f"; without {', '.join(refused)}" if refused else "") + tail
    return Measurement(
        value=offered / len(rows),
        amount=f"{offered} of {len(rows)}",
        unit=" features",
        detail=f"{offered} of {len(rows)} known features{tail}",
        sources=_distinct([Source(row.source, row.as_of, "published") for row in rows]),
        known=known,
    )


def _distance(region: Region, near: Region, what: str) -> Measurement:
    value = distance_km(region, near)
    return Measurement(
        value=value,
        amount=f"{value:,.0f}",
        unit=" km",
        detail=f"{region.place} to {what} at {near.place}",
        sources=_distinct([Source(each.source, each.as_of, "published") for each in (region, near)]),
    )


def _words(capacity: Capacity) -> str:
    return "on spot" if capacity == "spot" else capacity.replace("_", " ")


def _source(price: InstancePrice | ServicePrice) -> Source:
    return Source(price.source, price.as_of, price.basis)


def _distinct(sources: Sequence[Source]) -> tuple[Source, ...]:
    return tuple(dict.fromkeys(sources))
