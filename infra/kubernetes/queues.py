"""Kueue's queues: a cluster queue for each way to buy GPUs, with a flavour for each pool, and a way in for each team.

A job is admitted whole or not at all, when the pool that it would go to has room at its largest; only then are its pods
made, and nodes started for them. Queues share a cohort, so that spot jobs can borrow idle on-demand nodes where the
settings allow it. Kueue takes back what was lent, and lets the more important job go first. Services are not queued.

Source: Kueue, "Cluster Queue", "Resource Flavor", "Local Queue" (API v1beta2).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from infra.kubernetes import quantities
from infra.kubernetes.node_pools import GPU_RESOURCE, POOL_LABEL, CapacityKind, NodePool, taints_of, tolerations_of
from infra.kubernetes.object import Manifest
from infra.kubernetes.teams import TEAM_LABEL

VERSION = "kueue.x-k8s.io/v1beta2"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
COHORT = "gpus"


def queue_name(capacity: CapacityKind) -> str:
    """The name of the queue, of the cluster and in every team's namespace: `on-demand`."""
    return capacity.replace("_", "-")


def queue_manifests(
    pools: Sequence[NodePool], teams: Iterable[str], labels: Mapping[str, str], *, spot_borrows_on_demand: bool = False
) -> list[Manifest]:
    """Every queue of the cluster, in apply order.

    :param spot_borrows_on_demand: Whether a spot job may use on-demand nodes that nobody else needs.
    """
    with_gpus = [pool for pool in pools if pool.gpus]
    capacities = list(dict.fromkeys(pool.capacity for pool in with_gpus))
    queues = []
    for capacity in capacities:
        own = [pool for pool in with_gpus if pool.capacity == capacity]
        lent = [pool for pool in with_gpus if pool.capacity == "on_demand"]
        queues.append(
            _cluster_queue(capacity, own, lent if capacity == "spot" and spot_borrows_on_demand else [], labels)
        )
    ways_in = [_local_queue(team, capacity, labels) for team in teams for capacity in capacities]
    return [*(_flavor(pool, labels) for pool in with_gpus), *queues, *ways_in]


def _flavor(pool: NodePool, labels: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": VERSION,
        "kind": "ResourceFlavor",
        "metadata": {"name": pool.name, "labels": dict(labels)},
        "spec": {
            "nodeLabels": {POOL_LABEL: pool.name},
            "nodeTaints": taints_of(pool),
            "tolerations": tolerations_of([pool]),
        },
    }


def _cluster_queue(
    capacity: CapacityKind, own: Sequence[NodePool], lent: Sequence[NodePool], labels: Mapping[str, str]
) -> Manifest:
    covered = ["cpu", "memory", "ephemeral-storage", GPU_RESOURCE]
    covered += sorted({resource for pool in [*own, *lent] for resource in pool.fabric})
    flavors = [_quota(pool, covered) for pool in own] + [_nothing_of_its_own(pool, covered) for pool in lent]
    return {
        "apiVersion": VERSION,
        "kind": "ClusterQueue",
        "metadata": {"name": queue_name(capacity), "labels": dict(labels)},
        "spec": {
            "cohortName": COHORT,
            # A large job that has to wait does not hold up small ones that fit.
            "queueingStrategy": "BestEffortFIFO",
            "namespaceSelector": {"matchExpressions": [{"key": TEAM_LABEL, "operator": "Exists"}]},
            "flavorFungibility": {"whenCanBorrow": "TryNextFlavor", "whenCanPreempt": "TryNextFlavor"},
            "preemption": {
                "withinClusterQueue": "LowerPriority",
                "reclaimWithinCohort": "Any",
                "borrowWithinCohort": {"policy": "Never"},
            },
            "resourceGroups": [{"coveredResources": covered, "flavors": flavors}],
        },
    }


def _quota(pool: NodePool, covered: Sequence[str]) -> dict[str, Any]:
    amounts = {
        "cpu": quantities.cpus(pool.cpus * pool.max_nodes),
        "memory": quantities.gib(pool.memory_gib * pool.max_nodes),
        "ephemeral-storage": quantities.gib(pool.scratch_gib * pool.max_nodes),
        GPU_RESOURCE: str(pool.most_gpus),
        **{resource: str(count * pool.max_nodes) for resource, count in pool.fabric.items()},
    }
    return {
        "name": pool.name,
        "resources": [{"name": name, "nominalQuota": amounts.get(name, "0")} for name in covered],
    }


def _nothing_of_its_own(pool: NodePool, covered: Sequence[str]) -> dict[str, Any]:
    """A flavour that is only ever borrowed."""
    return {"name": pool.name, "resources": [{"name": name, "nominalQuota": "0"} for name in covered]}


def _local_queue(team: str, capacity: CapacityKind, labels: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": VERSION,
        "kind": "LocalQueue",
        "metadata": {"name": queue_name(capacity), "namespace": team, "labels": {**labels, TEAM_LABEL: team}},
        "spec": {"clusterQueue": queue_name(capacity)},
    }
