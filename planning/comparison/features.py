"""What clouds offer to protect data, feature by feature, read from a table whose every row has a source and a day.

A feature without a row is unknown: nobody has looked, or nothing was found. Unknown is not no.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from planning.prices.model import CLOUDS, Cloud
from planning.prices.tables import PriceBookError, read_table

SHIPPED = Path(__file__).with_name("features.csv")

FeatureName = Literal[
    "customer_managed_keys",
    "hsm_keys",
    "object_lock",
    "confidential_gpu",
    "private_endpoints",
    "workload_identity",
    "audit_logs",
    "eu_sovereign",
    "iso_27001",
    "soc_2",
    "c5",
    "hipaa",
]

FEATURES: Mapping[FeatureName, str] = {
    "customer_managed_keys": "keys that the customer creates, rotates and disables in the cloud's key service",
    "hsm_keys": "keys that do not leave a hardware security module",
    "object_lock": "objects that nobody can delete or change before a day that is set",
    "confidential_gpu": "virtual machines with a GPU whose memory is encrypted against the host",
    "private_endpoints": "the cloud's services reached at addresses of one's own network",
    "workload_identity": "pods that get short-lived credentials of their own, without stored keys",
    "audit_logs": "a log of who called which of the cloud's APIs",
    "eu_sovereign": "an offering for digital sovereignty in the European Union, somewhere there: not in every region",
    "iso_27001": "certified by ISO/IEC 27001",
    "soc_2": "SOC 2 report",
    "c5": "attested by C5 of the German Federal Office for Information Security",
    "hipaa": "services that may hold health data under the US law HIPAA",
}
"""Every feature that is compared, and what a yes means: that the cloud offers it, not that it is switched on."""

assert set(FEATURES) == set(get_args(FeatureName))


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """Whether a cloud offers something."""

    cloud: Cloud
    feature: FeatureName
    offered: Literal["yes", "no"]
    source: str
    as_of: datetime.date
    """The day on which the source says it was last changed, else on which it was read."""


@dataclass(frozen=True)
class FeatureTable:
    """What is known of all clouds."""

    rows: tuple[Feature, ...]

    def of(self, cloud: Cloud, feature: FeatureName) -> Feature | None:
        """What is known of one feature of a cloud; None: nothing."""
        return next((row for row in self.rows if (row.cloud, row.feature) == (cloud, feature)), None)

    def known_of(self, cloud: Cloud) -> tuple[Feature, ...]:
        """What is known of a cloud, in the order of `FEATURES`."""
        rows = (self.of(cloud, feature) for feature in FEATURES)
        return tuple(row for row in rows if row is not None)


def load_features(path: Path = SHIPPED) -> FeatureTable:
    """Reads the table. Raises PriceBookError naming every broken row."""
    problems: list[str] = []
    rows = read_table(path, Feature, lambda _row: None, problems)
    keys = [(row.cloud, row.feature) for row in rows]
    problems += [
        f"{path}: has two rows for {cloud} {feature}"
        for cloud, feature in dict.fromkeys(keys)
        if keys.count((cloud, feature)) > 1
    ]
    if problems:
        raise PriceBookError.of(
            [f"The table of features has {len(problems)} broken rows:", *(f"  {each}" for each in problems)]
        )
    return FeatureTable(
        tuple(sorted(rows, key=lambda row: (CLOUDS.index(row.cloud), list(FEATURES).index(row.feature))))
    )
