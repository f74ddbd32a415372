"""Which Kubernetes objects a preview has, and the order in which a cluster takes them.

What the program says depends on something comes after it, also where that goes through resources of a cloud. What the
API server needs besides comes first without being told: the namespace of an object, the definition of a custom
resource. Among what may come next, Helm's order of kinds decides, then the name: the same preview gives the same order.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.events import Event, Operation, StepStarted
from engine.values import UNKNOWN_SENTINEL

PACKAGE = "kubernetes:"
RELEASE_TYPE = "kubernetes:helm.sh/v3:Release"
_NOT_THERE_AFTERWARDS = {Operation.DELETE, Operation.DISCARD, Operation.READ}
# Source: Helm, pkg/release/util/kind_sorter.go, InstallOrder. What is not named comes after all that is.
_KINDS = (
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Release",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
)
_RANK = {kind: rank for rank, kind in enumerate(_KINDS)}


@dataclass(frozen=True, slots=True)
class PreviewedObject:
    """A resource of Pulumi's Kubernetes package, as a preview has it."""

    urn: str
    type: str
    """Such as `kubernetes:core/v1:ConfigMap`."""
    inputs: Mapping[str, Any] = field(repr=False)
    """As the program gives them: secrets and what is not known are Pulumi's marks."""

    @property
    def resource_name(self) -> str:
        """What the program calls it."""
        return self.urn.rpartition("::")[2]

    @property
    def is_release(self) -> bool:
        """Whether it is a release of a Helm chart."""
        return self.type == RELEASE_TYPE

    @property
    def kind(self) -> str:
        """Such as `ConfigMap`; `Release` for a release of a chart."""
        given = self.inputs.get("kind")
        return given if isinstance(given, str) and not self.is_release else self.type.rpartition(":")[2]

    @property
    def name(self) -> str:
        """What the cluster calls it, or the program, where the name is not known."""
        given = self.inputs.get("name") if self.is_release else self._metadata.get("name")
        return given if isinstance(given, str) and given != UNKNOWN_SENTINEL else self.resource_name

    @property
    def namespace(self) -> str:
        """The namespace it is in; empty: none, or not known."""
        given = self.inputs.get("namespace") if self.is_release else self._metadata.get("namespace")
        return given if isinstance(given, str) and given != UNKNOWN_SENTINEL else ""

    @property
    def _metadata(self) -> Mapping[str, Any]:
        metadata = self.inputs.get("metadata")
        return metadata if isinstance(metadata, Mapping) else {}


def in_apply_order(events: Iterable[Event]) -> list[PreviewedObject]:
    """The Kubernetes objects that there will be after the previewed deployment, in the order to apply them in."""
    states = {
        event.urn: event.new_state
        for event in events
        if isinstance(event, StepStarted)
        and event.logical
        and event.new_state
        and event.operation not in _NOT_THERE_AFTERWARDS
    }
    objects = {
        urn: PreviewedObject(urn, state["type"], state.get("inputs") or {})
        for urn, state in states.items()
        if state["type"].startswith(PACKAGE) and state.get("custom")
    }
    needed: dict[str, set[str]] = {urn: set() for urn in objects}
    for urn, found in _reachable(states, objects):
        needed[urn] |= found
    for urn, implied in _implied(list(objects.values())):
        # Where the program has it the other way round, the program is right.
        if urn not in needed[implied]:
            needed[urn].add(implied)
    return [objects[urn] for urn in _sorted(objects, needed)]


def _reachable(
    states: Mapping[str, Mapping[str, Any]], objects: Mapping[str, PreviewedObject]
) -> Iterator[tuple[str, set[str]]]:
    """Each object with all others that it depends on. A resource is registered after what it depends on."""
    closure: dict[str, set[str]] = {}
    for urn, state in states.items():
        direct = {*(state.get("dependencies") or ()), state.get("parent", "")}
        for urns in (state.get("propertyDependencies") or {}).values():
            direct.update(urns or ())
        found = {each for each in direct if each in objects}
        for each in direct:
            found |= closure.get(each, set())
        closure[urn] = found
        if urn in objects:
            yield urn, found - {urn}


def _implied(objects: Sequence[PreviewedObject]) -> Iterator[tuple[str, str]]:
    """Pairs of an object and of one that the API server needs before it."""
    namespaces = {each.name: each.urn for each in objects if each.kind == "Namespace"}
    definitions = {
        f"{spec.get('group')}:{names.get('kind')}": each.urn
        for each in objects
        if each.kind == "CustomResourceDefinition" and isinstance(spec := each.inputs.get("spec"), Mapping)
        if isinstance(names := spec.get("names"), Mapping)
    }
    for each in objects:
        group = each.type.removeprefix(PACKAGE).rpartition(":")[0].rpartition("/")[0]
        for implied in (namespaces.get(each.namespace), definitions.get(f"{group}:{each.kind}")):
            if implied and implied != each.urn:
                yield each.urn, implied


def _sorted(objects: Mapping[str, PreviewedObject], needed: Mapping[str, set[str]]) -> Iterator[str]:
    """Topological order, by kind, namespace and name among what may come next."""
    waiting = {urn: set(found) for urn, found in needed.items()}
    users: dict[str, list[str]] = {}
    for urn, found in needed.items():
        for each in found:
            users.setdefault(each, []).append(urn)
    ready = [_key(each) for urn, each in objects.items() if not waiting[urn]]
    heapq.heapify(ready)
    while ready:
        *_, urn = heapq.heappop(ready)
        del waiting[urn]
        yield urn
        for user in users.get(urn, []):
            waiting[user].discard(urn)
            if not waiting[user]:
                heapq.heappush(ready, _key(objects[user]))
    # Where what is needed unsaid and what is said need each other in a circle, the program's order is right.
    yield from waiting


def _key(each: PreviewedObject) -> tuple[int, str, str, str, str]:
    return _RANK.get(each.kind, len(_KINDS)), each.kind, each.namespace, each.name, each.urn
