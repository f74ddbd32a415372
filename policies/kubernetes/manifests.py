"""Kubernetes objects as rules see them: the pods of any workload, their containers, and what is in which namespace.

What cannot be told apart by names that are not known yet is told by Pulumi's property dependencies.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from policies.resources import Resource, Stack
from policies.values import Undecided, Unknown, as_list, get, known

NAMESPACE = "kubernetes:core/v1:Namespace"
SERVICE_ACCOUNT = "kubernetes:core/v1:ServiceAccount"
SERVICE = "kubernetes:core/v1:Service"
PERSISTENT_VOLUME = "kubernetes:core/v1:PersistentVolume"
RELEASE = "kubernetes:helm.sh/v3:Release"

POD = "kubernetes:core/v1:Pod"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
DAEMON_SETS = tuple(f"kubernetes:{version}:DaemonSet" for version in ("apps/v1", "apps/v1beta2", "extensions/v1beta1"))
SERVERS = (
    DEPLOYMENT,
    "kubernetes:apps/v1beta1:Deployment",
    "kubernetes:apps/v1beta2:Deployment",
    "kubernetes:extensions/v1beta1:Deployment",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:apps/v1beta1:StatefulSet",
    "kubernetes:apps/v1beta2:StatefulSet",
    *DAEMON_SETS,
    "kubernetes:apps/v1:ReplicaSet",
    "kubernetes:apps/v1beta2:ReplicaSet",
    "kubernetes:extensions/v1beta1:ReplicaSet",
    "kubernetes:core/v1:ReplicationController",
)
"""Workloads whose pods run until they are told to stop."""
JOB = "kubernetes:batch/v1:Job"
CRON_JOBS = tuple(f"kubernetes:batch/{version}:CronJob" for version in ("v1", "v1beta1", "v2alpha1"))
JOBS = (JOB, *CRON_JOBS)
WORKLOADS = (POD, *SERVERS, *JOBS)
"""Everything that makes pods."""

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def pod_template(workload: Resource) -> Any:
    """Metadata and `spec` of a workload's pods."""
    if workload.type == POD:
        return workload.properties
    if workload.type in CRON_JOBS:
        return workload.get("spec", "jobTemplate", "spec", "template", default={})
    return workload.get("spec", "template", default={})


def pod_of(workload: Resource) -> Any:
    """The `spec` of a workload's pods."""
    return get(pod_template(workload), "spec", default={})


def containers_of(workload: Resource, *kinds: str) -> Iterator[Any]:
    """Every container of a workload's pods, or those of some kinds only. Lists that are unknown are noted."""
    pod = pod_of(workload)
    for kind in kinds or _CONTAINERS:
        found: list[Any] = []
        with workload.apart():
            found += as_list(get(pod, kind))
        yield from found


def called(container: Any) -> str:
    """What a message calls a container."""
    return f"Container '{get(container, 'name', default='')}'"


def is_off(value: Any) -> bool:
    """Whether a switch is off, and not just left out. Raises Undecided if it is unknown."""
    return known(value) is False or (isinstance(value, str) and value.lower() == "false")


def security_setting(pod: Any, container: Any, *path: str) -> Any:
    """A setting of a container's security context, or of its pod's, which is for containers that say nothing."""
    own = get(container, "securityContext", *path)
    return get(pod, "securityContext", *path) if own is None else own


def is_windows(pod: Any) -> bool:
    """Whether pods run on Windows, where the settings of Linux do not exist. Raises Undecided if that is unknown."""
    return bool(known(get(pod, "os", "name")) == "windows")


def has_user_namespace(pod: Any) -> bool:
    """Whether root in the pod is somebody else on the node. Source: Kubernetes, "User Namespaces"."""
    return is_off(get(pod, "hostUsers"))


def namespace_of(resource: Resource) -> Any:
    """The namespace that an object, or the objects of a chart, are in; `default` where none is named."""
    path = namespace_path(resource)
    namespace = told_or_referred(resource, resource.get(*path), path[0], NAMESPACE)
    return "default" if namespace is None else namespace


def told_or_referred(resource: Resource, name: Any, property_: str, type_: str) -> Any:
    """A name; unknown where there is none and the property is made of an object that Pulumi has still to name."""
    return Unknown(property_) if name is None and refers_to_type(resource, property_, type_) else name


