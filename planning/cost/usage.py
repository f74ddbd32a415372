"""The stated assumptions of a cost: how much of what is billed by use a stack uses in a month.

A plan tells what is there, not how much it is used. What it does not tell is assumed here, with a modest default, and
every line of a cost that rests on an assumption names it. A stack says what it expects in its settings:

    config:
      trainyard:usage:
        dataset_gib: 500
        pools:
          training: 0.25

Quantities are for each resource (each bucket, each NAT gateway), so that what a resource costs depends on nothing but
itself. A month is 730 hours. A GB of AWS and of Google Cloud is 2^30 bytes.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from planning.errors import PlanningError
from planning.quantities import at_least, between, whole

SETTING = "trainyard:usage"
"""The key of a stack's configuration that holds its assumptions, as an object."""
POOLS = "pools"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What is assumed of a month. Raises PlanningError naming every value that is wrong."""

    gpu_nodes_busy_share: float = 0.10
    """Part of a month, 0 to 1, for which a pool of GPU nodes runs all the nodes above its fewest."""
    other_nodes_busy_share: float = 0.10
    """The same for pools without GPUs."""
    pools: Mapping[str, float] = field(default_factory=dict)
    """The same for single pools, by their label `trainyard.dev/pool` or else by the name of their resource."""
    run_hours: float = 8.0
    """Hours that one run of a job takes."""
    run_nodes: int = 1
    """Nodes that one run takes, as far as its pool has them."""
    dataset_gib: float = 100.0
    """GiB stored in a bucket of data sets, old versions and what is softly deleted included."""
    checkpoint_gib: float = 50.0
    """GiB stored in a bucket of checkpoints, likewise."""
    model_gib: float = 10.0
    """GiB stored in a bucket of models, likewise."""
    other_bucket_gib: float = 5.0
    """GiB stored in any other bucket, such as one of logs, likewise."""
    object_writes: float = 10_000.0
    """Requests in a month to each bucket that write or list."""
    object_reads: float = 100_000.0
    """Requests in a month to each bucket that read."""
    tiered_objects: float = 10_000.0
    """Objects of 128 KiB and more in each bucket that is tiered: by rules (Intelligent-Tiering), or by Autoclass."""
    newly_tiered_objects: float = 1_000.0
    """Objects that such rules move in a month."""
    image_gb: float = 10.0
    """GB stored in each registry of container images."""
    image_scans: float = 10.0
    """Images that are pushed to each registry of Google Cloud in a month, each of which is scanned."""
    nat_gb: float = 50.0
    """GB in a month through each NAT gateway, both ways."""
    endpoint_gb: float = 10.0
    """GB in a month through each interface endpoint, over all its zones."""
    internet_egress_gb: float = 10.0
    """GB in a month that leave for the internet through each internet gateway, or each Cloud NAT."""
    cross_zone_gb: float = 50.0
    """GB in a month from one zone to another in each network. On AWS both sides pay."""
    flow_log_gb: float = 5.0
    """GB in a month that each flow log writes; on Google Cloud those of firewalls and NAT among them."""
    control_plane_log_gb: float = 20.0
    """GB in a month that the control plane of each cluster logs, where it does; of GKE with what its pods log."""
    other_log_gb: float = 1.0
    """GB in a month written to each other log group, or log bucket."""
    stored_log_share: float = 0.15
    """Part of a log's size that its stored form has: CloudWatch compresses, and AWS's calculator assumes this. Google
    Cloud bills the size that was written."""
    endless_log_days: float = 365.0
    """Days of logs kept by a log group that forgets nothing."""
    metric_samples: float = 100_000_000.0
    """Samples in a month that each GKE cluster sends to Managed Service for Prometheus, where it does: about 2,300 time
    series, asked for every minute."""
    key_requests: float = 100_000.0
    """Requests in a month to each KMS key."""
    key_rotations: int = 0
    """Rotations that each KMS key has seen. On AWS the first two cost as much as a key; on Google Cloud each leaves a
    version that costs as much, until it is destroyed."""
    queue_requests: float = 200_000.0
    """Requests in a month to each queue; one consumer that waits 20 s at a time makes 131,400."""
    dns_queries: float = 1_000_000.0
    """Queries in a month to each zone of names."""
    load_balancer_capacity_units: float = 1.0
    """Capacity units that each load balancer of AWS uses on average."""
    load_balancer_gb: float = 50.0
    """GB in a month through each load balancer of Google Cloud."""

    def __post_init__(self) -> None:
        object.__setattr__(self, POOLS, MappingProxyType(dict(self.pools)))
        problems = list(_problems_of({name: getattr(self, name) for name in NAMES}))
        if problems:
            raise PlanningError.of(problems)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Usage":
        """The assumptions in a preview document's configuration; a field that is left out has its default.

        Raises PlanningError naming every field that is unknown, no number, or out of range.
        """
        value = config.get(SETTING, {})
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise PlanningError(f"{SETTING}: must be an object with fields such as dataset_gib") from None
        if not isinstance(value, Mapping):
            raise PlanningError(f"{SETTING} = {value!r}: must be an object with fields such as dataset_gib")
        return cls()._with(value)

    def replaced(self, texts: Mapping[str, str]) -> "Usage":
        """These assumptions with others from `NAME` or `pools.NAME` to text. Raises PlanningError as `from_config`."""
        changes: dict[str, Any] = {}
        for name, text in texts.items():
            pool = name.removeprefix(f"{POOLS}.")
            if pool != name:
                changes.setdefault(POOLS, {})[pool] = text
            else:
                changes[name] = text
        return self._with(changes)

    def busy_share(self, pool: str, *, has_gpu: bool) -> tuple[float, str]:
        """For which part of a month a pool runs the nodes above its fewest, and the name of the assumption."""
        if pool in self.pools:
            return self.pools[pool], f"{POOLS}.{pool}"
        name = "gpu_nodes_busy_share" if has_gpu else "other_nodes_busy_share"
        return float(getattr(self, name)), name

    def as_dict(self) -> dict[str, Any]:
        """Every assumption by name, for JSON."""
        return {name: getattr(self, name) for name in NAMES} | {POOLS: dict(self.pools)}

    def _with(self, values: Mapping[str, Any]) -> "Usage":
        numbers = {name: _number(value) for name, value in values.items() if name != POOLS}
        if POOLS in values:
            pools = values[POOLS]
            if not isinstance(pools, Mapping):
                raise PlanningError(f"{SETTING}.{POOLS} = {pools!r}: must be an object from a pool to a share, 0 to 1")
            numbers[POOLS] = {**self.pools, **{str(name): _number(value) for name, value in pools.items()}}
        problems = list(_problems_of(numbers))
        if problems:
            raise PlanningError.of(problems)
        return dataclasses.replace(self, **numbers)


NAMES = tuple(each.name for each in dataclasses.fields(Usage))
"""Every assumption, in the order in which they are documented."""
_SHARES = ("gpu_nodes_busy_share", "other_nodes_busy_share", "stored_log_share")
_WHOLE = {"run_nodes": 1, "key_rotations": 0}


def _problems_of(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if name not in NAMES:
            yield f"{SETTING}.{name}: no such setting; known are {', '.join(NAMES)}"
            continue
        try:
            if name == POOLS:
                for pool, share in value.items():
                    between(f"{SETTING}.{POOLS}.{pool}", share, 0, 1)
            elif name in _SHARES:
                between(f"{SETTING}.{name}", value, 0, 1)
            elif name in _WHOLE:
                whole(f"{SETTING}.{name}", value, _WHOLE[name])
            else:
                at_least(f"{SETTING}.{name}", value, 0)
        except PlanningError as error:
            yield str(error)


def _number(value: Any) -> Any:
    """Text that reads as a number is one: `pulumi config set --path` stores some so. What is none stays as it is."""
    if not isinstance(value, str):
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value
