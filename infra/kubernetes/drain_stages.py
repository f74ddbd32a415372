"""What is drained from a cluster before it goes, in which order, and what is done about each object. Pure.

What holds something of the cloud is drained wherever it is in the cluster: load balancers, volumes, nodes. A load
balancer that is left behind keeps its addresses in the network, which then cannot be deleted; a volume goes on costing
money. Everything else ends with the nodes, so it is left alone, but for what teams run: that is ended first, so that a
job has its grace to write a checkpoint.

Sources: Kubernetes, "Finalizers", "Garbage Collection", "Persistent Volumes" (reclaiming, object in use protection) and
"Create an External Load Balancer" (garbage collecting load balancers); Karpenter, "Disruption" (node deletion);
kubernetes/ingress-gce, `pkg/utils/common` and `pkg/neg/types` (GKE's finalizers and endpoint groups).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Document = Mapping[str, Any]
"""An object as the API server has it."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of object."""

    name: str
    plural: str
    group: str = ""
    """Empty for the core group."""
    version: str = ""
    """Empty for the one that the API server prefers of the group."""
    namespaced: bool = True
    selector: str = ""
    """Labels of those that matter; empty: all do."""


CRON_JOB = Kind(name="CronJob", plural="cronjobs", group="batch")
JOB_SET = Kind(name="JobSet", plural="jobsets", group="jobset.x-k8s.io")
JOB = Kind(name="Job", plural="jobs", group="batch")
QUEUED_WORKLOAD = Kind(name="Workload", plural="workloads", group="kueue.x-k8s.io")
DEPLOYMENT = Kind(name="Deployment", plural="deployments", group="apps")
STATEFUL_SET = Kind(name="StatefulSet", plural="statefulsets", group="apps")
DAEMON_SET = Kind(name="DaemonSet", plural="daemonsets", group="apps")
REPLICA_SET = Kind(name="ReplicaSet", plural="replicasets", group="apps")
POD = Kind(name="Pod", plural="pods")
GATEWAY = Kind(name="Gateway", plural="gateways", group="gateway.networking.k8s.io")
INGRESS = Kind(name="Ingress", plural="ingresses", group="networking.k8s.io")
SERVICE = Kind(name="Service", plural="services")
ENDPOINT_GROUP = Kind(
    name="ServiceNetworkEndpointGroup",
    plural="servicenetworkendpointgroups",
    group="networking.gke.io",
    version="v1beta1",
    selector="networking.gke.io/managed-by=neg-controller",
)
CLAIM = Kind(name="PersistentVolumeClaim", plural="persistentvolumeclaims")
VOLUME = Kind(name="PersistentVolume", plural="persistentvolumes", namespaced=False)
NODE_POOL = Kind(name="NodePool", plural="nodepools", group="karpenter.sh", namespaced=False)
NODE_CLAIM = Kind(name="NodeClaim", plural="nodeclaims", group="karpenter.sh", namespaced=False)
NODE = Kind(name="Node", plural="nodes", namespaced=False, selector="karpenter.sh/nodepool")

World = Mapping[Kind, Sequence[Document]]
"""The objects that were found, by kind; a kind that the server does not know has none."""

LOAD_BALANCER_FINALIZERS = frozenset(
    {
        "service.kubernetes.io/load-balancer-cleanup",
        "service.k8s.aws/resources",
        "gke.networking.io/l4-ilb-v1",
        "gke.networking.io/l4-ilb-v2",
        "gke.networking.io/l4-netlb-v1",
        "gke.networking.io/l4-netlb-v2",
        "gke.networking.io/l4-netlb-v3",
    }
)
"""Held by a service until its load balancer is gone, also by one that is of another type by now."""
ENDPOINT_GROUP_SERVICE = "networking.gke.io/service-name"
"""Label of GKE's endpoint groups with the service that each was made for."""
CLOUD_VOLUMES = frozenset({"csi", "awsElasticBlockStore", "gcePersistentDisk"})
"""Sources of volumes outside of the nodes: what is on a node's own disk ends with the node."""
ENDED = frozenset({"Succeeded", "Failed"})
"""Phases of pods that hold no volume any more."""


