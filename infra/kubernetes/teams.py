"""A team of a cluster: its namespace under Pod Security `restricted`, what it may have at once, and who may do what.

Teams do not see each other: roles are of one namespace, pods have no token of the API server, and packets between
namespaces are refused (`network_policies`). Who is a member is told by the group `trainyard:TEAM`, which a cloud's
access entries put people in; where a cloud has none, nobody is in that group, and members are named one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

from infra.kubernetes import quantities
from infra.kubernetes.node_pools import GPU_RESOURCE, NodePool
from infra.kubernetes.object import Manifest, namespaced
from infra.kubernetes.settings import TeamSettings

TEAM_LABEL = "trainyard.dev/team"
"""Namespaces of teams have it, with the team's name; queues admit by it."""
MEMBER_ROLE = "team-member"
READER_ROLE = "trainyard-team-reader"

_READ = ["get", "list", "watch"]
_WRITE = ["create", "update", "patch", "delete", "deletecollection"]
MEMBER_RULES: list[dict[str, Any]] = [
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": _READ + _WRITE},
    {"apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"], "verbs": _READ + _WRITE},
    {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": _READ},
    {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": _READ + _WRITE},
    {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": _READ + _WRITE},
    {"apiGroups": [""], "resources": ["configmaps", "services", "persistentvolumeclaims"], "verbs": _READ + _WRITE},
    {"apiGroups": [""], "resources": ["pods"], "verbs": [*_READ, "create", "delete", "deletecollection"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods/exec", "pods/portforward"], "verbs": ["create", "get"]},
    {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": _READ},
    {"apiGroups": [""], "resources": ["serviceaccounts", "resourcequotas", "limitranges"], "verbs": _READ},
    {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": _READ},
    {"apiGroups": ["kueue.x-k8s.io"], "resources": ["localqueues", "workloads"], "verbs": _READ},
]
"""What a member may do in the team's namespace. No secrets, roles, quotas, policies or service accounts: those are the
platform's. Source: CIS Kubernetes Benchmark 5.1."""
READER_RULES: list[dict[str, Any]] = [
    {"apiGroups": ["scheduling.k8s.io"], "resources": ["priorityclasses"], "verbs": _READ},
    {"apiGroups": ["kueue.x-k8s.io"], "resources": ["clusterqueues", "resourceflavors"], "verbs": _READ},
]
"""What members of every team may see of the whole cluster: nothing that tells what another team runs."""


@dataclass(frozen=True)
class Member:
    """Somebody of a team, as the cloud tells the API server who they are."""

    kind: Literal["User", "Group"]
    name: str


def group_of(team: str) -> str:
    """The Kubernetes group that a team's members are in."""
    return f"trainyard:{team}"


def namespace_manifest(
    name: str, level: str, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> Manifest:
    """A namespace whose pods are held to a level of the Pod Security Standards.

    :param level: `restricted`, `baseline` or `privileged`.
    """
    modes = ("enforce", "audit", "warn")
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {**labels, **{f"pod-security.kubernetes.io/{mode}": level for mode in modes}},
            **({"annotations": dict(annotations)} if annotations else {}),
        },
    }


def team_manifests(
    team: str,
    settings: TeamSettings,
    *,
    pools: Sequence[NodePool],
    service_accounts: Mapping[str, Mapping[str, pulumi.Input[str]]],
    members: Sequence[Member] = (),
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
) -> list[Manifest]:
    """A team's namespace and what is in it before any workload, in apply order.

    :param pools: What the cluster has at its largest: the quota of what the settings leave open.
    :param service_accounts: Annotations of each service account, by its name.
    :param members: Who is a member beside those of the team's group.
    :param annotations: What else is told of the namespace: owner, cost centre, expiry.
    """
    own = {**labels, TEAM_LABEL: team}
    return [
        namespace_manifest(team, "restricted", own, annotations),
        _quota(team, settings, pools, own),
        _limits(team, own),
        *(_service_account(team, account, notes, own) for account, notes in service_accounts.items()),
        _role(team, own),
        _binding(team, members, own),
        _reader_binding(team, members, own),
    ]


def reader_role_manifest(labels: Mapping[str, str]) -> Manifest:
    """What members of every team may see of the whole cluster."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": READER_ROLE, "labels": dict(labels)},
        "rules": READER_RULES,
    }


def gpu_quota(settings: TeamSettings, pools: Sequence[NodePool]) -> int:
    """GPUs that a team may have at once."""
    return settings.gpus or sum(pool.most_gpus for pool in pools)


def _quota(team: str, settings: TeamSettings, pools: Sequence[NodePool], labels: Mapping[str, str]) -> Manifest:
    cpus = settings.cpus or sum(pool.cpus * pool.max_nodes for pool in pools)
    memory = settings.memory_gib or sum(pool.memory_gib * pool.max_nodes for pool in pools)
    hard = {
        "pods": str(settings.pods),
        "requests.cpu": quantities.cpus(cpus),
        "requests.memory": quantities.gib(int(memory)),
        # Of what is not shared, only requests can be counted, and they are the limits.
        f"requests.{GPU_RESOURCE}": str(gpu_quota(settings, pools)),
        "count/jobs.batch": str(settings.pods),
        # Ways in from outside are the platform's, and each costs money by the hour.
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }
    return namespaced("v1", "ResourceQuota", team, "team", labels, {"spec": {"hard": hard}})


def _limits(team: str, labels: Mapping[str, str]) -> Manifest:
    """What a container gets that asks for nothing, so that none can take a whole node."""
    limit = {
        "type": "Container",
        "defaultRequest": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "256Mi"},
        "default": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "2Gi"},
    }
    return namespaced("v1", "LimitRange", team, "containers", labels, {"spec": {"limits": [limit]}})


def _service_account(
    team: str, name: str, annotations: Mapping[str, pulumi.Input[str]], labels: Mapping[str, str]
) -> Manifest:
    content = {"automountServiceAccountToken": False}
    return namespaced("v1", "ServiceAccount", team, name, labels, content, annotations)


def _role(team: str, labels: Mapping[str, str]) -> Manifest:
    return namespaced(
        "rbac.authorization.k8s.io/v1",
        "Role",
        team,
        MEMBER_ROLE,
        labels,
        {"rules": [dict(rule) for rule in MEMBER_RULES]},
    )


def _binding(team: str, members: Sequence[Member], labels: Mapping[str, str]) -> Manifest:
    content = {"roleRef": _role_reference("Role", MEMBER_ROLE), "subjects": _subjects(team, members)}
    return namespaced("rbac.authorization.k8s.io/v1", "RoleBinding", team, MEMBER_ROLE, labels, content)


def _reader_binding(team: str, members: Sequence[Member], labels: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{READER_ROLE}-{team}", "labels": dict(labels)},
        "roleRef": _role_reference("ClusterRole", READER_ROLE),
        "subjects": _subjects(team, members),
    }


def _role_reference(kind: str, name: str) -> dict[str, str]:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}


def _subjects(team: str, members: Sequence[Member]) -> list[dict[str, str]]:
    named = [Member("Group", group_of(team)), *members]
    return [{"apiGroup": "rbac.authorization.k8s.io", "kind": each.kind, "name": each.name} for each in named]


def refuse_taken_prefix(workload: str, teams: Sequence[str]) -> None:
    """Raises pulumi.RunError for a team whose place in the buckets is that of the program's own workload."""
    if workload in teams:
        raise pulumi.RunError(
            f"trainyard:kubernetes.teams.{workload}: must have another name: {workload}/ is where in the buckets this "
            "program's own workload works"
        )
