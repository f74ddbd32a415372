"""Finds identities: service accounts, roles, pools of identities, and what is granted to accounts that are gone.

None of it costs anything; each of it lets somebody in, or could again.
"""

import re
from collections.abc import Iterator

from lifecycle.teardown.finding import Found
from lifecycle.teardown.gcp.found import Finder, Search, Stage, name_of
from lifecycle.teardown.gcp.ownership import IDENTITIES, account_emails
from lifecycle.teardown.subject import Subject

PURPOSES = ("node", "expiry", "github-preview", "github-deploy")
"""The service accounts of a stack beside those of its workloads (`infra.gcp`)."""
ROLES = (
    "member",
    "expiry_pools",
    "expiry_machine",
    "github_preview",
    "github_buckets",
    "github_accounts",
)
"""The roles of a stack (`infra.gcp.cluster`, `expiry`, `github`), by part of their names, which end in a digest."""
_DIGEST = "[0-9a-f]{8}"
_GONE = "deleted:serviceAccount:"


def emails(subject: Subject) -> frozenset[str]:
    """The addresses of all service accounts that the stack may have had."""
    of_teams = (f"team/{team}/{identity}" for team in subject.teams for identity in IDENTITIES)
    return account_emails(subject, (*PURPOSES, *IDENTITIES, *of_teams))


def find_accounts(search: Search) -> Iterator[Found]:
    """Service accounts. Raises GoogleError."""
    own = emails(search.subject)
    for each in search.calls.all("iam", f"projects/{search.project}/serviceAccounts", "accounts"):
        if each["email"] in own:
            line = search.line("iam service-accounts delete {email}", email=each["email"])
            yield search.left(Stage.IDENTITIES, "service account", each["email"], "its name", line)


def find_roles(search: Search) -> Iterator[Found]:
    """Roles of the project's own. Raises GoogleError."""
    begin = search.subject.cluster_name.replace("-", "_")
    form = re.compile(rf"{re.escape(begin)}_({'|'.join(ROLES)})_{_DIGEST}")
    for each in search.calls.all("iam", f"projects/{search.project}/roles", "roles", showDeleted="true"):
        name = name_of(each["name"])
        if not form.fullmatch(name):
            continue
        if each.get("deleted"):
            yield search.going(Stage.IDENTITIES, "role", name, "it was deleted, and may be had back for seven days")
            continue
        yield search.left(Stage.IDENTITIES, "role", name, "its name", search.line("iam roles delete {name}", name=name))


def find_pools(search: Search) -> Iterator[Found]:
    """Pools of identities, by which workflows of GitHub are let in. Raises GoogleError."""
    path = f"projects/{search.project}/locations/global/workloadIdentityPools"
    for each in search.calls.all("iam", path, "workloadIdentityPools", showDeleted="true"):
        name = name_of(each["name"])
        # No two stacks have the same, where its name may have been cut (`infra.gcp.github`).
        if each.get("displayName") != search.subject.cluster_name or not re.fullmatch(rf"github-.*-{_DIGEST}", name):
            continue
        if each.get("state") == "DELETED":
            yield search.going(Stage.IDENTITIES, "identity pool", name, "it was deleted, and is kept for 30 days")
            continue
        line = search.line("iam workload-identity-pools delete {name} --location=global", name=name)
        yield search.left(Stage.IDENTITIES, "identity pool", name, "its display name", line)


def find_grants(search: Search) -> Iterator[Found]:
    """What the project still grants to service accounts of the stack, deleted ones among them. Raises GoogleError."""
    own = emails(search.subject)
    path = f"projects/{search.project}:getIamPolicy"
    policy = search.calls.ask("cloudresourcemanager", path, "POST", options={"requestedPolicyVersion": 3})
    for binding in policy.get("bindings") or ():
        for member in binding.get("members") or ():
            if _account_of(member) in own:
                why = f"it is granted to {_account_of(member)}{', who is gone' if member.startswith(_GONE) else ''}"
                # With or without a condition: what was granted on others is gone, too.
                words = "projects remove-iam-policy-binding {where} --member={member} --role={role} --all"
                line = search.line(words, where=search.project, member=member, role=binding["role"])
                yield search.left(Stage.GRANTS, "grant", f"{binding['role']} to {member}", why, line)


def _account_of(member: str) -> str:
    """The address of a service account that a binding names; empty: it names somebody else.

    Source: IAM, "Principal identifiers": one that was deleted is `deleted:serviceAccount:ADDRESS?uid=NUMBER`.
    """
    found = re.fullmatch(r"(?:deleted:)?serviceAccount:([^?\[]+)(?:\?uid=\d+)?", member)
    return found[1] if found else ""


FINDERS = (
    Finder("grants of the project", find_grants),
    Finder("service accounts", find_accounts),
    Finder("roles", find_roles),
    Finder("identity pools", find_pools),
)
