"""Quotas: how much of something an account may run at once, as each cloud counts it."""

import re
from dataclasses import dataclass
from typing import Literal, Self, cast, get_args

from planning.errors import PlanningError
from planning.prices.model import CAPACITIES, CLOUDS, InstancePrice, InstanceType

ANY = "*"
MOST = 1_000_000_000
"""The largest limit."""
QuotaUnit = Literal["gpus", "vcpus", "nodes"]
"""AWS counts vCPUs of a family, Google Cloud GPUs of a model, Azure vCPUs of a family."""
UNITS: tuple[QuotaUnit, ...] = get_args(QuotaUnit)

_FORM = "CLOUD:REGION:WHAT:CAPACITY=NUMBER[gpus|vcpus|nodes], * for any, such as aws:us-east-1:g5:spot=64vcpus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A limit on what runs at the same time. `*` stands for any. Raises PlanningError for wrong names and numbers."""

    cloud: str = ANY
    region: str = ANY
    what: str = ANY
    """A GPU model (`A100`), an instance type (`g5.xlarge`), or how types begin (`g5`)."""
    capacity: str = ANY
    limit: int
    unit: QuotaUnit = "gpus"

    def __post_init__(self) -> None:
        problems = []
        if self.cloud not in (ANY, *CLOUDS):
            problems.append(f"quota {self}: cloud = {self.cloud!r}: must be one of {', '.join(CLOUDS)} or {ANY}")
        if self.capacity not in (ANY, *CAPACITIES):
            known = ", ".join(CAPACITIES)
            problems.append(f"quota {self}: capacity = {self.capacity!r}: must be one of {known} or {ANY}")
        if self.unit not in UNITS:
            problems.append(f"quota {self}: unit = {self.unit!r}: must be one of {', '.join(UNITS)}")
        if isinstance(self.limit, bool) or not isinstance(self.limit, int) or not 0 <= self.limit <= MOST:
            problems.append(f"quota {self}: limit = {self.limit!r}: must be a whole number from 0 to {MOST:,}")
        if not self.what or not self.region:
            problems.append(f"quota {self}: must be {_FORM}")
        if problems:
            raise PlanningError.of(problems)

    def __str__(self) -> str:
        return f"{self.cloud}:{self.region}:{self.what}:{self.capacity}={self.limit}{self.unit}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads the form that `str` gives. Raises PlanningError."""
        found = re.fullmatch(r"([^:=]+):([^:=]+):([^:=]+):([^:=]+)=(\d+) ?([a-z]*)", text.strip())
        if not found:
            raise PlanningError(f"quota = {text!r}: must be {_FORM}")
        cloud, region, what, capacity, limit, unit = (part.strip() for part in found.groups())
        return cls(
            cloud=cloud,
            region=region,
            what=what,
            capacity=capacity,
            limit=int(limit),
            unit=cast(QuotaUnit, unit or "gpus"),
        )

    def weight(self, kind: InstanceType, price: InstancePrice) -> int:
        """How much of the quota one instance takes; 0 where it does not speak of it."""
        if self.cloud not in (ANY, price.cloud) or self.region not in (ANY, price.region):
            return 0
        if self.capacity not in (ANY, price.capacity):
            return 0
        if not self.speaks_of(kind):
            return 0
        return {"gpus": kind.gpu_count, "vcpus": kind.vcpus, "nodes": 1}[self.unit]

    def speaks_of(self, kind: InstanceType) -> bool:
        """Whether `what` means this type, wherever it is and however it is bought."""
        return self.what in (ANY, kind.gpu, kind.name) or self._is_family_of(kind.name)

    def _is_family_of(self, name: str) -> bool:
        """Whether the name begins with the family, and goes on where a family ends."""
        return bool(re.match(rf"{re.escape(self.what)}(?![A-Za-z0-9])", name))
