"""Rules for IAM on Google Cloud."""

import re
from collections.abc import Iterator, Sequence

from policies.gcp.conditions import names_granted_roles, names_resources, names_type
from policies.gcp.grants import EVERY_GRANT, PROJECT_WIDE, Grant, grants
from policies.resources import Resource, Stack
from policies.rules import related_rule, resource_rule
from policies.values import Unknown, as_list, get, is_text, is_true, known

PROVIDER = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
CUSTOM_ROLES = (
    "gcp:projects/iAMCustomRole:IAMCustomRole",
    "gcp:organizations/iAMCustomRole:IAMCustomRole",
)
ENTRIES = (
    "gcp:storage/bucketAccessControl:BucketAccessControl",
    "gcp:storage/defaultObjectAccessControl:DefaultObjectAccessControl",
    "gcp:storage/objectAccessControl:ObjectAccessControl",
)
DATASET = "gcp:bigquery/dataset:Dataset"
DATASET_ACCESS = "gcp:bigquery/datasetAccess:DatasetAccess"
LISTS = (
    "gcp:storage/bucketACL:BucketACL",
    "gcp:storage/defaultObjectACL:DefaultObjectACL",
    "gcp:storage/objectACL:ObjectACL",
)

_ANYONE = ("allUsers", "allAuthenticatedUsers")
_PUBLIC_LISTS = ("publicRead", "publicReadWrite", "authenticatedRead")
_BASIC_ROLES = ("roles/owner", "roles/editor", "roles/admin", "roles/writer")
"""Those that change something, by their old names and their new ones. Source: IAM, "Roles and permissions"."""
_ACCOUNT_ADMIN = "roles/iam.serviceAccountAdmin"
_ACTING_AS_OTHERS = (
    _ACCOUNT_ADMIN,
    "roles/iam.serviceAccountKeyAdmin",
    "roles/iam.serviceAccountOpenIdTokenCreator",
    "roles/iam.serviceAccountTokenCreator",
    "roles/iam.serviceAccountUser",
    "roles/iam.workloadIdentityUser",
)
_GRANTING = (
    "roles/iam.organizationRoleAdmin",
    "roles/iam.roleAdmin",
    "roles/iam.securityAdmin",
    "roles/resourcemanager.folderAdmin",
    "roles/resourcemanager.folderIamAdmin",
    "roles/resourcemanager.organizationAdmin",
    "roles/resourcemanager.projectIamAdmin",
)
_SERVICE_AGENT = re.compile(
    r"serviceAccount:(service-\d+@(gcp-sa-|[a-z0-9-]+-robot\.|compute-system\.)|\d+@cloudservices\.).*"
)
_SERVICE_IDENTITY = "gcp:projects/serviceIdentity:ServiceIdentity"
_NOBODY_ELSE = (
    _SERVICE_IDENTITY,
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool",
    "gcp:serviceaccount/account:Account",
)
"""Whose outputs name members: each is one account, or who comes by one pool."""
_PROJECT = "gcp:organizations/project:Project"
_ESCALATING = re.compile(
    r"(resourcemanager\.(projects|folders|organizations)|iam\.serviceAccounts)\.setIamPolicy"
    r"|iam\.(roles\.(create|update)|serviceAccountKeys\.create|serviceAccounts\.(getAccessToken|implicitDelegation|signJwt))"
)
_SHARED_ISSUERS = (
    "accounts.google.com",
    "agent.buildkite.com",
    "api.pulumi.com/oidc",
    "app.terraform.io",
    "gitlab.com",
    "oidc.vercel.com",
    "token.actions.githubusercontent.com",
)
_OWNER = re.compile(
    r"assertion(\.|\[['\"])(sub|email|hd|job_workflow_ref|(repository|enterprise|namespace|project|organization|owner"
    r"|workspace|user|terraform_(organization|workspace|project)|current_team)\w*)\b"
)
_COMPARED = re.compile(r"==|\bin\b|startsWith|matches")
_ANY_OWNER = re.compile(r"startsWith\(\s*['\"](\w+:)?['\"]\s*\)")


