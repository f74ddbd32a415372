"""What it costs to send data away: the tiers of the price book, by where the data goes.

The sender pays. What comes in is free at Amazon ("Overview of Data Transfer Costs for Common Architectures"), Google
("Cloud Storage pricing") and Microsoft ("Bandwidth pricing").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from planning.network.places import Place, Reach, reach
from planning.prices.book import PriceBook, cost_of
from planning.prices.model import Cloud
from planning.quantities import at_least

End = Literal["bucket", "machine"]
"""What holds the data at one end of a transfer: object storage, or a machine with disks of its own."""
ENDS: tuple[End, ...] = ("bucket", "machine")

FREE_WITH_BUCKET: Mapping[Cloud, str] = {
    "aws": "free between S3 and machines of its region (AWS Architecture Blog, Overview of Data Transfer Costs)",
    "gcp": "free within the bucket's location (Google Cloud, Cloud Storage pricing, Network usage)",
    "alibaba": "free over the internal network (Alibaba Cloud, OSS Traffic fees)",
}
"""Where data between object storage and a machine of the same region costs nothing, and who says so."""
BILLED_AT_BOTH_ENDS: tuple[Cloud, ...] = ("aws",)
"""Where the price between zones is asked of the sender and of the receiver: AWS, "$0.01 in each direction" (Amazon EC2
On-Demand Pricing, Data Transfer)."""
_SERVICES: Mapping[Reach, str] = {
    "region": "egress_zone_gb",
    "cloud": "egress_region_gb",
    "internet": "egress_internet_gb",
}
_FREE_IN_ZONE = "free within a zone over private addresses (AWS Architecture Blog, Overview of Data Transfer Costs)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """The price of sending."""

    usd: float | None
    """None: the book has no price for it."""
    service: str
    """What is bought, as the price book calls it; empty where it is free."""
    source: str


def price_egress(
    book: PriceBook,
    source: Place,
    target: Place,
    gigabytes: float,
    *,
    source_end: End = "bucket",
    target_end: End = "machine",
    same_zone: bool = False,
    sent_this_month_gb: float = 0.0,
) -> Egress:
    """What sending so many GB (10^9 bytes) costs.

    :param same_zone: Whether two machines of one region share a zone.
    :param sent_this_month_gb: What has gone the same way this month already: tiers begin there.

    Raises PlanningError for negative or endless quantities.
    """
    at_least("gigabytes", gigabytes, 0.0)
    at_least("gigabytes sent this month", sent_this_month_gb, 0.0)
    service = _SERVICES[reach(source, target)]
    if service == "egress_zone_gb":
        if "bucket" in (source_end, target_end) and source.cloud in FREE_WITH_BUCKET:
            return Egress(usd=0.0, service="", source=FREE_WITH_BUCKET[source.cloud])
        if source_end == target_end == "machine" and same_zone and source.cloud == "aws":
            return Egress(usd=0.0, service="", source=_FREE_IN_ZONE)
        if "bucket" in (source_end, target_end) or same_zone:
            unknown = f"no source says what {source.cloud} charges within a region for this"
            return Egress(usd=None, service=service, source=unknown)
    tiers = book.tiers_of(source.cloud, source.region, service)
    if not tiers:
        return Egress(usd=None, service=service, source=f"the price book has no {service} for {source}")
    usd = cost_of(tiers, sent_this_month_gb + gigabytes) - cost_of(tiers, sent_this_month_gb)
    if service == "egress_zone_gb" and source.cloud in BILLED_AT_BOTH_ENDS:
        usd *= 2
    origins = "; ".join(dict.fromkeys(f"{tier.source} ({tier.basis}, {tier.as_of})" for tier in tiers))
    return Egress(usd=usd, service=service, source=origins)
