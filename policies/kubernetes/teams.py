"""Rules that keep the data of teams apart, as far as Kubernetes goes.

A team has namespaces, which a label tells, and its people are in a group. Whatever is in no team's namespace, such as
the cluster's monitoring, is common to all.
"""

from collections.abc import Iterator
from typing import Any

from policies.kubernetes.accounts import account_of
from policies.kubernetes.manifests import (
    CRON_JOBS,
    JOBS,
    NAMESPACE,
    SERVICE_ACCOUNT,
    WORKLOADS,
    candidates,
    containers_of,
    is_in,
    names,
    namespace_of,
    pod_of,
    refers_to_type,
    selects,
    share_namespace,
)
from policies.kubernetes.namespaces import TEAM_PARAMETERS, is_of_team
from policies.kubernetes.network import NETWORK_POLICIES, open_peers
from policies.kubernetes.roles import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS
from policies.kubernetes.scheduling import LOCAL_QUEUES, queue_of
from policies.resources import Resource, Stack
from policies.rules import Parameter, related_rule
from policies.values import Unknown, any_holds, as_list, get, known

SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 - a type
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"

_NAME_LABEL = "kubernetes.io/metadata.name"
"""Kubernetes gives every namespace this label, with its name."""
_SEEING_ALL = ("view", "edit", "admin")
_TEAMS_OWN = frozenset(
    (
        *("pods", "pods/log", "services", "endpoints", "configmaps", "persistentvolumeclaims", "events"),
        *("deployments", "statefulsets", "daemonsets", "replicasets", "jobs", "cronjobs"),
        *("localqueues", "workloads"),
    )
)
_GROUP_PARAMETERS = {
    **TEAM_PARAMETERS,
    "group_prefix": Parameter("trainyard:", "What the name of a team's group begins with, before the namespace."),
}


@related_rule(
    *WORKLOADS,
    id="kubernetes-workload-own-objects",
    title="Workloads use the service accounts, settings, secrets and volumes of their own namespace.",
    severity="medium",
    frameworks=("CIS Kubernetes 1.8.0 5.7.1", "NIST AC-4"),
    wrong="The pod does not start, or starts with whatever has that name in its own namespace.",
    mend="make the object in the workload's namespace, with what the workload may know.",
)
def workload_own_objects(workload: Resource, stack: Stack) -> Iterator[str]:
    """A name is looked up in the pod's namespace. What this program makes there, or not, is seen here."""
    for type_, name in _used(workload):
        with workload.apart():
            if name is None:
                continue
            called_so = [each for each in candidates(stack, type_, name) if names(workload, "spec", name, each)]
            if not called_so or any_holds(lambda each: share_namespace(workload, each), called_so):
                continue
            if isinstance(name, Unknown) or _makes_namespace_of(stack, workload):
                kind = type_.rpartition(":")[2]
                yield f"It uses {kind} {name}, which this program makes in another namespace."


@related_rule(
    *JOBS,
    id="kubernetes-job-own-queue",
    title="Jobs wait in a queue of their own namespace.",
    severity="medium",
    frameworks=("CIS Kubernetes 1.8.0 5.7.1", "NIST SC-6"),
    wrong="The job is never started, or counted as somebody else's.",
    mend="name a LocalQueue that the program makes in the job's namespace.",
)
def job_own_queue(job: Resource, stack: Stack) -> Iterator[str]:
    """Where the program makes no queue at all, or not the namespace, others make it."""
    queues = stack.of(*LOCAL_QUEUES)
    name = queue_of(job) if queues else None
    if name is None or not _makes_namespace_of(stack, job):
        return
    holder = "spec" if job.type in CRON_JOBS else "metadata"
    if not any_holds(lambda queue: names(job, holder, name, queue) and share_namespace(job, queue), queues):
        yield f"It names queue {name}, which this program does not make in its namespace."


@related_rule(
    *ROLE_BINDINGS,
    id="kubernetes-team-own-members",
    title="Nobody of one team has a role in the namespace of another.",
    severity="high",
    frameworks=("NIST AC-3", "NIST AC-4", "NIST AC-6"),
    wrong="That team's people or pods then see and change what this one runs.",
    mend="take the subject out of the RoleBinding, or make a namespace that is common to both.",
    parameters=_GROUP_PARAMETERS,
)
def team_own_members(binding: Resource, stack: Stack, *, team_label: str, group_prefix: str) -> Iterator[str]:
    """People are known by their group, pods by their service account's namespace."""
    own, others = _own_and_others(binding, stack, team_label)
    if not own:
        return
    for subject in as_list(binding.get("subjects")):
        for other in others:
            with binding.apart():
                if _is_subject_of(binding, subject, other, group_prefix):
                    yield f"It grants a role to {get(subject, 'name')} of team {other.name}."


@related_rule(
    *CLUSTER_ROLE_BINDINGS,
    id="kubernetes-team-no-cluster-rights",
    title="Nobody of a team sees what is in the namespaces of all others.",
    severity="high",
    frameworks=("NIST AC-3", "NIST AC-4", "NIST AC-6"),
    wrong="A ClusterRoleBinding grants the role in every namespace, those of other teams among them.",
    mend="bind the role with a RoleBinding in the team's namespace.",
    parameters=_GROUP_PARAMETERS,
)
def team_no_cluster_rights(binding: Resource, stack: Stack, *, team_label: str, group_prefix: str) -> Iterator[str]:
    """What is of no namespace, such as nodes and priorities, is not any team's."""
    teams = [each for each in stack.of(NAMESPACE) if is_of_team(each, team_label)]
    for subject in as_list(binding.get("subjects")):
        for team in teams:
            with binding.apart():
                if _is_subject_of(binding, subject, team, group_prefix) and _sees_namespaces(binding, stack):
                    yield f"It lets {get(subject, 'name')} of team {team.name} see into all namespaces."


