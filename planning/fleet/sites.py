"""What a region costs besides its instances: data to bring there and results to bring back, storage, the cluster.

A service without a price in the book is not free. It is taken at the dearest price that the book has for it anywhere,
and said to be assumed; where the book has none at all, it is listed as unknown and is in no sum.
"""

from dataclasses import dataclass, field

from planning.fleet.work import Work
from planning.network.places import Place, reach
from planning.network.transfer import Conditions, Transfer, plan_transfer
from planning.prices.book import SERVICES, PriceBook, cost_of
from planning.quantities import BYTES_PER_GB, BYTES_PER_GIB, HOURS_PER_MONTH, SECONDS_PER_HOUR

CONTROL_PLANE = "kubernetes_control_plane_hour"
OBJECT_STORAGE = "object_storage_gib_month"
BLOCK_STORAGE = "block_storage_gib_month"


@dataclass(slots=True, kw_only=True, eq=False)
class Site:
    """A region as a place for the fleet."""

    place: Place
    transfer_usd: float = 0.0
    """To bring the data there and the results back, once."""
    storage_usd_per_hour: float = 0.0
    """Object storage while the fleet is there."""
    control_plane_usd_per_hour: float = 0.0
    disk_usd_per_hour: float = 0.0
    """The volume of one node."""
    arrival_hours: float = 0.0
    """Until the data is there."""
    return_hours: float = 0.0
    """Until the results are back."""
    assumed: list[str] = field(default_factory=list)
    """What the book has no price for here, and what was taken instead."""
    unknown: list[str] = field(default_factory=list)
    """What the book has no price for anywhere: not in any sum."""

    @property
    def usd_per_hour(self) -> float:
        """What it costs from now until the results are back, each hour."""
        return self.storage_usd_per_hour + self.control_plane_usd_per_hour


def site_of(work: Work, book: PriceBook, place: Place) -> Site:
    """What this region costs. Raises PlanningError for a region that the book does not have."""
    site = Site(place=place)
    stored_gb = work.storage_gb
    if work.data is not None and work.moves_data:
        arriving = plan_transfer(book, work.data, place, work.data_gb)
        to_bucket = Conditions(source_end="bucket", target_end="bucket")
        returning = plan_transfer(book, place, work.data, work.result_gb, conditions=to_bucket)
        site.arrival_hours = arriving.seconds / SECONDS_PER_HOUR
        site.return_hours = returning.seconds / SECONDS_PER_HOUR
        site.transfer_usd = _transfer_usd(site, book, arriving) + _transfer_usd(site, book, returning)
    if stored_gb is None:
        moved = work.data is not None and work.data != place
        stored_gb = (work.data_gb if moved else 0.0) + work.result_gb
    site.control_plane_usd_per_hour = _service_usd(site, book, CONTROL_PLANE, 1.0)
    stored_gib = stored_gb * BYTES_PER_GB / BYTES_PER_GIB
    site.storage_usd_per_hour = _service_usd(site, book, OBJECT_STORAGE, stored_gib) / HOURS_PER_MONTH
    site.disk_usd_per_hour = _service_usd(site, book, BLOCK_STORAGE, work.disk_gib) / HOURS_PER_MONTH
    return site


def _transfer_usd(site: Site, book: PriceBook, transfer: Transfer) -> float:
    if not transfer.gigabytes:
        return 0.0
    if transfer.usd is not None:
        return transfer.usd
    if reach(transfer.source, transfer.target) == "region":
        # No cloud's source says that it charges for this, and none of those with a source does.
        site.assumed.append(f"{transfer.gigabytes:g} GB within {transfer.source}: taken as free, as on other clouds")
        return 0.0
    return _substitute(site, book, transfer.egress_service, transfer.gigabytes, f"{transfer.source}")


def _service_usd(site: Site, book: PriceBook, service: str, quantity: float) -> float:
    """US dollars for so many units: of an hour or of a month, as the service is sold."""
    if not quantity:
        return 0.0
    tiers = book.tiers_of(site.place.cloud, site.place.region, service)
    return cost_of(tiers, quantity) if tiers else _substitute(site, book, service, quantity, f"{site.place}")


def _substitute(site: Site, book: PriceBook, service: str, quantity: float, where: str) -> float:
    """The dearest price that the book has for the service, or nothing and a word about it."""
    known = [each for each in book.services if each.service == service and each.from_quantity == 0]
    dearest = max(known, key=lambda each: each.usd_per_unit, default=None)
    if dearest is None:
        site.unknown.append(f"{service} in {where}: {quantity:g} {SERVICES[service]}, of which no price is known")
        return 0.0
    site.assumed.append(
        f"{service} in {where}: has no price in the book; taken at ${dearest.usd_per_unit:g} per {dearest.unit}, the "
        f"dearest known ({dearest.cloud}:{dearest.region})"
    )
    return quantity * dearest.usd_per_unit