@related_rule(
    *EVERY_GRANT,
    *ENTRIES,
    *LISTS,
    DATASET,
    DATASET_ACCESS,
    id="gcp-no-public-members",
    title="No grant is to everybody.",
    severity="critical",
    frameworks=(
        "CKV_GCP_15",
        "CKV_GCP_28",
        "CKV_GCP_99",
        "CKV_GCP_100",
        "CKV_GCP_101",
        "CKV_GCP_102",
        "CKV_GCP_107",
        "CKV_GCP_112",
        "CIS GCP 3.0.0 1.9",
        "CIS GCP 3.0.0 5.1",
        "CIS GCP 3.0.0 7.1",
        "NIST AC-3",
    ),
    wrong="Anyone on the internet, or anyone with any Google account, then has the role.",
    mend="name the members that need it, or a group of them.",
)
def no_public_members(subject: Resource, _stack: Stack) -> Iterator[str]:
    """allAuthenticatedUsers are all accounts that Google knows, not those of the organization.

    A member that is not known yet is nobody else than the account or the pool that it is made of.
    """
    if subject.type in ENTRIES:
        if subject.get("entity", default="") in _ANYONE:
            yield f"The access list is open to {subject.get('entity')}."
    elif subject.type in LISTS:
        for name in ("predefinedAcl", "defaultAcl"):
            with subject.apart():
                if subject.get(name, default="") in _PUBLIC_LISTS:
                    yield f"The access list is {subject.get(name)}."
        for entry in as_list(subject.get("roleEntities")):
            with subject.apart():
                if entry.partition(":")[2] in _ANYONE:
                    yield f"The access list is open to {entry}."
    elif subject.type in (DATASET, DATASET_ACCESS):
        for access in [subject.properties] if subject.type == DATASET_ACCESS else as_list(subject.get("accesses")):
            for name in ("specialGroup", "iamMember"):
                with subject.apart():
                    if get(access, name, default="") in _ANYONE:
                        yield f"The data set is open to {get(access, name)}."
    else:
        for grant in grants(subject):
            with subject.apart():
                if not is_made_of(subject, "member", grant.member, _NOBODY_ELSE) and grant.member in _ANYONE:
                    yield f"{grant.role} is granted to {grant.member}."


@related_rule(
    *PROJECT_WIDE,
    id="gcp-no-basic-roles",
    title="Nobody has a basic role that changes a project, folder or organization: owner, editor, admin or writer.",
    severity="high",
    frameworks=("CKV_GCP_115", "CKV_GCP_116", "CKV_GCP_117", "CIS GCP 3.0.0 1.5", "NIST AC-6"),
    wrong="The member may read, change and delete nearly everything there, with credentials that may be stolen.",
    mend="grant the predefined roles of the services that it uses, on the resources that it uses.",
)
def no_basic_roles(subject: Resource, _stack: Stack) -> Iterator[str]:
    """They cover thousands of permissions of all services, by whichever of their names.

    Google makes its own agent for the APIs editor of every project, which whoever sets a policy has to repeat.
    """
    told: set[str] = set()
    for grant in grants(subject):
        with subject.apart():
            if is_made_of(subject, "role", grant.role, CUSTOM_ROLES):
                continue
            if known(grant.role) in _BASIC_ROLES and not is_service_agent(subject, grant.member):
                if grant.role not in told:
                    yield f"{grant.role} is granted."
                told.add(grant.role)


@related_rule(
    *PROJECT_WIDE,
    id="gcp-no-broad-impersonation",
    title="Nobody may act as every service account of a project, or grant roles without limit.",
    severity="critical",
    frameworks=("CKV_GCP_41", "CKV_GCP_44", "CKV_GCP_45", "CKV_GCP_49", "CIS GCP 3.0.0 1.6", "NIST AC-6"),
    wrong="The member can take every right that any service account there has, or give itself any role.",
    mend="grant the role on the one service account (serviceaccount.IAMMember), or with a condition that limits it.",
)
def no_broad_impersonation(subject: Resource, _stack: Stack) -> Iterator[str]:
    """Google's own service agents need such roles in places, and nobody can obtain their credentials.

    A condition limits a role to single resources or to a type of them, or says which roles may be granted; see
    `conditions` for what is not decided.
    """
    for grant in grants(subject):
        with subject.apart():
            if is_made_of(subject, "role", grant.role, CUSTOM_ROLES):
                # What a role of one's own may have in it is judged by gcp-custom-role-no-escalation.
                continue
            if grant.role not in _ACTING_AS_OTHERS and grant.role not in _GRANTING:
                continue
            if _is_limited(grant) or is_service_agent(subject, grant.member):
                continue
            if grant.role in _GRANTING:
                yield f"{grant.role} is granted, and with it every other role."
            else:
                yield f"{grant.role} is granted for every service account at once."


def _is_limited(grant: Grant) -> bool:
    """Whether a condition limits what may be granted, or as whom the member acts. Raises Undecided."""
    condition = known(grant.condition)
    by_role = grant.role in _GRANTING or grant.role == _ACCOUNT_ADMIN
    return names_resources(condition) or names_type(condition) or (by_role and names_granted_roles(condition))


