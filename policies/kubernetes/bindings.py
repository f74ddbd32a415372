"""Rules for who gets a role of the cluster."""

from collections.abc import Iterator
from typing import Any

from policies.kubernetes.manifests import SERVICE_ACCOUNT, names, refers_to_type, share_namespace
from policies.kubernetes.roles import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from policies.resources import Resource, Stack
from policies.rules import related_rule
from policies.values import Unknown, any_holds, as_list, get, is_text, known

_EVERYBODY = {
    "system:anonymous": "everybody without a name",
    "system:unauthenticated": "everybody on the network",
    "system:authenticated": "everybody with any account",
    "system:serviceaccounts": "every pod of the cluster",
    "system:masters": "those whom no rule holds",
}
_OF_ACCOUNT = "system:serviceaccount:"
_OF_ACCOUNTS = "system:serviceaccounts:"
"""What the names begin with by which Kubernetes knows a service account as a user, and those of a namespace as a group.
"""
_RUNNING_COMMANDS = tuple(f"{of}/{how}" for how in ("exec", "attach", "ephemeralcontainers") for of in ("pods", "*"))
_CHANGING = ("create", "get", "update", "patch")
_BUILT_IN_WITH_EXEC = ("admin", "edit")


@related_rule(
    *ROLE_BINDINGS,
    *CLUSTER_ROLE_BINDINGS,
    id="kubernetes-binding-not-cluster-admin",
    title="Nobody is made cluster-admin by a binding.",
    severity="critical",
    frameworks=("CIS Kubernetes 1.8.0 5.1.1", "NIST AC-6"),
    wrong="It may do everything: read all secrets, and change who may do what.",
    mend="bind a role with what is needed; administrators get in by the cloud's access entries.",
)
def binding_not_cluster_admin(binding: Resource, _stack: Stack) -> Iterator[str]:
    """In a RoleBinding it is everything in one namespace."""
    name = binding.get("roleRef", "name")
    if isinstance(name, Unknown) and any(
        refers_to_type(binding, "roleRef", type_) for type_ in (*ROLES, *CLUSTER_ROLES)
    ):
        return
    if known(name) == "cluster-admin" and known(binding.get("roleRef", "kind")) != "Role":
        yield "It grants cluster-admin."


@related_rule(
    *ROLE_BINDINGS,
    *CLUSTER_ROLE_BINDINGS,
    id="kubernetes-binding-no-broad-subjects",
    title="Roles are granted to somebody in particular.",
    severity="critical",
    frameworks=("CIS Kubernetes 1.8.0 5.1.7", "NIST AC-3", "NIST AC-14"),
    wrong="The role is then everybody's, including whoever has just got into some pod.",
    mend="name the group, user or service account that needs it.",
)
def binding_no_broad_subjects(binding: Resource, _stack: Stack) -> Iterator[str]:
    """No binding takes anything from system:masters: it passes by all authorization."""
    for subject in as_list(binding.get("subjects")):
        with binding.apart():
            name = get(subject, "name")
            if isinstance(name, Unknown) and refers_to_type(binding, "subjects", SERVICE_ACCOUNT):
                continue
            if known(name) in _EVERYBODY and known(get(subject, "kind")) != "ServiceAccount":
                yield f"It grants a role to {name}: {_EVERYBODY[name]}."


@related_rule(
    *ROLE_BINDINGS,
    *CLUSTER_ROLE_BINDINGS,
    id="kubernetes-binding-not-default-account",
    title="The default service account of a namespace has no role.",
    severity="medium",
    frameworks=("CKV_K8S_42", "CIS Kubernetes 1.8.0 5.1.5", "NIST AC-6"),
    wrong="Every pod that names no account of its own then has the role.",
    mend="make a ServiceAccount for the workload, and bind the role to it.",
)
def binding_not_default_account(binding: Resource, _stack: Stack) -> Iterator[str]:
    """It is there in every namespace, and pods get it unasked."""
    for subject in as_list(binding.get("subjects")):
        with binding.apart():
            name = get(subject, "name")
            if isinstance(name, Unknown) and refers_to_type(binding, "subjects", SERVICE_ACCOUNT):
                continue
            if _is_default_account(subject):
                yield "It grants a role to a default service account."


@related_rule(
    *ROLE_BINDINGS,
    *CLUSTER_ROLE_BINDINGS,
    id="kubernetes-binding-no-exec-for-workloads",
    title="Service accounts cannot run commands in other pods.",
    severity="high",
    frameworks=("CKV2_K8S_2", "NIST AC-6"),
    wrong="Whoever gets into that workload gets into the others, with their data and their identities.",
    mend="leave pods/exec, pods/attach and pods/ephemeralcontainers to people.",
)
def binding_no_exec_for_workloads(binding: Resource, stack: Stack) -> Iterator[str]:
    """The cluster's own roles `edit` and `admin` have it too."""
    if not any_holds(_is_account, as_list(binding.get("subjects"))):
        return
    name = binding.get("roleRef", "name")
    of_namespace = known(binding.get("roleRef", "kind")) == "Role"

    def is_granted(role: Resource) -> bool:
        return (
            _runs_commands(role)
            and names(binding, "roleRef", name, role)
            and (not of_namespace or share_namespace(binding, role))
        )

    granted = any_holds(is_granted, stack.of(*(ROLES if of_namespace else CLUSTER_ROLES)))
    if not granted and not of_namespace and not refers_to_type(binding, "roleRef", *CLUSTER_ROLES):
        granted = known(name) in _BUILT_IN_WITH_EXEC
    if granted:
        yield "It lets a service account run commands in pods."


def _is_default_account(subject: Any) -> bool:
    name = str(known(get(subject, "name")))
    match known(get(subject, "kind")):
        case "ServiceAccount":
            return name == "default"
        case "User":
            return name.startswith(_OF_ACCOUNT) and name.endswith(":default")
    return False


def _is_account(subject: Any) -> bool:
    """Whether a subject is a service account, by whichever of its names, or those of a namespace."""
    match known(get(subject, "kind")):
        case "ServiceAccount":
            return True
        case "User":
            return is_text(get(subject, "name")) and get(subject, "name").startswith(_OF_ACCOUNT)
        case "Group":
            return is_text(get(subject, "name")) and get(subject, "name").startswith(_OF_ACCOUNTS)
    return False


def _runs_commands(role: Resource) -> bool:
    return any_holds(
        lambda rule: (
            any_holds(lambda each: known(each) in _RUNNING_COMMANDS, as_list(get(rule, "resources")))
            and any_holds(lambda each: known(each) in _CHANGING, as_list(get(rule, "verbs")))
        ),
        as_list(role.get("rules")),
    )


RULES = (
    binding_not_cluster_admin,
    binding_no_broad_subjects,
    binding_not_default_account,
    binding_no_exec_for_workloads,
)
