"""What breaks each rule for service accounts, roles and bindings, and for charts."""

from policies.kubernetes import accounts, bindings, charts, roles
from policies.kubernetes.manifests import JOB, RELEASE
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, changing, setting, without

POD = ("spec", "template", "spec")
ROLE = roles.ROLES[0]
CLUSTER_ROLE = roles.CLUSTER_ROLES[0]
ROLE_BINDING = roles.ROLE_BINDINGS[0]
CLUSTER_ROLE_BINDING = roles.CLUSTER_ROLE_BINDINGS[0]
TRAINING = "trainyard-training"


def _granting(type_: str, group: str, resource: str, verb: str) -> Mutation:
    rule = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
    return Mutation("dev", changing(type_, lambda role: role["rules"].append(rule)))


def _account(name: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": "trainyard"}


MUTATIONS: dict[Rule, Mutation] = {
    accounts.pod_own_service_account: Mutation("dev", without(JOB, *POD, "serviceAccountName", name=TRAINING)),
    accounts.pod_no_token: Mutation("dev", setting(JOB, True, *POD, "automountServiceAccountToken", name=TRAINING)),
    roles.role_no_wildcards: Mutation("dev", setting(ROLE, ["*"], "rules", 0, "verbs")),
    roles.role_no_escalation: _granting(ROLE, "rbac.authorization.k8s.io", "roles", "bind"),
    roles.role_no_cluster_control: _granting(ROLE, "", "serviceaccounts/token", "create"),
    roles.role_no_cluster_secrets: _granting(CLUSTER_ROLE, "", "secrets", "get"),
    bindings.binding_not_cluster_admin: Mutation(
        "dev", setting(CLUSTER_ROLE_BINDING, "cluster-admin", "roleRef", "name")
    ),
    bindings.binding_no_broad_subjects: Mutation(
        "dev", setting(ROLE_BINDING, "system:authenticated", "subjects", 0, "name")
    ),
    bindings.binding_not_default_account: Mutation(
        "dev", setting(CLUSTER_ROLE_BINDING, _account("default"), "subjects", 0)
    ),
    bindings.binding_no_exec_for_workloads: Mutation("dev", setting(ROLE_BINDING, _account("serving"), "subjects", 0)),
    charts.chart_version: Mutation("dev", setting(RELEASE, "9.x", "version")),
    charts.chart_over_tls: Mutation(
        "dev", setting(RELEASE, "http://charts.example.com", "repositoryOpts", "repo", name="addons-prometheus")
    ),
}
