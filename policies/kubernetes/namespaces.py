"""Rules for namespaces: what pods they admit, what is put into them, and what a team may take of the cluster."""

from collections.abc import Iterator, Sequence
from typing import Any

from policies.kubernetes.manifests import (
    NAMESPACE,
    RELEASE,
    SERVICE,
    SERVICE_ACCOUNT,
    WORKLOADS,
    candidates_in,
    is_in,
    namespace_of,
    namespace_path,
    refers_to_type,
)
from policies.resources import Resource, Stack
from policies.rules import Parameter, related_rule, resource_rule
from policies.values import Unknown, any_holds, as_list, get, known

LIMIT_RANGE = "kubernetes:core/v1:LimitRange"
RESOURCE_QUOTA = "kubernetes:core/v1:ResourceQuota"
ENFORCED = "pod-security.kubernetes.io/enforce"
TEAM_LABEL = "trainyard.dev/team"
"""Which namespaces are a team's. This project labels its teams' so."""
TEAM_PARAMETERS = {"team_label": Parameter(TEAM_LABEL, "The label that the namespaces of teams have.")}

_SYSTEM = ("kube-system", "kube-public", "kube-node-lease")
_CONTENT = (
    SERVICE,
    SERVICE_ACCOUNT,
    "kubernetes:core/v1:ConfigMap",
    "kubernetes:core/v1:Secret",
    "kubernetes:core/v1:PersistentVolumeClaim",
    "kubernetes:networking.k8s.io/v1:Ingress",
    "kubernetes:rbac.authorization.k8s.io/v1:Role",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    RELEASE,
)


@resource_rule(
    NAMESPACE,
    id="kubernetes-namespace-pod-security",
    title="Namespaces admit only pods that keep the Pod Security Standard restricted.",
    severity="high",
    frameworks=("CIS Kubernetes 1.8.0 5.2.1", "NIST CM-7", "NIST AC-6"),
    wrong="Anybody who may make a pod there then has the node, whatever this program deploys.",
    mend=f"label it {ENFORCED}: restricted; what cannot keep it goes into a namespace of its own.",
    parameters={"allowed": Parameter(("restricted",), "Levels of the Pod Security Standards that are strict enough.")},
)
def namespace_pod_security(namespace: Resource, *, allowed: Sequence[str]) -> Iterator[str]:
    """Without the label, pods are held to the cluster's default, which is `privileged`."""
    level = known(namespace.get("metadata", "labels", ENFORCED))
    if not level:
        yield "It holds its pods to no level of the Pod Security Standards."
    elif level not in allowed:
        yield f"It admits pods of level {level}."


@related_rule(
    *WORKLOADS,
    *_CONTENT,
    id="kubernetes-namespace-of-its-own",
    title="Nothing is put into the namespace `default`, and no workload beside the cluster's own.",
    severity="medium",
    frameworks=("CKV_K8S_21", "CIS Kubernetes 1.8.0 5.7.4", "NIST SC-2"),
    wrong="There, no policy, quota or role is for it alone.",
    mend="set metadata.namespace to a namespace that is made for it.",
)
def namespace_of_its_own(resource: Resource, _stack: Stack) -> Iterator[str]:
    """A provider may name the namespace for all that is made with it.

    Add-ons of the cluster come to kube-system as charts, and settings that it reads from there are no workloads."""
    namespace = namespace_of(resource)
    if isinstance(namespace, Unknown) and refers_to_type(resource, namespace_path(resource)[0], NAMESPACE):
        return
    if known(namespace) == "default":
        if resource.get(*namespace_path(resource)) is not None:
            yield "It is in namespace default."
        elif resource.provider.get("namespace") is None:
            yield "It names no namespace, and is therefore in default."
    elif namespace in _SYSTEM and resource.type in WORKLOADS:
        yield f"It is in {namespace}."


@related_rule(
    NAMESPACE,
    id="kubernetes-team-quota",
    title="Every team has a quota.",
    severity="medium",
    frameworks=("NIST SC-5", "NIST SC-6"),
    wrong="One team's mistake then takes the whole cluster from the others.",
    mend="put a ResourceQuota into the namespace, with `hard` amounts.",
    parameters=TEAM_PARAMETERS,
)
def team_quota(namespace: Resource, stack: Stack, *, team_label: str) -> Iterator[str]:
    """A quota without amounts limits nothing."""
    if not is_of_team(namespace, team_label):
        return
    if not any_holds(
        lambda quota: bool(known(quota.get("spec", "hard"))) and is_in(quota, namespace),
        candidates_in(stack, RESOURCE_QUOTA, namespace),
    ):
        yield "There is no ResourceQuota in this team's namespace."


@related_rule(
    NAMESPACE,
    id="kubernetes-team-default-limits",
    title="Containers that ask for nothing have default limits in every team's namespace.",
    severity="low",
    frameworks=("NIST SC-6",),
    wrong="A container that is made past this program then has the whole node.",
    mend="put a LimitRange into the namespace, with a `default` for type Container.",
    parameters=TEAM_PARAMETERS,
)
def team_default_limits(namespace: Resource, stack: Stack, *, team_label: str) -> Iterator[str]:
    """A maximum is a default as well. Source: Kubernetes, "Limit Ranges"."""
    if not is_of_team(namespace, team_label):
        return
    if not any_holds(
        lambda limits: _limits_containers(limits) and is_in(limits, namespace),
        candidates_in(stack, LIMIT_RANGE, namespace),
    ):
        yield "There is no LimitRange for containers in this team's namespace."


def is_of_team(namespace: Resource, team_label: str) -> bool:
    """Whether a namespace is a team's. Raises Undecided where that is unknown."""
    return known(namespace.get("metadata", "labels", team_label)) is not None


def _limits_containers(limits: Resource) -> bool:
    def gives_default(limit: Any) -> bool:
        of_containers = known(get(limit, "type")) == "Container"
        return of_containers and bool(known(get(limit, "default", default=get(limit, "max"))))

    return any_holds(gives_default, as_list(limits.get("spec", "limits")))


RULES = (namespace_pod_security, namespace_of_its_own, team_quota, team_default_limits)
