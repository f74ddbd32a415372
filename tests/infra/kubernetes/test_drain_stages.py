"""What draining decides, for any cluster: it ends with nothing left to drain, touches nothing that is to stay, and is
not held up by what comes back meanwhile. The cluster is a simulated one, whose controllers take their time.
"""

import dataclasses
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.kubernetes.drain_cluster import Silent
from infra.kubernetes.drain_run import POLL_SECONDS, ClusterGone, DrainError, Draining
from infra.kubernetes.drain_stages import (
    CLAIM,
    DEPLOYMENT,
    ENDPOINT_GROUP,
    INGRESS,
    JOB,
    NODE_CLAIM,
    NODE_POOL,
    POD,
    REPLICA_SET,
    SERVICE,
    STAGES,
    STATEFUL_SET,
    VOLUME,
    Action,
    Document,
    Item,
    Kind,
)  # fmt: skip

TEAM, FOREIGN, SYSTEM = "team", "foreign", "kube-system"
PLANTED = ("deployment", "stateful", "job", "pod", "service", "plain", "ingress", "disk", "node")
Key = tuple[Kind, str, str]


def made(kind: Kind, namespace: str, name: str, owner: Item | None = None, **content: Any) -> Item:
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if owner:
        metadata["ownerReferences"] = [{"kind": owner.kind.name, "name": owner.name}]
    return Item(kind, {"metadata": metadata, **content})


def pod(namespace: str, name: str, owner: Item | None = None, claim: str = "", phase: str = "Running") -> Item:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    return made(POD, namespace, name, owner, spec={"volumes": volumes}, status={"phase": phase})


def disk(namespace: str, claim: str, policy: str = "Delete", source: str = "csi") -> list[Item]:
    spec = {
        "persistentVolumeReclaimPolicy": policy,
        source: {},
        "claimRef": {"namespace": namespace, "name": claim},
    }
    return [made(CLAIM, namespace, claim, spec={}), made(VOLUME, "", f"{namespace}-{claim}", spec=spec)]


class Cluster:
    """Objects, and controllers that do their work some rounds after it is asked for."""

    def __init__(self, items: Iterable[Item], seed: int = 0, slowest: int = 3) -> None:
        self.items = {(each.kind, each.namespace, each.name): each for each in items}
        self.done: list[Action] = []
        self._random, self._slowest = random.Random(seed), slowest
        self._due: dict[Key, int] = {}

    def find(self, kind: Kind, namespaces: Iterable[str] | None = None) -> list[Document]:
        spaces = None if namespaces is None else set(namespaces)
        return [
            each.document
            for each in self.items.values()
            if each.kind == kind and (not spaces or each.namespace in spaces)
        ]

    def do(self, action: Action) -> None:
        self.done.append(action)
        key = (action.kind, action.namespace, action.name)
        if action.verb == "stop":
            self._change(key, lambda document: document | {"spec": {**document.get("spec", {}), "replicas": 0}})
            for each in self._owned_by(self.items[key]):
                self._end(each)
        elif key in self.items:
            self._end(self.items[key])

    def pass_time(self, _seconds: float) -> None:
        """One round of the controllers."""
        for key, rounds in list(self._due.items()):
            self._due[key] = rounds - 1
            if rounds <= 0 and not self._is_held(key):
                del self._due[key]
                self._gone(self.items.pop(key))

    def _end(self, item: Item) -> None:
        key = (item.kind, item.namespace, item.name)
        self._due.setdefault(key, self._random.randint(0, self._slowest))
        self._change(
            key, lambda document: document | {"metadata": {**document["metadata"], "deletionTimestamp": "now"}}
        )

    def _gone(self, item: Item) -> None:
        for owned in self._owned_by(item):
            self._end(owned)
        if item.kind == CLAIM:
            for each in [each for each in self.items.values() if each.kind == VOLUME]:
                spec = each.document["spec"]
                bound = spec.get("claimRef") == {"namespace": item.namespace, "name": item.name}
                if bound and spec["persistentVolumeReclaimPolicy"] == "Delete":
                    self._end(each)

    def _is_held(self, key: Key) -> bool:
        """Object in use protection."""
        kind, namespace, name = key
        running = [each for each in self.items.values() if each.kind == POD and each.namespace == namespace]
        return kind == CLAIM and any(
            volume["persistentVolumeClaim"]["claimName"] == name
            for each in running
            if each.document["status"]["phase"] == "Running"
            for volume in each.document["spec"]["volumes"]
        )

    def _owned_by(self, item: Item) -> list[Item]:
        owner = [{"kind": item.kind.name, "name": item.name}]
        return [
            each
            for each in self.items.values()
            if each.namespace == item.namespace and each.document["metadata"].get("ownerReferences") == owner
        ]

    def _change(self, key: Key, change: Any) -> None:
        self.items[key] = dataclasses.replace(self.items[key], document=change(self.items[key].document))


