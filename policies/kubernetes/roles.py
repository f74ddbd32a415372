"""Rules for what roles grant in a cluster.

Source: Kubernetes, "Role Based Access Control Good Practices"; CIS Kubernetes Benchmark 5.1.
"""

from collections.abc import Iterator
from typing import Any

from policies.kubernetes.manifests import names
from policies.resources import Resource, Stack
from policies.rules import related_rule, resource_rule
from policies.values import any_holds, as_list, get, known

_VERSIONS = ("v1", "v1beta1", "v1alpha1")


def _types(kind: str) -> tuple[str, ...]:
    return tuple(f"kubernetes:rbac.authorization.k8s.io/{version}:{kind}" for version in _VERSIONS)


ROLES = _types("Role")
CLUSTER_ROLES = _types("ClusterRole")
ROLE_BINDINGS = _types("RoleBinding")
CLUSTER_ROLE_BINDINGS = _types("ClusterRoleBinding")

_ESCALATING = ("bind", "escalate", "impersonate")
_READING = ("get", "list", "watch")
_ANY_OF = "*/"
"""Before the name of a subresource: of whatever has it. Source: Kubernetes' RBAC authorizer, ResourceMatches."""
_EVERYTHING = ("*", "/*")
"""The second is of paths."""
_CONTROL = {
    "certificatesigningrequests/approval": ("update", "patch"),
    "signers": ("approve",),
    "mutatingwebhookconfigurations": ("create", "update", "patch"),
    "validatingwebhookconfigurations": ("create", "update", "patch"),
    "serviceaccounts/token": ("create",),
    "nodes/proxy": ("get", "create", "update", "patch", "delete"),
}


@resource_rule(
    *ROLES,
    *CLUSTER_ROLES,
    id="kubernetes-role-no-wildcards",
    title="Roles name what they grant.",
    severity="high",
    frameworks=("CKV_K8S_49", "CIS Kubernetes 1.8.0 5.1.3", "NIST AC-6"),
    wrong="A wildcard also grants what is added to the cluster later, and every way to get more rights.",
    mend='list the verbs, resources and apiGroups in place of "*".',
)
def role_no_wildcards(role: Resource) -> Iterator[str]:
    """`*/scale` is of one kind of subresource, and passes. An aggregated role has the rules of what it selects."""
    for rule in as_list(role.get("rules")):
        for part in ("verbs", "resources", "apiGroups", "nonResourceURLs"):
            with role.apart():
                if any_holds(_is_everything, as_list(get(rule, part))):
                    yield f"A rule has '*' among its {part}."
    with role.apart():
        for selector in as_list(role.get("aggregationRule", "clusterRoleSelectors")):
            with role.apart():
                if not known(get(selector, "matchLabels")) and not as_list(get(selector, "matchExpressions")):
                    yield "It has the rules of every other role: a selector of its aggregationRule is empty."


@resource_rule(
    *ROLES,
    *CLUSTER_ROLES,
    id="kubernetes-role-no-escalation",
    title="No role lets its holders take rights that they do not have.",
    severity="high",
    frameworks=("CKV_K8S_157", "CKV_K8S_158", "CKV2_K8S_3", "CIS Kubernetes 1.8.0 5.1.8", "NIST AC-6"),
    wrong="Whoever has it has in effect every right that anybody in the cluster has.",
    mend="leave out the verbs bind, escalate and impersonate, or name what they are good for in resourceNames.",
)
def role_no_escalation(role: Resource) -> Iterator[str]:
    """With resourceNames these verbs hold for single roles or users only; `escalate` lets rewrite even those."""
    for rule in as_list(role.get("rules")):
        with role.apart():
            for verb in as_list(get(rule, "verbs")):
                with role.apart():
                    if known(verb) in _ESCALATING and (verb == "escalate" or not _names_single_ones(rule)):
                        yield f"A rule grants {verb} on {_told(get(rule, 'resources'))}."


@resource_rule(
    *ROLES,
    *CLUSTER_ROLES,
    id="kubernetes-role-no-cluster-control",
    title="No role grants what controls admission, certificates, tokens or nodes.",
    severity="high",
    frameworks=(
        "CKV_K8S_155",
        "CKV_K8S_156",
        "CKV2_K8S_2",
        *(f"CIS Kubernetes 1.8.0 5.1.{number}" for number in (10, 11, 12, 13)),
        "NIST AC-6",
    ),
    wrong="Each of these makes its holder the master of the cluster by a detour.",
    mend="leave it out, or name the single objects in resourceNames.",
)
def role_no_cluster_control(role: Resource) -> Iterator[str]:
    """Webhooks see and change all requests, approved certificates name anybody, tokens are of any account, and the
    proxy of a node runs commands in its pods.
    """
    for rule in as_list(role.get("rules")):
        with role.apart():
            for resource in as_list(get(rule, "resources")):
                with role.apart():
                    verbs = _control_verbs(str(known(resource)))
                    if verbs and _grants(rule, verbs) and not _names_single_ones(rule):
                        yield f"A rule grants {_told(get(rule, 'verbs'))} on {resource}."


@related_rule(
    *CLUSTER_ROLES,
    id="kubernetes-role-no-cluster-secrets",
    title="No role reads the secrets of all namespaces.",
    severity="high",
    frameworks=("CKV2_K8S_5", "CIS Kubernetes 1.8.0 5.1.2", "NIST AC-6"),
    wrong="With them come the tokens of every service account, and the data of every team.",
    mend="use a Role in the one namespace, or name the secrets in resourceNames.",
)
def role_no_cluster_secrets(role: Resource, stack: Stack) -> Iterator[str]:
    """A ClusterRole that only RoleBindings grant is good in their namespaces only."""

    def is_granted_by(binding: Resource) -> bool:
        return names(binding, "roleRef", binding.get("roleRef", "name"), role)

    for rule in as_list(role.get("rules")):
        with role.apart():
            if not any_holds(lambda each: bool(known(each) == "secrets"), as_list(get(rule, "resources"))):
                continue
            if not _grants(rule, _READING) or _names_single_ones(rule):
                continue
            in_namespaces = any_holds(is_granted_by, stack.of(*ROLE_BINDINGS))
            if not in_namespaces or any_holds(is_granted_by, stack.of(*CLUSTER_ROLE_BINDINGS)):
                yield f"It grants {_told(get(rule, 'verbs'))} on secrets in the whole cluster."


def _is_everything(granted: Any) -> bool:
    return known(granted) in _EVERYTHING


def _control_verbs(resource: str) -> tuple[str, ...]:
    """The verbs by which a resource, or some resource with that subresource, gives control."""
    return _CONTROL.get(resource) or next(
        (
            verbs
            for name, verbs in _CONTROL.items()
            if resource.startswith(_ANY_OF) and name.partition("/")[2] == resource.removeprefix(_ANY_OF)
        ),
        (),
    )


def _names_single_ones(rule: Any) -> bool:
    return bool(as_list(get(rule, "resourceNames")))


def _grants(rule: Any, verbs: tuple[str, ...]) -> bool:
    return any_holds(lambda verb: known(verb) in verbs, as_list(get(rule, "verbs")))


def _told(names_: Any) -> str:
    return ", ".join(str(each) for each in names_) if isinstance(names_, list) else str(names_)


RULES = (role_no_wildcards, role_no_escalation, role_no_cluster_control, role_no_cluster_secrets)