@related_rule(
    *NETWORK_POLICIES,
    id="kubernetes-team-own-network",
    title="No team's pods are reached from the namespace of another.",
    severity="high",
    frameworks=("CIS Kubernetes 1.8.0 5.3.2", "NIST AC-4", "NIST SC-7"),
    wrong="A pod of that team can then ask for this one's data, models and ranks.",
    mend="let in pods of the own namespace, and common namespaces by their names.",
    parameters=TEAM_PARAMETERS,
)
def team_own_network(policy: Resource, stack: Stack, *, team_label: str) -> Iterator[str]:
    """Which namespaces a selector means is seen by those that this program makes. A rule for everything is a fault of
    its own.
    """
    rules = as_list(policy.get("spec", "ingress"))
    if not any_holds(_names_namespaces, rules):
        return
    own, others = _own_and_others(policy, stack, team_label)
    if not own:
        return
    for rule in rules:
        with policy.apart():
            if list(open_peers(rule, "from")):
                continue
            for peer in as_list(get(rule, "from")):
                for other in others:
                    with policy.apart():
                        if _lets_in(peer, other):
                            yield f"It lets in pods of team {other.name}."


def _used(workload: Resource) -> Iterator[tuple[str, Any]]:
    """Types and names of the objects that pods cannot do without."""
    pod = pod_of(workload)
    yield SERVICE_ACCOUNT, account_of(workload)
    with workload.apart():
        for secret in as_list(get(pod, "imagePullSecrets")):
            yield SECRET, get(secret, "name")
    with workload.apart():
        for volume in as_list(get(pod, "volumes")):
            yield SECRET, get(volume, "secret", "secretName")
            yield CONFIG_MAP, get(volume, "configMap", "name")
            yield CLAIM, get(volume, "persistentVolumeClaim", "claimName")
            with workload.apart():
                for source in as_list(get(volume, "projected", "sources")):
                    yield SECRET, get(source, "secret", "name")
                    yield CONFIG_MAP, get(source, "configMap", "name")
    for container in containers_of(workload):
        with workload.apart():
            for variable in as_list(get(container, "env")):
                yield SECRET, get(variable, "valueFrom", "secretKeyRef", "name")
                yield CONFIG_MAP, get(variable, "valueFrom", "configMapKeyRef", "name")
        with workload.apart():
            for variables in as_list(get(container, "envFrom")):
                yield SECRET, get(variables, "secretRef", "name")
                yield CONFIG_MAP, get(variables, "configMapRef", "name")


def _makes_namespace_of(stack: Stack, resource: Resource) -> bool:
    return any_holds(lambda namespace: is_in(resource, namespace), candidates(stack, NAMESPACE, namespace_of(resource)))


def _own_and_others(resource: Resource, stack: Stack, team_label: str) -> tuple[list[Resource], list[Resource]]:
    """The team's namespace that an object is in, and the namespaces of other teams."""
    own: list[Resource] = []
    others: list[Resource] = []
    for namespace in stack.of(NAMESPACE):
        if is_of_team(namespace, team_label):
            (own if is_in(resource, namespace) else others).append(namespace)
    team = [known(each.get("metadata", "labels", team_label)) for each in own]
    return own, [each for each in others if known(each.get("metadata", "labels", team_label)) not in team]


def _is_subject_of(binding: Resource, subject: Any, namespace: Resource, group_prefix: str) -> bool:
    match known(get(subject, "kind")):
        case "ServiceAccount":
            return names(binding, "subjects", get(subject, "namespace"), namespace)
        case "Group":
            name = known(namespace.get("metadata", "name"))
            return known(get(subject, "name")) in (f"{group_prefix}{name}", f"system:serviceaccounts:{name}")
    return False


def _sees_namespaces(binding: Resource, stack: Stack) -> bool:
    name = binding.get("roleRef", "name")

    def is_granted(role: Resource) -> bool:
        return names(binding, "roleRef", name, role) and any_holds(_is_about_teams, as_list(role.get("rules")))

    if any_holds(is_granted, stack.of(*CLUSTER_ROLES)):
        return True
    return not refers_to_type(binding, "roleRef", *CLUSTER_ROLES) and known(name) in _SEEING_ALL


def _is_about_teams(rule: Any) -> bool:
    return any_holds(lambda each: known(each) in _TEAMS_OWN, as_list(get(rule, "resources")))


def _names_namespaces(rule: Any) -> bool:
    return any_holds(lambda peer: known(get(peer, "namespaceSelector")) is not None, as_list(get(rule, "from")))


def _lets_in(peer: Any, namespace: Resource) -> bool:
    selector = known(get(peer, "namespaceSelector"))
    if selector is None:
        return False
    labels = known(namespace.get("metadata", "labels", default={}))
    return selects(selector, {**labels, _NAME_LABEL: namespace.get("metadata", "name")})


RULES = (workload_own_objects, job_own_queue, team_own_members, team_no_cluster_rights, team_own_network)