def drain(cluster: Any, seconds: float = 900, *, gone: bool = False) -> list[str]:
    """Drains in simulated time; what was told."""
    told: list[str] = []
    now = [0.0]

    def pause(paused: float) -> None:
        now[0] += paused
        if isinstance(cluster, Cluster):
            cluster.pass_time(paused)

    Draining(
        name="c",
        teams=[TEAM],
        seconds=seconds,
        is_gone=lambda: gone,
        tell=told.append,
        clock=lambda: now[0],
        pause=pause,
    ).drain(cluster)
    return told


@st.composite
def clusters(draw: st.DrawFn) -> list[Item]:
    """Any cluster of a few objects in namespaces of a team, of the system and of somebody else."""
    items: list[Item] = []
    for number in range(draw(st.integers(0, 8))):
        space, name = draw(st.sampled_from([TEAM, FOREIGN, SYSTEM])), f"n{number}"
        claim = draw(st.sampled_from(["", name]))
        match draw(
            st.sampled_from(["deployment", "stateful", "job", "pod", "service", "plain", "ingress", "disk", "node"])
        ):
            case "deployment":
                deployment = made(DEPLOYMENT, space, name, spec={"replicas": 1})
                replicas = made(REPLICA_SET, space, f"{name}-a", deployment, spec={"replicas": 1})
                items += [deployment, replicas, pod(space, f"{name}-a-b", replicas, claim)]
            case "stateful":
                stateful = made(STATEFUL_SET, space, name, spec={"replicas": 1})
                items += [stateful, pod(space, f"{name}-0", stateful, claim)]
            case "job":
                job = made(JOB, space, name)
                items += [job, pod(space, f"{name}-x", job, claim, draw(st.sampled_from(["Running", "Succeeded"])))]
            case "pod":
                items += [pod(space, name, None, claim)]
            case "service":
                items += [made(SERVICE, space, name, spec={"type": "LoadBalancer"})]
            case "plain":
                items += [made(SERVICE, space, name, spec={"type": "ClusterIP"})]
            case "ingress":
                items += [made(INGRESS, space, name)]
            case "disk":
                claim = name
            case "node":
                items += [made(NODE_POOL, "", name), made(NODE_CLAIM, "", f"{name}-1")]
        if claim:
            policy = draw(st.sampled_from(["Delete", "Retain"]))
            items += disk(space, claim, policy, draw(st.sampled_from(["csi", "local"])))
    return items


