"""The settings of what a stack is expected to use in a month. No resource depends on them: they are what its cost does.

Names, defaults and meanings are those of `planning.cost.usage.Usage`, which a test holds equal.
"""

from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import Field, field_validator

from infra.setting_types import Group, Real, Whole, refuse
from planning.cost.usage import Usage

_DEFAULT = Usage()

Amount = Annotated[Real, Ge(0), Le(1_000_000_000_000)]
Share = Annotated[Real, Ge(0), Le(1)]


class UsageSettings(Group):
    """What is assumed of a month, for each resource of a kind. docs/cost-model.md says more."""

    gpu_nodes_busy_share: Share = _DEFAULT.gpu_nodes_busy_share
    """Part of a month, 0 to 1, for which a pool of GPU nodes runs all the nodes above its fewest."""
    other_nodes_busy_share: Share = _DEFAULT.other_nodes_busy_share
    """The same for pools without GPUs."""
    pools: dict[str, Share] = Field(default_factory=dict)
    """The same for single pools, by name."""
    run_hours: Amount = _DEFAULT.run_hours
    """Hours that one run of a job takes."""
    run_nodes: Whole = Field(default=_DEFAULT.run_nodes, ge=1, le=10_000)
    """Nodes that one run takes."""
    dataset_gib: Amount = _DEFAULT.dataset_gib
    """GiB stored in a bucket of data sets, old versions included."""
    checkpoint_gib: Amount = _DEFAULT.checkpoint_gib
    """GiB stored in a bucket of checkpoints, old versions included."""
    model_gib: Amount = _DEFAULT.model_gib
    """GiB stored in a bucket of models, old versions included."""
    other_bucket_gib: Amount = _DEFAULT.other_bucket_gib
    """GiB stored in any other bucket, old versions included."""
    object_writes: Amount = _DEFAULT.object_writes
    """Requests in a month to each bucket that write or list."""
    object_reads: Amount = _DEFAULT.object_reads
    """Requests in a month to each bucket that read."""
    tiered_objects: Amount = _DEFAULT.tiered_objects
    """Objects in each bucket whose rules move them to Intelligent-Tiering."""
    newly_tiered_objects: Amount = _DEFAULT.newly_tiered_objects
    """Objects that such rules move in a month."""
    image_gb: Amount = _DEFAULT.image_gb
    """GB stored in each registry of container images."""
    image_scans: Amount = _DEFAULT.image_scans
    """Images that are pushed to each registry of Google Cloud in a month, each of which is scanned."""
    nat_gb: Amount = _DEFAULT.nat_gb
    """GB in a month through each NAT gateway, both ways."""
    endpoint_gb: Amount = _DEFAULT.endpoint_gb
    """GB in a month through each interface endpoint."""
    internet_egress_gb: Amount = _DEFAULT.internet_egress_gb
    """GB in a month that leave for the internet."""
    cross_zone_gb: Amount = _DEFAULT.cross_zone_gb
    """GB in a month from one zone to another."""
    flow_log_gb: Amount = _DEFAULT.flow_log_gb
    """GB in a month that each flow log writes."""
    control_plane_log_gb: Amount = _DEFAULT.control_plane_log_gb
    """GB in a month that each cluster's control plane logs."""
    other_log_gb: Amount = _DEFAULT.other_log_gb
    """GB in a month written to each other log group."""
    stored_log_share: Share = _DEFAULT.stored_log_share
    """Part of a log's size that its stored form has."""
    endless_log_days: Amount = _DEFAULT.endless_log_days
    """Days of logs kept by a log group that forgets nothing."""
    metric_samples: Amount = _DEFAULT.metric_samples
    """Samples in a month that each GKE cluster sends to Managed Service for Prometheus, where it does."""
    key_requests: Amount = _DEFAULT.key_requests
    """Requests in a month to each KMS key."""
    key_rotations: Whole = Field(default=_DEFAULT.key_rotations, ge=0, le=100)
    """Yearly rotations that each KMS key has seen."""
    queue_requests: Amount = _DEFAULT.queue_requests
    """Requests in a month to each queue."""
    dns_queries: Amount = _DEFAULT.dns_queries
    """Queries in a month to each zone of names."""
    load_balancer_capacity_units: Amount = _DEFAULT.load_balancer_capacity_units
    """Capacity units that each load balancer of AWS uses on average."""
    load_balancer_gb: Amount = _DEFAULT.load_balancer_gb
    """GB in a month through each load balancer of Google Cloud."""

    @field_validator("pools", mode="before")
    @classmethod
    def _pools_are_shares(cls, pools: Any) -> Any:
        if not isinstance(pools, dict):
            raise refuse("must be an object from the name of a pool to a share, 0 to 1")
        return pools