@dataclass(frozen=True)
class Item:
    """One object that has to go."""

    kind: Kind
    document: Document

    @property
    def namespace(self) -> str:
        """Empty for an object that is in none."""
        return str(self.document["metadata"].get("namespace") or "")

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.document["metadata"]["name"])

    @property
    def is_going(self) -> bool:
        """Whether somebody has deleted it, and it waits for its finalizers."""
        return bool(self.document["metadata"].get("deletionTimestamp"))

    def __str__(self) -> str:
        """`Service team-a/web (waits for service.kubernetes.io/load-balancer-cleanup)`, with the trouble it reports."""
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        finalizers = ", ".join(self.document["metadata"].get("finalizers") or ())
        held = f" (waits for {finalizers})" if finalizers else ""
        return f"{self.kind.name} {place}{held}{_trouble(self.document)}"


@dataclass(frozen=True)
class Action:
    """What is done about an object."""

    verb: Literal["delete", "stop"]
    """`stop` takes the pods of a controller away and keeps the controller."""
    kind: Kind
    namespace: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of draining, done when nothing remains."""

    name: str
    kinds: tuple[Kind, ...]
    """What is looked for."""
    remaining: Callable[[World], list[Item]]
    """What has to be gone before the next stage."""
    actions: Callable[[World], list[Action]]
    """What to do about it, again and again until nothing remains."""
    of_teams: bool = False
    """Whether only the namespaces of teams are looked into."""
    holders: tuple[Kind, ...] = ()
    """What is looked for beside as long as something remains, since it may hold it."""


def _items(world: World, *kinds: Kind) -> list[Item]:
    return [Item(kind, document) for kind in kinds for document in world.get(kind, ())]


def _deletions(items: Iterable[Item]) -> list[Action]:
    return [Action("delete", each.kind, each.namespace, each.name) for each in items if not each.is_going]


# What teams run.

_RUN_BY_TEAMS = (
    CRON_JOB, JOB_SET, JOB, DEPLOYMENT, STATEFUL_SET, DAEMON_SET, REPLICA_SET, QUEUED_WORKLOAD, POD,
)  # fmt: skip
_KNOWN_OWNERS = frozenset(kind.name for kind in _RUN_BY_TEAMS)


def _workloads(world: World) -> list[Item]:
    """All but what an unknown kind of owner makes anew: that ends with its namespace."""
    items = _items(world, *_RUN_BY_TEAMS)
    return [each for each in items if {owner["kind"] for owner in _owners(each.document)} <= _KNOWN_OWNERS]


def _workload_actions(world: World) -> list[Action]:
    """What has an owner goes with it."""
    return _deletions(each for each in _workloads(world) if not _owners(each.document))


# Load balancers.


def _entrances(world: World) -> list[Item]:
    return _items(world, GATEWAY, INGRESS)


def _load_balancers(world: World) -> list[Item]:
    return [each for each in _items(world, SERVICE) if _has_load_balancer(each.document)]


def _load_balancers_and_endpoints(world: World) -> list[Item]:
    """Load balancers, and the endpoint groups of those that are gone: GKE ends them by itself, and later. One that
    stayed would keep the network."""
    services = {(each.namespace, each.name) for each in _items(world, SERVICE)}
    left = [each for each in _items(world, ENDPOINT_GROUP) if (each.namespace, _service_of(each)) not in services]
    return [*_load_balancers(world), *left]


def _service_of(endpoint_group: Item) -> str:
    labels = endpoint_group.document["metadata"].get("labels") or {}
    return str(labels.get(ENDPOINT_GROUP_SERVICE, ""))


def _has_load_balancer(service: Document) -> bool:
    finalizers = service["metadata"].get("finalizers") or ()
    return service.get("spec", {}).get("type") == "LoadBalancer" or not LOAD_BALANCER_FINALIZERS.isdisjoint(finalizers)


# Volumes.


def _claims_and_volumes(world: World) -> list[Item]:
    volumes = [each for each in _items(world, VOLUME) if _goes_with_its_claim(each.document)]
    return [*_items(world, CLAIM), *volumes]


def _goes_with_its_claim(volume: Document) -> bool:
    spec = volume["spec"]
    return spec.get("persistentVolumeReclaimPolicy") == "Delete" and not CLOUD_VOLUMES.isdisjoint(spec)


def _volume_actions(world: World) -> list[Action]:
    never_claimed = [
        each
        for each in _items(world, VOLUME)
        # Deleting one that had a claim, before its disk is gone, could leave the disk behind.
        if _goes_with_its_claim(each.document) and not each.document["spec"].get("claimRef")
    ]
    return [*_holder_actions(world), *_deletions([*_items(world, CLAIM), *never_claimed])]


def _holder_actions(world: World) -> list[Action]:
    """Ends the pods that hold a claim: by their controller where it can be told to have none, else one by one."""
    claims = {(each.namespace, each.name) for each in _items(world, CLAIM)}
    actions: dict[Action, None] = {}
    for pod in _items(world, POD):
        held = {(pod.namespace, claim) for claim in _claims_of(pod.document)}
        if held.isdisjoint(claims) or pod.document.get("status", {}).get("phase") in ENDED:
            continue
        controller = _stoppable(world, pod)
        if controller is None:
            actions.update(dict.fromkeys(_deletions([pod])))
        elif controller.document.get("spec", {}).get("replicas", 1):
            actions[Action("stop", controller.kind, controller.namespace, controller.name)] = None
    return list(actions)


def _claims_of(pod: Document) -> set[str]:
    claims = set()
    for volume in pod["spec"].get("volumes") or ():
        if volume.get("persistentVolumeClaim"):
            claims.add(volume["persistentVolumeClaim"]["claimName"])
        elif volume.get("ephemeral"):
            # Source: Kubernetes, "Ephemeral Volumes" (PersistentVolumeClaim naming).
            claims.add(f"{pod['metadata']['name']}-{volume['name']}")
    return claims


def _stoppable(world: World, item: Item) -> Item | None:
    """The outermost controller of an object that can be told to have no pods."""
    owner = _owner(world, item)
    return None if owner is None else _stoppable(world, owner) or owner


def _owner(world: World, item: Item) -> Item | None:
    owned_by = {(owner["kind"], owner["name"]) for owner in _owners(item.document)}
    for each in _items(world, DEPLOYMENT, STATEFUL_SET, REPLICA_SET):
        if each.namespace == item.namespace and (each.kind.name, each.name) in owned_by:
            return each
    return None


# Nodes that no node group holds.


def _nodes(world: World) -> list[Item]:
    return _items(world, NODE_POOL, NODE_CLAIM, NODE)


def _node_actions(world: World) -> list[Action]:
    """A pool first, which would start another node. Karpenter itself deletes the nodes."""
    return _deletions(_items(world, NODE_POOL, NODE_CLAIM))


STAGES = (
    Stage(
        name="workloads of teams",
        kinds=_RUN_BY_TEAMS,
        remaining=_workloads,
        actions=_workload_actions,
        of_teams=True,
    ),
    # A gateway or an ingress has its load balancer made anew as long as it is there.
    Stage(
        name="gateways and ingresses",
        kinds=(GATEWAY, INGRESS),
        remaining=_entrances,
        actions=lambda world: _deletions(_entrances(world)),
    ),
    Stage(
        name="load balancers",
        kinds=(SERVICE, ENDPOINT_GROUP),
        remaining=_load_balancers_and_endpoints,
        actions=lambda world: _deletions(_load_balancers(world)),
    ),
    Stage(
        name="volumes",
        kinds=(CLAIM, VOLUME),
        remaining=_claims_and_volumes,
        actions=_volume_actions,
        holders=(POD, DEPLOYMENT, STATEFUL_SET, REPLICA_SET),
    ),
    # Last, because what is drained before may need the nodes that it is on.
    Stage(
        name="nodes of Karpenter",
        kinds=(NODE_POOL, NODE_CLAIM, NODE),
        remaining=_nodes,
        actions=_node_actions,
    ),
)
"""What is drained, in this order."""


def _owners(document: Document) -> Sequence[Mapping[str, Any]]:
    return document["metadata"].get("ownerReferences") or ()


def _trouble(document: Document) -> str:
    """What an object says is wrong with it: the message of its status, or of a condition that does not hold."""
    status = document.get("status") or {}
    messages = [status.get("message")]
    messages += [each.get("message") for each in status.get("conditions") or () if each.get("status") == "False"]
    said = next(filter(None, messages), "")
    return f": {said}" if said else ""
