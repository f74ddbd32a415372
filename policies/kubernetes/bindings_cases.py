"""Cases of the rules for who gets a role."""

from policies.cases import Cases, made
from policies.kubernetes import bindings
from policies.kubernetes.roles import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS
from policies.kubernetes.roles_cases import role, rule
from policies.resources import Resource

PEOPLE = {"kind": "Group", "name": "vision"}
ACCOUNT = {"kind": "ServiceAccount", "name": "server", "namespace": "vision"}


def _binding(
    role_name: str, *subjects: dict[str, str], kind: str = "ClusterRole", type_: str = CLUSTER_ROLE_BINDINGS[0]
) -> Resource:
    return made(
        type_,
        "binding",
        {
            "metadata": {"name": "binding", "namespace": "vision"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role_name},
            "subjects": list(subjects),
        },
    )


_MEMBER = role(rule("get list", "pods"), rule("create get", "pods/exec"), name="member")
_DEBUGGER = role(rule("patch", "pods/ephemeralcontainers"), name="debugger", type_=CLUSTER_ROLES[0])
_OF_MEMBER = made(
    CLUSTER_ROLE_BINDINGS[0],
    "binding",
    {"subjects": [PEOPLE]},
    refers={"roleRef": role(name="named-by-pulumi", type_=CLUSTER_ROLES[0])},
)

CASES = (
    Cases(
        bindings.binding_not_cluster_admin,
        passing=[
            _binding("view", PEOPLE),
            _binding("cluster-admin", PEOPLE, kind="Role", type_=ROLE_BINDINGS[0]),
            _OF_MEMBER,
        ],
        failing=[
            (_binding("cluster-admin", PEOPLE), "It grants cluster-admin."),
            (_binding("cluster-admin", ACCOUNT, type_=ROLE_BINDINGS[0]), "It grants cluster-admin."),
        ],
    ),
    Cases(
        bindings.binding_no_broad_subjects,
        passing=[
            _binding("view", PEOPLE, {"kind": "Group", "name": "system:serviceaccounts:vision"}),
            _binding("view", ACCOUNT),
        ],
        failing=[
            (_binding("view", {"kind": "Group", "name": "system:authenticated"}), "to system:authenticated: every"),
            (_binding("view", PEOPLE, {"kind": "User", "name": "system:anonymous"}), "to system:anonymous: every"),
            (_binding("view", {"kind": "Group", "name": "system:masters"}), "It grants a role to system:masters"),
        ],
    ),
    Cases(
        bindings.binding_not_default_account,
        passing=[
            _binding("view", ACCOUNT, PEOPLE),
            _binding("view", {"kind": "User", "name": "default"}),
            _binding("view", {"kind": "User", "name": "system:serviceaccount:default:server"}),
            _binding("view", {"kind": "Group", "name": "system:serviceaccounts:default"}),
        ],
        failing=[
            (
                _binding("view", ACCOUNT, {"kind": "ServiceAccount", "name": "default", "namespace": "vision"}),
                "It grants a role to a default service account.",
            ),
            (
                _binding("view", {"kind": "User", "name": "system:serviceaccount:vision:default"}),
                "It grants a role to a default service account.",
            ),
        ],
    ),
    Cases(
        bindings.binding_no_exec_for_workloads,
        passing=[
            [_MEMBER, _binding("member", PEOPLE, kind="Role", type_=ROLE_BINDINGS[0])],
            [_MEMBER, _binding("other", ACCOUNT, kind="Role", type_=ROLE_BINDINGS[0])],
            [role(rule("get", "pods"), name="reader"), _binding("reader", ACCOUNT, kind="Role")],
            _binding("view", ACCOUNT),
            _binding("edit", PEOPLE),
        ],
        failing=[
            (
                [_MEMBER, _binding("member", ACCOUNT, kind="Role", type_=ROLE_BINDINGS[0])],
                "It lets a service account run commands in pods.",
            ),
            ([_DEBUGGER, _binding("debugger", PEOPLE, ACCOUNT)], "run commands in pods."),
            (_binding("edit", ACCOUNT, type_=ROLE_BINDINGS[0]), "run commands in pods."),
            (_binding("edit", {"kind": "User", "name": "system:serviceaccount:vision:deployer"}), "run commands in"),
            (_binding("admin", {"kind": "Group", "name": "system:serviceaccounts:vision"}), "run commands in pods."),
            ([role(rule("create", "*/exec"), name="any", type_=CLUSTER_ROLES[0]), _binding("any", ACCOUNT)], "run"),
        ],
    ),
)
