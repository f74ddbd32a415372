"""Rules on how much a grant on Google Cloud is for: whose data, and which pods and workflows may act by it."""

import re
from collections.abc import Iterator

from policies.gcp.conditions import names_resources
from policies.gcp.grants import EVERY_GRANT, PROJECT_WIDE, grants
from policies.gcp.identity import CUSTOM_ROLES, is_made_of, is_service_agent, resources_behind
from policies.resources import Resource, Stack
from policies.rules import related_rule
from policies.values import Unknown, known

ACCOUNT_GRANTS = tuple(type_ for type_ in EVERY_GRANT if type_.startswith("gcp:serviceaccount/"))
"""Grants on a service account."""

_OF_DATA = re.compile(
    r"roles/("
    r"storage\.(admin|folderAdmin|object(Admin|Creator|User|Viewer)|legacy\w+)"
    r"|cloudkms\.cryptoKey(Encrypter|Decrypter|EncrypterDecrypter)(ViaDelegation)?"
    r"|cloudkms\.cryptoOperator"
    r"|secretmanager\.(admin|secretAccessor)"
    r"|bigquery\.(admin|data(Editor|Owner|Viewer))"
    r")"
)
"""Predefined roles that open data, keys or secrets."""
_ACTING = "roles/iam.workloadIdentityUser"
_WIDE = (
    (re.compile(r"principalSet://.*/workloadIdentityPools/[^/]+/\*"), "every identity of its pool"),
    (re.compile(r"principalSet://.*\.svc\.id\.goog/namespace/([^/]+)"), "every pod of the namespace {}"),
    (re.compile(r"principalSet://.*\.svc\.id\.goog/kubernetes\.cluster/.*"), "every pod of a cluster"),
    (
        re.compile(r"principalSet://.*/attribute\.(?:repository_owner|repository_owner_id|namespace_path)/([^/]+)"),
        "every repository of {}",
    ),
)
"""Members that are many. Source: IAM, "Principal identifiers"."""
_NO_PODS = ("gcp:serviceaccount/account:Account", "gcp:iam/workloadIdentityPool:WorkloadIdentityPool")
"""What members are made of that are no pods of GKE."""
_POD = re.compile(r"serviceAccount:[^\[]+\.svc\.id\.goog\[([^/\]]+)/([^\]]+)\]")


@related_rule(
    *PROJECT_WIDE,
    id="gcp-identity-data-narrow",
    title="Nobody reads or writes the data, keys and secrets of a whole project.",
    severity="high",
    frameworks=("CKV_GCP_46", "CIS GCP 3.0.0 1.6", "NIST AC-6"),
    wrong="Whoever obtains these credentials has every bucket, secret or key there, now and to come.",
    mend="grant the role on the bucket, key or secret that is meant, or with a condition on resource.name.",
)
def identity_data_narrow(subject: Resource, _stack: Stack) -> Iterator[str]:
    """Google's own service agents need such roles in places, and nobody can obtain their credentials.

    A condition has to compare the resource's name with a text; see `conditions` for what is not decided.
    """
    told: set[str] = set()
    for grant in grants(subject):
        with subject.apart():
            if is_made_of(subject, "role", grant.role, CUSTOM_ROLES) or not _OF_DATA.fullmatch(known(grant.role)):
                continue
            if names_resources(known(grant.condition)) or is_service_agent(subject, grant.member):
                continue
            if grant.role not in told:
                yield f"{grant.role} is granted on everything there."
            told.add(grant.role)


@related_rule(
    *EVERY_GRANT,
    id="gcp-identity-workloads-named",
    title="Grants to workloads name one service account, repository or subject, not everybody of a pool.",
    severity="high",
    frameworks=("CKV_GCP_125", "NIST AC-6", "NIST IA-9"),
    wrong="Any pod or workflow that can be started there then has the role.",
    mend="name serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME], a principal:// with its subject, or a repository.",
)
def identity_workloads_named(subject: Resource, _stack: Stack) -> Iterator[str]:
    """By whatever resource the role is granted. Members that people and service accounts are have other beginnings."""
    for grant in grants(subject):
        with subject.apart():
            if is_made_of(subject, "member", grant.member, ("gcp:serviceaccount/account:Account",)):
                continue
            member = known(grant.member)
            for pattern, who in _WIDE:
                if matched := pattern.fullmatch(member):
                    yield f"{grant.role} is granted to {who.format(*matched.groups())}."


@related_rule(
    *ACCOUNT_GRANTS,
    id="gcp-teams-accounts-not-shared",
    title="Pods of different namespaces act by different service accounts.",
    severity="high",
    frameworks=("NIST AC-4", "NIST AC-6"),
    wrong="What one team may read and write, the pods of the other read and write as well.",
    mend="make a service account for each namespace, and let only its own pods act by it.",
)
def teams_accounts_not_shared(subject: Resource, stack: Stack) -> Iterator[str]:
    """By all grants of the stack on the same account together; the objection is at the one that is not the first."""
    own = _namespaces(subject, subject)
    if not own:
        return
    account = _account(subject)
    for other in stack.of(*ACCOUNT_GRANTS):
        if other is subject:
            break
        with subject.apart():
            if _account(other) == account:
                own |= _namespaces(other, subject)
    if len(own) > 1:
        yield f"Pods of {' and '.join(sorted(own))} act by the same service account."


def _account(subject: Resource) -> str:
    """What tells the account of a grant apart: its identifier, or the URN of the account that it is made of. Raises
    Undecided."""
    value = subject.get("serviceAccountId")
    made_of = resources_behind(subject, "serviceAccountId")
    return ",".join(sorted(made_of)) if isinstance(value, Unknown) and made_of else str(known(value))


def _namespaces(subject: Resource, judged: Resource) -> set[str]:
    """Namespaces whose pods act by the account that a grant is on; what is not known is noted with `judged`."""
    found = set()
    for grant in grants(subject):
        with judged.apart():
            if known(grant.role) == _ACTING and not is_made_of(subject, "member", grant.member, _NO_PODS):
                matched = _POD.fullmatch(known(grant.member))
                found |= {matched[1]} if matched else set()
    if subject is not judged:
        judged.undecided.extend(subject.undecided)
    return found


RULES = (identity_data_narrow, identity_workloads_named, teams_accounts_not_shared)
