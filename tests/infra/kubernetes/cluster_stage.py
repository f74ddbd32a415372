"""A small cluster on the real control plane: fake nodes of every pool, priorities, queues, and teams made as needed."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from infra.cluster import JobSpecification
from infra.kubernetes.indexed_job import JobSurroundings, job_manifests
from infra.kubernetes.network_policies import default_policies
from infra.kubernetes.node_pools import GPU_RESOURCE, NodePool, taints_of
from infra.kubernetes.object import Manifest
from infra.kubernetes.priority_classes import priority_class_manifests
from infra.kubernetes.quantities import cpus, gib
from infra.kubernetes.queues import queue_manifests
from infra.kubernetes.settings import TeamSettings
from infra.kubernetes.teams import reader_role_manifest, team_manifests
from infra.workload_settings import JobPodSettings
from tests.controlplane.control_plane import ControlPlane
from tests.infra.kubernetes.manifests import resolved
from tests.infra.kubernetes.pools import POOLS
from tests.infra.kubernetes.test_indexed_job import ENTRY, IMAGE
from workloads.training.component import HOPELESS_CODES, RUN_AGAIN_CODES

LABELS = {"app.kubernetes.io/part-of": "trainyard"}
_SERIAL = itertools.count(1)


@dataclass
class Stage:
    """The cluster and what tests do with it."""

    control_plane: ControlPlane
    nodes: dict[str, list[str]] = field(default_factory=dict)
    """Names of the fake nodes of each pool."""

    def add_node(self, pool: NodePool) -> str:
        """One more node of a pool, as its cloud would make it."""
        name = f"{pool.name}-{next(_SERIAL)}"
        allocatable = {
            "cpu": cpus(pool.cpus),
            "memory": gib(pool.memory_gib),
            "ephemeral-storage": gib(pool.scratch_gib),
        }
        allocatable |= {resource: str(count) for resource, count in pool.fabric.items()}
        allocatable |= {GPU_RESOURCE: str(pool.gpus)} if pool.gpus else {}
        # All in one zone, so that a job that wants one finds all of them.
        self.control_plane.add_node(name, pool.labels, taints_of(pool), allocatable, pool.zones[0])
        self.nodes.setdefault(pool.name, []).append(name)
        return name

    def remove_node(self, name: str) -> None:
        """Takes a node away at two minutes' notice, as spot capacity is."""
        for names in self.nodes.values():
            if name in names:
                names.remove(name)
        self.control_plane.remove_node(name)

    def team(self, settings: TeamSettings | None = None) -> str:
        """A team of its own, with everything that a team has before any workload."""
        name = f"team-{next(_SERIAL)}"
        accounts: dict[str, dict[str, pulumi.Input[str]]] = {"loader": {}, "training": {}, "serving": {}}
        manifests = team_manifests(
            name,
            settings or TeamSettings(),
            pools=POOLS,
            service_accounts=accounts,
            labels=LABELS,
            annotations={},
        )
        queues = [each for each in queue_manifests(POOLS, [name], LABELS) if each["kind"] == "LocalQueue"]
        self.control_plane.apply([*manifests, *default_policies(name, [], LABELS), *queues])
        return name

    def run_job(self, team: str, name: str = "training", *, queued: bool = True, **pods: Any) -> None:
        """Applies a job as `up` does."""
        around = JobSurroundings(
            namespace=team, pools=POOLS, queued=queued, ready_minutes=45, environment={}, labels=LABELS
        )
        job = JobSpecification(
            ENTRY,
            {"job": "digits"},
            "training",
            deadline_seconds=960,
            processes=1,
            pods=JobPodSettings(**pods),
            run_again_codes=RUN_AGAIN_CODES,
            hopeless_codes=HOPELESS_CODES,
        )
        self.control_plane.apply(resolved(lambda: job_manifests(name, job, IMAGE, around)))

    def pods(self, team: str, phase: str = "Running", count: int = 1, *, but: str = "") -> list[Manifest]:
        """Waits for so many pods of a team in a phase.

        :param but: Name of a pod that is not meant.
        """

        def found() -> list[Manifest] | None:
            pods = [each for each in self.control_plane.get("Pod", team) if each["status"].get("phase") == phase]
            pods = [each for each in pods if "deletionTimestamp" not in each["metadata"]]
            pods = [each for each in pods if each["metadata"]["name"] != but]
            return pods if len(pods) == count else None

        return self.control_plane.wait_for(f"{count} {phase} pods of {team}", found)

    def condition(self, team: str, kind: str, type_: str, status: str = "True", name: str = "") -> Manifest:
        """Waits for a condition of an object of a team."""

        def found() -> Manifest | None:
            for each in self.control_plane.get(kind, team):
                if name in each["metadata"]["name"]:
                    for condition in each.get("status", {}).get("conditions", []):
                        if condition["type"] == type_ and condition["status"] == status:
                            return dict(condition)
            return None

        return self.control_plane.wait_for(f"{kind} of {team} is {type_}={status}", found)

    def clear(self, team: str) -> None:
        """Ends what a team runs, so that the next test has the cluster to itself."""
        for kind in ("Deployment", "Job"):
            for each in self.control_plane.get(kind, team):
                self.control_plane.api.delete(kind, each["metadata"]["name"], team)
        self.control_plane.wait_for(f"no pod of {team}", lambda: not self.control_plane.get("Pod", team))


def node_of(pod: Manifest) -> str:
    """The node that a pod is bound to."""
    return str(pod["spec"]["nodeName"])


def set_up(control_plane: ControlPlane, pools: Sequence[tuple[NodePool, int]]) -> Iterator[Stage]:
    """The cluster with so many nodes of each pool, while the context lasts."""
    stage = Stage(control_plane)
    control_plane.apply([*priority_class_manifests(LABELS), reader_role_manifest(LABELS)])
    control_plane.apply(queue_manifests(POOLS, [], LABELS))
    for pool, count in pools:
        for _ in range(count):
            stage.add_node(pool)
    yield stage
    for names in stage.nodes.values():
        for name in names:
            control_plane.remove_node(name, evict=False)
