"""Cases of the rules for what roles grant."""

from typing import Any

from policies.cases import Cases, made
from policies.kubernetes import roles
from policies.resources import Resource

RBAC = "rbac.authorization.k8s.io"


def role(*rules: dict[str, list[str]], type_: str = roles.ROLES[0], name: str = "it") -> Resource:
    """A role with these rules."""
    return made(type_, name, {"metadata": {"name": name, "namespace": "vision"}, "rules": list(rules)})


def rule(verbs: str, resources: str, group: str = "", **more: list[str]) -> dict[str, list[str]]:
    """A rule of a role; several verbs or resources are written with spaces between."""
    return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split(), **more}


def _cluster_role(*rules: dict[str, list[str]]) -> Resource:
    return made(roles.CLUSTER_ROLES[0], "it", {"metadata": {"name": "it"}, "rules": list(rules)})


def _binding(type_: str, role_name: str = "it") -> Resource:
    return made(
        type_, "binding", {"metadata": {"name": "binding"}, "roleRef": {"kind": "ClusterRole", "name": role_name}}
    )


def _aggregated(*selectors: dict[str, Any]) -> Resource:
    rule_ = {"clusterRoleSelectors": list(selectors)}
    return made(roles.CLUSTER_ROLES[0], "it", {"metadata": {"name": "it"}, "aggregationRule": rule_, "rules": []})


_READS_SECRETS = rule("get list", "configmaps secrets")

CASES = (
    Cases(
        roles.role_no_wildcards,
        passing=[
            role(rule("get list", "pods pods/log")),
            _cluster_role(rule("update", "*/scale", "apps")),
            _cluster_role({"nonResourceURLs": ["/metrics", "/healthz/*"], "verbs": ["get"]}),
            _aggregated({"matchLabels": {"rbac.example.com/aggregate-to-monitoring": "true"}}),
        ],
        failing=[
            (role(rule("*", "pods")), "A rule has '*' among its verbs."),
            (_cluster_role(rule("get", "pods"), rule("get", "*")), "A rule has '*' among its resources."),
            (role(rule("get", "jobs", "*")), "A rule has '*' among its apiGroups."),
            (_cluster_role({"nonResourceURLs": ["*"], "verbs": ["get"]}), "among its nonResourceURLs."),
            (_cluster_role({"nonResourceURLs": ["/version", "/*"], "verbs": ["get"]}), "among its nonResourceURLs."),
            (_aggregated({"matchLabels": {"a": "b"}}, {}), "It has the rules of every other role"),
        ],
    ),
    Cases(
        roles.role_no_escalation,
        passing=[
            role(rule("get create", "rolebindings", RBAC)),
            _cluster_role(rule("bind", "clusterroles", RBAC, resourceNames=["view"])),
            _cluster_role(rule("impersonate", "users", resourceNames=["deployer"])),
        ],
        failing=[
            (role(rule("bind", "roles", RBAC)), "A rule grants bind on roles."),
            (_cluster_role(rule("get escalate", "clusterroles", RBAC)), "A rule grants escalate on clusterroles."),
            (_cluster_role(rule("impersonate", "users groups")), "A rule grants impersonate on users, groups."),
            (role(rule("escalate", "roles", RBAC, resourceNames=["own"])), "A rule grants escalate on roles."),
        ],
    ),
    Cases(
        roles.role_no_cluster_control,
        passing=[
            role(rule("get", "serviceaccounts pods")),
            _cluster_role(rule("get list", "certificatesigningrequests validatingwebhookconfigurations")),
            _cluster_role(rule("patch", "validatingwebhookconfigurations", resourceNames=["own"])),
            role(rule("create", "serviceaccounts/token", resourceNames=["server"])),
        ],
        failing=[
            (role(rule("create", "serviceaccounts/token")), "A rule grants create on serviceaccounts/token."),
            (_cluster_role(rule("create", "*/token")), "A rule grants create on */token."),
            (_cluster_role(rule("get", "nodes nodes/proxy")), "A rule grants get on nodes/proxy."),
            (
                _cluster_role(rule("create update", "mutatingwebhookconfigurations")),
                "create, update on mutating",
            ),
            (
                _cluster_role(rule("get", "pods"), rule("approve", "signers", "certificates.k8s.io")),
                "A rule grants approve on signers.",
            ),
        ],
    ),
    Cases(
        roles.role_no_cluster_secrets,
        passing=[
            _cluster_role(rule("get", "configmaps"), rule("create", "secrets")),
            _cluster_role(rule("get", "secrets", resourceNames=["webhook-certificate"])),
            [_cluster_role(_READS_SECRETS), _binding(roles.ROLE_BINDINGS[0])],
        ],
        failing=[
            (_cluster_role(_READS_SECRETS), "It grants get, list on secrets in the whole cluster."),
            (
                [
                    _cluster_role(_READS_SECRETS),
                    _binding(roles.ROLE_BINDINGS[0]),
                    _binding(roles.CLUSTER_ROLE_BINDINGS[0]),
                ],
                "on secrets in the whole cluster.",
            ),
            ([_cluster_role(_READS_SECRETS), _binding(roles.ROLE_BINDINGS[0], "other")], "on secrets in the whole"),
        ],
    ),
)
