"""What a chart is installed as: which one, in which version, where, and with which values.

Versions are pinned here and nowhere else. Those of today were read in the charts' own repositories in November 2026;
they fit Kubernetes 1.34 to 1.36. Another version is another review: Helm says nothing of a value that a chart does not
know, so a test holds every value's name against what was read in the chart of that version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["privileged", "baseline", "restricted"]
"""A level of the Pod Security Standards."""

SYSTEM = "kube-system"
"""Where what belongs to nodes runs: priority for its requests, and service accounts that the cloud knows."""
GPU = "trainyard-gpu"
NODE_METRICS = "trainyard-node-metrics"
QUEUE = "trainyard-queue"
MONITORING = "trainyard-monitoring"
SCALING = "trainyard-scaling"
GATEWAY = "trainyard-gateway"

LEVELS: Mapping[str, Level] = {
    # The device plugin and feature discovery write to the kubelet's folders and see every device; DCGM counts what only
    # an administrator may count.
    GPU: "privileged",
    # The node exporter reads the node's own /proc and /sys.
    NODE_METRICS: "privileged",
    QUEUE: "restricted",
    MONITORING: "restricted",
    SCALING: "restricted",
    GATEWAY: "restricted",
}
"""What pods are held to in each namespace of an add-on. `kube-system` is the cloud's, and has no level."""

RELEASE_SECONDS = 600
"""Seconds that a chart's pods have to become ready. The first one may have to wait for a node."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart with its values."""

    release: str
    """Name of the release: unique, and what the objects of most charts are named after."""
    chart: str
    """Name of the chart in its repository, or its whole address in a registry (`oci://…`)."""
    repository: str = ""
    """Address of the repository; empty for a chart in a registry."""
    version: str
    namespace: str
    values: Mapping[str, Any]
    """What differs from the chart's own defaults. Values may be outputs of other resources."""
    skip_crds: bool = False
    """Whether another chart brings the kinds of objects that this one has as well."""