@given(clusters(), st.integers(0, 2**16))
def test_any_cluster_is_drained_and_keeps_all_else(items: list[Item], seed: int) -> None:
    cluster = Cluster(items, seed)
    drain(cluster)
    left = cluster.items.values()
    assert not [each for each in left if each.namespace == TEAM and each.kind in (JOB, DEPLOYMENT, STATEFUL_SET, POD)]
    assert not [each for each in left if each.kind in (INGRESS, CLAIM, NODE_POOL, NODE_CLAIM)]
    assert not [each for each in left if each.kind == SERVICE and each.document["spec"]["type"] == "LoadBalancer"]
    kept = {(each.kind, each.namespace, each.name) for each in left}
    for each in items:
        key = (each.kind, each.namespace, each.name)
        if each.kind == VOLUME:
            goes = each.document["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
            assert key in kept or goes, each
            assert key not in kept or not goes or "local" in each.document["spec"], each
        elif each.namespace in (FOREIGN, SYSTEM) and each.kind in (DEPLOYMENT, STATEFUL_SET, JOB):
            assert key in kept, each
    # A second run finds nothing to do.
    done = len(cluster.done)
    assert drain(cluster) == []
    assert len(cluster.done) == done


@given(clusters(), st.integers(0, 2**16))
def test_outside_of_teams_only_pods_that_hold_a_claim_are_ended(items: list[Item], seed: int) -> None:
    holders = {
        f"{each.namespace}/{each.name.partition('-')[0]}"
        for each in items
        if each.kind == POD and each.document["spec"]["volumes"] and each.document["status"]["phase"] == "Running"
    }
    cluster = Cluster(items, seed)
    drain(cluster)
    for action in cluster.done:
        if action.namespace in (FOREIGN, SYSTEM) and action.kind in (DEPLOYMENT, STATEFUL_SET, REPLICA_SET, JOB, POD):
            assert f"{action.namespace}/{action.name.partition('-')[0]}" in holders, action
            assert action.verb == "stop" or action.kind == POD, action


@given(clusters(), st.integers(0, 2**16))
def test_a_stage_is_over_before_the_next_begins(items: list[Item], seed: int) -> None:
    place = {kind: number for number, stage in enumerate(STAGES) for kind in stage.kinds}

    def stage_of(action: Action) -> int:
        # Outside of teams, pods and their controllers are only ended for the claims that they hold.
        holder = action.namespace != TEAM and place[action.kind] == 0
        return place[CLAIM] if holder else place[action.kind]

    cluster = Cluster(items, seed)
    drain(cluster)
    begun = [stage_of(action) for action in cluster.done]
    assert begun == sorted(begun)


def test_what_an_unknown_owner_makes_anew_ends_with_its_namespace() -> None:
    owner = Item(dataclasses.replace(JOB, name="RayCluster"), {"metadata": {"name": "ray", "namespace": TEAM}})
    cluster = Cluster([pod(TEAM, "ray-0", owner)])
    assert drain(cluster) == []
    assert cluster.done == []


def test_a_volume_that_nobody_claimed_goes_and_one_that_lost_its_claim_is_left_to_its_driver() -> None:
    spec = {"persistentVolumeReclaimPolicy": "Delete", "csi": {}}
    free, released = made(VOLUME, "", "free", spec=spec), disk(TEAM, "lost")[1]
    cluster = Cluster([free, released])
    with pytest.raises(DrainError, match=r"(?s)not drained after 1 minutes.*- PersistentVolume team-lost"):
        drain(cluster, 60)
    assert cluster.done == [Action("delete", VOLUME, "", "free")]


class Silence:
    """A cluster that stops to answer for a while, or for good."""

    def __init__(self, rounds: float) -> None:
        self.rounds = rounds

    def find(self, kind: Kind, namespaces: Iterable[str] | None = None) -> list[Document]:
        self.rounds -= 1
        if self.rounds >= 0:
            raise Silent("Connection reset by peer")
        return []

    def do(self, action: Action) -> None:
        raise AssertionError(action)


def test_a_cluster_that_answers_again_is_drained() -> None:
    assert drain(Silence(10)) == ["draining c: the cluster does not answer: Connection reset by peer"]


def test_a_cluster_that_goes_meanwhile_has_nothing_left_to_drain() -> None:
    with pytest.raises(ClusterGone):
        drain(Silence(float("inf")), gone=True)


def test_a_cluster_that_is_silent_for_good_is_given_up_before_the_time_limit() -> None:
    silence = Silence(10_000)
    with pytest.raises(DrainError, match="does not answer, so it cannot be drained: Connection reset by peer"):
        drain(silence)
    assert 10_000 - silence.rounds < 130 / POLL_SECONDS


def test_what_waits_is_told_with_what_it_says_of_itself() -> None:
    document = {
        "metadata": {"name": "spot-1", "finalizers": ["karpenter.sh/termination"]},
        "status": {"conditions": [{"type": "Drained", "status": "False", "message": "3 pods are waiting"}]},
    }
    said = "NodeClaim spot-1 (waits for karpenter.sh/termination): 3 pods are waiting"
    assert str(Item(NODE_CLAIM, document)) == said
    assert str(made(SERVICE, TEAM, "web")) == "Service team/web"


def test_pods_that_hold_a_claim_are_ended_by_their_outermost_controller_and_by_no_namesake() -> None:
    items: list[Item] = []
    for space, claim in ((SYSTEM, ""), (FOREIGN, "data")):
        deployment = made(DEPLOYMENT, space, "web", spec={"replicas": 1})
        replicas = made(REPLICA_SET, space, "web-a", deployment, spec={"replicas": 1})
        items += [deployment, replicas, pod(space, "web-a-b", replicas, claim)]
    cluster = Cluster([*items, *disk(FOREIGN, "data")])
    drain(cluster)
    assert [each for each in cluster.done if each.verb == "stop"] == [Action("stop", DEPLOYMENT, FOREIGN, "web")]


def endpoint_group(namespace: str, service: str) -> Item:
    """What GKE's controller makes for a service, whose name it has as a label."""
    item = made(ENDPOINT_GROUP, namespace, f"k8s2-{service}")
    labels = {"networking.gke.io/managed-by": "neg-controller", "networking.gke.io/service-name": service}
    return Item(ENDPOINT_GROUP, {"metadata": {**item.document["metadata"], "labels": labels}})


def test_endpoint_groups_of_load_balancers_are_waited_for_and_those_of_other_services_are_not() -> None:
    balanced = made(SERVICE, FOREIGN, "web", spec={"type": "LoadBalancer"})
    plain = made(SERVICE, FOREIGN, "plain", spec={"type": "ClusterIP"})
    groups = {each: endpoint_group(FOREIGN, each) for each in ("web", "plain")}
    world = {SERVICE: [plain.document], ENDPOINT_GROUP: [each.document for each in groups.values()]}
    (stage,) = (each for each in STAGES if each.name == "load balancers")
    assert [item.name for item in stage.remaining(world)] == ["k8s2-web"]
    # GKE ends it by itself: nobody else may, who would leave the endpoint group of Compute Engine behind.
    assert stage.actions(world) == []
    world[SERVICE].append(balanced.document)
    assert [(item.kind, item.name) for item in stage.remaining(world)] == [(SERVICE, "web")]


@pytest.mark.parametrize("finalizer", ["gke.networking.io/l4-ilb-v2", "gke.networking.io/l4-netlb-v3"])
def test_a_service_that_gke_still_takes_a_load_balancer_from_remains(finalizer: str) -> None:
    service = made(SERVICE, FOREIGN, "web", spec={"type": "ClusterIP"})
    held = {"metadata": {**service.document["metadata"], "finalizers": [finalizer]}, "spec": service.document["spec"]}
    (stage,) = (each for each in STAGES if each.name == "load balancers")
    assert [item.name for item in stage.remaining({SERVICE: [held]})] == ["web"]