def namespace_path(resource: Resource) -> tuple[str, ...]:
    """Where an object, or a chart, names its namespace."""
    return ("namespace",) if resource.type == RELEASE else ("metadata", "namespace")


def is_in(resource: Resource, namespace: Resource) -> bool:
    """Whether an object is in a namespace that the stack makes. Raises Undecided where that cannot be told."""
    return names(resource, namespace_path(resource)[0], namespace_of(resource), namespace)


def share_namespace(one: Resource, other: Resource) -> bool:
    """Whether two objects are in the same namespace. Raises Undecided where that cannot be told."""
    first, second = namespace_of(one), namespace_of(other)
    if not isinstance(first, Unknown) and not isinstance(second, Unknown):
        return bool(first == second)
    made_of = [set(_made_of(each, namespace_path(each)[0], NAMESPACE)) for each in (one, other)]
    if all(made_of):
        return made_of[0] == made_of[1]
    raise Undecided(first.path if isinstance(first, Unknown) else second.path)


def names(resource: Resource, property_: str, value: Any, other: Resource) -> bool:
    """Whether `value`, which is within a property of a resource, is the name of another object.

    An object without a name in its program gets one of Pulumi's, which no other program text can be.
    Raises Undecided where that cannot be told.
    """
    name = other.get("metadata", "name")
    if not isinstance(value, Unknown) and not isinstance(name, Unknown):
        return value is not None and bool(value == name)
    if isinstance(value, Unknown):
        made_of = _made_of(resource, property_, other.type)
        if made_of:
            return other.urn in made_of
        raise Undecided(value.path)
    raise Undecided(name.path)


def _made_of(resource: Resource, property_: str, type_: str) -> list[str]:
    """URNs of the resources of a type whose outputs a property is made of."""
    made_of = resource.property_dependencies.get(property_, ())
    return [urn for urn in made_of if urn.rpartition("::")[0].endswith((f"::{type_}", f"${type_}"))]


def refers_to_type(resource: Resource, property_: str, *types: str) -> bool:
    """Whether a property is made of outputs of a resource of one of these types."""
    return any(_made_of(resource, property_, type_) for type_ in types)


def candidates(stack: Stack, type_: str, name: Any) -> Sequence[Resource]:
    """Objects of a type that may be called so. Looked up in an index, as many workloads name many objects."""
    return _looked_up(stack, type_, name, "name", lambda each: each.get("metadata", "name"))


def candidates_in(stack: Stack, type_: str, namespace: Resource) -> Sequence[Resource]:
    """Objects of a type that may be in a namespace, by an index as well."""
    return _looked_up(stack, type_, namespace.get("metadata", "name"), "namespace", namespace_of)


def _looked_up(stack: Stack, type_: str, wanted: Any, by: str, key_of: Callable[[Resource], Any]) -> Sequence[Resource]:
    if isinstance(wanted, Unknown):
        return stack.of(type_)
    of_stack = _INDEXES.setdefault(stack, {})
    index = of_stack.get((type_, by))
    if index is None:
        index = of_stack[type_, by] = {}
        for each in stack.of(type_):
            key = key_of(each)
            index.setdefault(key if isinstance(key, str) else None, []).append(each)
    return [*(index.get(wanted, ()) if isinstance(wanted, str) else ()), *index.get(None, ())]


_INDEXES: WeakKeyDictionary[Stack, dict[tuple[str, str], dict[str | None, list[Resource]]]] = WeakKeyDictionary()
"""Objects of each stack by their type and what they are looked up by; None: those of which it is not known."""


def selects(selector: Any, labels: Mapping[str, Any]) -> bool:
    """Whether a label selector selects an object with these labels. Raises Undecided where that is unknown.

    Source: Kubernetes API reference, LabelSelector: an empty one selects everything.
    """
    for key, value in known(get(selector, "matchLabels", default={})).items():
        if known(labels.get(key)) != known(value):
            return False
    for expression in as_list(get(selector, "matchExpressions")):
        value = known(labels.get(known(get(expression, "key"))))
        values = [known(each) for each in as_list(get(expression, "values"))]
        match known(get(expression, "operator")):
            case "In" if value not in values:
                return False
            case "NotIn" if value in values:
                return False
            case "Exists" if value is None:
                return False
            case "DoesNotExist" if value is not None:
                return False
    return True