def is_made_of(subject: Resource, name: str, value: object, types: Sequence[str]) -> bool:
    """Whether a value that is not known yet is an output of a resource of one of these types."""
    return isinstance(value, Unknown) and any(type_ in types for type_ in _types_behind(subject, name))


def resources_behind(subject: Resource, name: str) -> Sequence[str]:
    """URNs of the resources that a property, or the list of the same, is made of."""
    return subject.property_dependencies.get(name if name in subject.properties else f"{name}s", ())


def _types_behind(subject: Resource, name: str) -> list[str]:
    # In a URN the type of a resource comes after those of its parents.
    return [urn.split("::")[2].rpartition("$")[2] for urn in resources_behind(subject, name)]


def is_service_agent(subject: Resource, member: object) -> bool:
    """Whether a member is an account by which Google's own services act. Raises Undecided."""
    if isinstance(member, Unknown):
        types = _types_behind(subject, "member")
        if _SERVICE_IDENTITY in types:
            return True
        # What is made of a project may be its agent, whose address has the project's number.
        if types and _PROJECT not in types:
            return False
    return bool(_SERVICE_AGENT.fullmatch(str(known(member))))


@resource_rule(
    "gcp:serviceaccount/key:Key",
    id="gcp-no-account-keys",
    title="Service accounts have no keys that last.",
    severity="high",
    frameworks=("CKV2_GCP_3", "CIS GCP 3.0.0 1.4", "NIST IA-5"),
    wrong="Whoever finds the key is the service account until somebody notices; it stands in the stack's state, too.",
    mend="use Workload Identity on GKE, federation from outside, or impersonation by those who may.",
)
def no_account_keys(_key: Resource) -> Iterator[str]:
    """A key that is made elsewhere and uploaded lasts as long."""
    yield "The service account gets a key that is valid until it is deleted."


@resource_rule(
    PROVIDER,
    id="gcp-federation-narrow",
    title="Identities from an issuer that others use too are let in only if they belong to the organization.",
    severity="critical",
    frameworks=("CKV_GCP_118", "CKV_GCP_125", "NIST IA-8", "NIST AC-3"),
    wrong="Any repository or account at the same issuer can then sign in.",
    mend="set attributeCondition to compare the owner with your own, such as assertion.repository_owner == 'us'.",
)
def federation_narrow(provider: Resource) -> Iterator[str]:
    """Google's guide: https://cloud.google.com/iam/docs/best-practices-for-using-workload-identity-federation.

    The issuer of a single tenant (a cluster's, a directory's, an enterprise's) vouches for its own identities only.
    """
    issuer = known(provider.get("oidc", "issuerUri", default="")).removeprefix("https://").rstrip("/")
    if issuer not in _SHARED_ISSUERS or is_true(provider.get("disabled")):
        return
    condition = provider.get("attributeCondition")
    if not is_text(condition):
        yield f"Everybody whom {issuer} vouches for is let in."
        return
    meant = " ".join([condition, *_mapped(provider, condition)])
    if not _OWNER.search(meant) or not _COMPARED.search(condition) or _ANY_OWNER.search(condition):
        yield f"The condition {condition!r} does not say which owner's identities from {issuer} are let in."


def _mapped(provider: Resource, condition: str) -> Iterator[str]:
    """What the attributes that a condition compares are made of."""
    for attribute in re.findall(r"(?:attribute|google)\.\w+", condition):
        yield str(known(get(provider.get("attributeMapping", default={}), attribute, default="")))


@resource_rule(
    *CUSTOM_ROLES,
    id="gcp-custom-role-no-escalation",
    title="Custom roles do not let their holders take other rights.",
    severity="high",
    frameworks=("NIST AC-6"),
    wrong="Whoever holds the role can give itself any other, or act as an account that has more.",
    mend="take the permission out, and grant the predefined role that has it on the one resource that needs it.",
)
def custom_role_no_escalation(role: Resource) -> Iterator[str]:
    """Of the permissions by which rights grow, those that only administrators need.

    Deployers need iam.serviceAccounts.actAs, and who signs addresses of objects iam.serviceAccounts.signBlob.
    """
    for permission in as_list(role.get("permissions")):
        with role.apart():
            if _ESCALATING.fullmatch(known(permission)):
                yield f"The role has {permission}."


RULES = (
    no_public_members,
    no_basic_roles,
    no_broad_impersonation,
    no_account_keys,
    federation_narrow,
    custom_role_no_escalation,
)
