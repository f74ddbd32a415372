"""What the clouds publish about how fast one connection and one machine may go. What none publishes is left out."""

from dataclasses import dataclass
from typing import Literal

from planning.network.places import Reach
from planning.prices.model import Cloud

Direction = Literal["out", "in"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A bandwidth that is not exceeded, and why."""

    gbps: float
    what: str
    source: str


ASSUMED_NIC_GBPS = 10.0
"""What a machine's network is taken for where neither its type nor a figure is given."""

_AWS_BANDWIDTH = "Amazon EC2 User Guide, Amazon EC2 instance network bandwidth"
_GCP_BANDWIDTH = "Google Cloud, Compute Engine, Network bandwidth"
_S3_PARALLEL = "Amazon S3 User Guide, Performance design patterns: one request for each 85-90 MB/s"

_MANY_VCPUS = 32


def store_connection(cloud: Cloud) -> Limit | None:
    """How fast one request to a cloud's object storage goes; None where the cloud publishes nothing."""
    if cloud == "aws":
        return Limit(gbps=0.72, what="90 MB/s a request to S3", source=_S3_PARALLEL)
    return None


def machine_connection(cloud: Cloud, how_far: Reach, direction: Direction) -> Limit | None:
    """How fast one TCP connection of a machine goes; None where the cloud publishes nothing."""
    if cloud == "aws":
        return Limit(gbps=5.0, what="5 Gbit/s a connection of an EC2 instance", source=_AWS_BANDWIDTH)
    if cloud == "gcp" and how_far == "internet" and direction == "out":
        return Limit(gbps=3.0, what="3 Gbit/s a connection out of Google Cloud", source=_GCP_BANDWIDTH)
    return None


def machine_total(
    cloud: Cloud, how_far: Reach, direction: Direction, *, nic_gbps: float, vcpus: int | None
) -> Limit | None:
    """What all connections of one machine reach together outside its region, below its network card's own bandwidth.

    :param vcpus: None where the machine's type is not known; it is then taken for a small one.

    None where the cloud publishes nothing or sets no such limit.
    """
    if cloud == "aws" and how_far != "region":
        share = nic_gbps / 2 if vcpus is not None and vcpus >= _MANY_VCPUS else 0.0
        what = "5 Gbit/s, or half its network from 32 vCPUs on, of an EC2 instance through an internet gateway"
        return Limit(gbps=max(5.0, share), what=what, source=_AWS_BANDWIDTH)
    if cloud == "gcp" and how_far == "internet":
        gbps = 7.0 if direction == "out" else 30.0
        what = f"{gbps:g} Gbit/s {direction} of a Google machine through its external address"
        return Limit(gbps=gbps, what=what, source=_GCP_BANDWIDTH)
    return None
