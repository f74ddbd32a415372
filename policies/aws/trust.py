"""Rules for whom roles on AWS trust: who may take them, with which token, and for how long."""

import re
from collections.abc import Iterator, Sequence

from policies.aws.resource_policies import fixes_caller, is_anybody
from policies.policy_documents import (
    Condition,
    Statement,
    conditions,
    fixed_part,
    is_restrictive,
    is_wild,
    matching,
    statements,
)
from policies.resources import Resource, Stack
from policies.rules import Parameter, related_rule, resource_rule
from policies.values import Unknown, any_holds, as_list, get, is_true, known

ROLE = "aws:iam/role:Role"
GITHUB = "token.actions.githubusercontent.com"

_KINDS = ("AWS", "Federated", "Service")
_BELONGING = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:userid",
    }
)
"""What a condition compares to tell own principals from all others."""
_SECOND_FACTOR = "aws:multifactorauthpresent"
_NARROWING_AN_ACCOUNT = (
    *_BELONGING,
    "aws:principaltag/",
    "aws:username",
    "sts:externalid",
    _SECOND_FACTOR,
)
_ACCOUNT = re.compile(r"(?:arn:[\w-]+:iam::)?(\d{12})(?::root)?")
_SERVICE_ACCOUNT = "system:serviceaccount:"
_WEB_IDENTITY = frozenset({"sts:assumerolewithwebidentity"})
_COGNITO = "cognito-identity.amazonaws.com"
_PROVIDER = re.compile(r"arn:[\w-]+:iam::\d*:oidc-provider/(.+)")
_PUBLIC_ISSUERS = ("accounts.google.com", "graph.facebook.com", "www.amazon.com", _COGNITO)
_AUDIENCES = {"graph.facebook.com": ("app_id",), "www.amazon.com": ("app_id",), "accounts.google.com": ("aud", "oaud")}
_GITHUB_CLAIMS = ("repository", "repository_id", "job_workflow_ref", "workflow_ref")
_GITHUB_SUBJECT = re.compile(
    r"(?:repo|repository):[^/:*?]+/[^/:*?]+(?::.*)?"
    r"|repository_id:\d+(?::.*)?"
    r"|(?:job_)?workflow_ref:[^/:*?]+/[^/:*?]+/.*"
    r"|repository_owner(?:_id)?:[^:*?]+:repository(?:_id)?:[^:*?]+(?::.*)?"
)
_HOUR = 3600
_ACCOUNT_FIELD = 4


def _trusting(role: Resource) -> Iterator[Statement]:
    yield from statements(role, role.get("assumeRolePolicy"))


def _principals(role: Resource, statement: Statement, kind: str) -> Iterator[str]:
    """The principals of one kind that a statement is for. Notes unknown ones."""
    with role.apart():
        principal = known(get(statement, "Principal"))
        if isinstance(principal, str):
            if kind == "AWS":
                yield principal
            return
        named = get(principal, kind)
        for each in (named,) if isinstance(named, Unknown) else as_list(named):
            with role.apart():
                yield str(known(each))


def _limited_by(statement: Statement, *keys: str) -> bool:
    """Whether a condition compares one of these keys with something that is not everything. May raise Undecided."""
    return any_holds(lambda condition: _limits(condition, keys), conditions(statement))


def _limits(condition: Condition, keys: Sequence[str]) -> bool:
    if condition.key == _SECOND_FACTOR:
        return _SECOND_FACTOR in keys and condition.is_needed and any_holds(is_true, condition.values)
    tested = any(condition.key.startswith(key) if key.endswith("/") else condition.key == key for key in keys)
    return tested and condition.asserts and condition.is_needed and is_restrictive(condition)


@resource_rule(
    ROLE,
    id="aws-trust-no-anyone",
    title="Roles say who may take them.",
    severity="critical",
    frameworks=("CKV_AWS_60", "NIST AC-3", "NIST AC-6"),
    wrong="Everybody with an account at AWS can take the role.",
    mend="name roles in Principal, or limit it by a Condition such as aws:PrincipalOrgID.",
)
def no_anyone(role: Resource) -> Iterator[str]:
    """An external identifier is no secret: AWS itself says that it is not to be treated as one."""
    for statement in _trusting(role):
        with role.apart():
            if known(get(statement, "NotPrincipal")) is not None and not fixes_caller(statement, _BELONGING):
                yield "Everybody but those in NotPrincipal may take the role."
        for principal in (each for kind in _KINDS for each in _principals(role, statement, kind)):
            with role.apart():
                if is_anybody(principal) and not fixes_caller(statement, _BELONGING):
                    yield f"{principal!r} may take the role."


@related_rule(
    ROLE,
    id="aws-trust-foreign-accounts-narrow",
    title="Other accounts' principals take a role by name, or with an external identifier.",
    severity="high",
    frameworks=("CKV_AWS_61", "NIST AC-3", "NIST AC-6"),
    wrong="Everybody whom that account lets may take the role; one that serves many customers, for another of them.",
    mend="name the role there in Principal, or ask for sts:ExternalId in the Condition.",
    parameters={"own_accounts": Parameter((), "identifiers of accounts that count as the stack's own")},
)
def foreign_accounts_narrow(role: Resource, _stack: Stack, own_accounts: Sequence[str]) -> Iterator[str]:
    """Source: IAM user guide, "The confused deputy problem". The stack's own account is that of the role's ARN."""
    for statement in _trusting(role):
        for principal in _principals(role, statement, "AWS"):
            with role.apart():
                whole = _ACCOUNT.fullmatch(principal)
                if not whole or whole[1] in own_accounts or _limited_by(statement, *_NARROWING_AN_ACCOUNT):
                    continue
                if whole[1] != _own_account(role):
                    yield f"Everybody in the account {whole[1]} may take the role."


def _own_account(role: Resource) -> str:
    """Of the role's ARN, which is known once it is there. Raises Undecided before."""
    fields = str(known(role.get("arn", default=Unknown("arn")))).split(":")
    return fields[_ACCOUNT_FIELD] if len(fields) > _ACCOUNT_FIELD else ""


def _issuers(role: Resource, statement: Statement) -> Iterator[str]:
    """The issuers of whose tokens a statement is. Notes unknown ones."""
    with role.apart():
        actions = [str(known(each)).lower() for each in as_list(get(statement, "Action"))]
        if not any(matching(action, _WEB_IDENTITY) for action in actions):
            return
    for provider in _principals(role, statement, "Federated"):
        named = _PROVIDER.fullmatch(provider)
        if named:
            yield named[1]
        elif provider in _PUBLIC_ISSUERS:
            yield provider


@resource_rule(
    ROLE,
    id="aws-trust-web-identity-subject",
    title="Tokens take a role only if they are of the identities that it is for.",
    severity="critical",
    frameworks=("CKV_AWS_358", "NIST IA-8", "NIST AC-3"),
    wrong="Every identity that the issuer knows can take the role: every service account of the cluster, say.",
    mend="compare ISSUER:sub in the Condition with the identity, such as system:serviceaccount:NAMESPACE:NAME.",
)
def web_identity_subject(role: Resource) -> Iterator[str]:
    """Of GitHub's tokens a rule of its own asks more. Cognito's have no subject that a program knows beforehand."""
    for statement in _trusting(role):
        for issuer in _issuers(role, statement):
            with role.apart():
                if issuer not in (GITHUB, _COGNITO) and not _subject_named(statement, issuer.lower()):
                    yield f"Every token of {issuer} may take the role."


def _subject_named(statement: Statement, issuer: str) -> bool:
    def names(condition: Condition) -> bool:
        claim = condition.key.removeprefix(f"{issuer}:")
        about_subject = claim not in (condition.key, "aud", "oaud", "amr", "app_id")
        return about_subject and condition.asserts and not any_holds(_is_any_subject, condition.values)

    return any_holds(names, conditions(statement))


def _is_any_subject(value: object) -> bool:
    """Such as ``*``, ``project_path:*`` (where the claim's name is fixed) or ``system:serviceaccount:*:training``.

    Whoever has a namespace may give a service account whatever name, and who has a project its branches.
    """
    text = str(known(value))
    if text.startswith(_SERVICE_ACCOUNT):
        return is_wild(text.removeprefix(_SERVICE_ACCOUNT).partition(":")[0])
    if _SERVICE_ACCOUNT.startswith(fixed_part(text)):
        return fixed_part(text) != text
    return all(is_wild(part) for part in text.split(":")[1:] or [text])


@resource_rule(
    ROLE,
    id="aws-trust-web-identity-audience",
    title="Tokens take a role only if they were made for AWS.",
    severity="high",
    frameworks=("NIST IA-8", "NIST SC-23"),
    wrong="A token that was made for another service, and that the service keeps, can take the role.",
    mend="compare ISSUER:aud in the Condition with sts.amazonaws.com, or with the client's own identifier.",
)
def web_identity_audience(role: Resource) -> Iterator[str]:
    """Source: IAM user guide, "Create a role for OpenID Connect federation"; RFC 9700 on audiences of tokens."""
    for statement in _trusting(role):
        for issuer in _issuers(role, statement):
            keys = [f"{issuer.lower()}:{name}" for name in _AUDIENCES.get(issuer, ("aud",))]
            with role.apart():
                if not _limited_by(statement, *keys):
                    yield f"A token of {issuer} may be for whatever audience."


@resource_rule(
    ROLE,
    id="aws-trust-github-repository",
    title="Workflows on GitHub take a role only from repositories that it names.",
    severity="critical",
    frameworks=("CKV_AWS_358", "NIST IA-8", "NIST AC-3"),
    wrong="A workflow in a repository that somebody else controls can take the role.",
    mend=f"compare {GITHUB}:sub in the Condition with repo:OWNER/REPOSITORY:environment:NAME, or the like.",
)
def github_repository(role: Resource) -> Iterator[str]:
    """Source: GitHub, "OpenID Connect reference", on subjects and how a repository can change what they begin with."""
    for statement in _trusting(role):
        for issuer in _issuers(role, statement):
            with role.apart():
                if issuer == GITHUB and not _repository_named(statement):
                    yield "The subject of the token does not say which repository it has to be of."


def _repository_named(statement: Statement) -> bool:
    def names(condition: Condition) -> bool:
        if not condition.asserts:
            return False
        if condition.key == f"{GITHUB}:sub":
            return not any_holds(lambda value: not _GITHUB_SUBJECT.fullmatch(str(known(value))), condition.values)
        claim = condition.key.removeprefix(f"{GITHUB}:")
        return claim in _GITHUB_CLAIMS and not any_holds(lambda value: str(known(value))[:1] in "*?", condition.values)

    return any_holds(names, conditions(statement))


@resource_rule(
    ROLE,
    id="aws-trust-services-for-own-account",
    title="Services that act for every customer take a role for the own account only.",
    severity="low",
    frameworks=("NIST AC-3", "NIST AC-6"),
    wrong="Whoever makes the service use the role's ARN from another account acts with its rights (a confused deputy).",
    mend="compare aws:SourceAccount, or aws:SourceArn, in the Condition with your own.",
    parameters={
        "services": Parameter(
            (
                "bedrock.amazonaws.com",
                "scheduler.amazonaws.com",
                "vpc-flow-logs.amazonaws.com",
            ),
            "services that tell AWS for whom they act, and whose guides ask for the condition",
        )
    },
)
def services_for_own_account(role: Resource, services: Sequence[str]) -> Iterator[str]:
    """Only for services that send these keys: with others, such as EC2, a role with the condition cannot be taken.

    Sources: "Cross-service confused deputy prevention" in the guides of Amazon Bedrock and EventBridge Scheduler, and
    "IAM role for publishing flow logs to CloudWatch Logs" in the Amazon VPC user guide.
    """
    for statement in _trusting(role):
        for service in _principals(role, statement, "Service"):
            with role.apart():
                if service in services and not _limited_by(
                    statement, "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"
                ):
                    yield f"{service} may take the role on behalf of any account."


@resource_rule(
    ROLE,
    id="aws-trust-sessions-short",
    title="Sessions with a role end within a working day.",
    severity="low",
    frameworks=("NIST AC-12", "NIST IA-11"),
    wrong="Credentials that are stolen are of use that long, and cannot be called back one by one.",
    mend="lower maxSessionDuration, in seconds, and let longer work get new credentials.",
    parameters={"maximum_hours": Parameter(8, "hours that a session may last", minimum=1)},
)
def sessions_short(role: Resource, maximum_hours: float) -> Iterator[str]:
    """AWS allows 12 hours; without a value it is one."""
    seconds = known(role.get("maxSessionDuration", default=_HOUR))
    if float(seconds) > maximum_hours * _HOUR:
        yield f"A session may last {float(seconds) / _HOUR:g} hours, more than {maximum_hours:g}."


RULES = (
    no_anyone,
    foreign_accounts_narrow,
    web_identity_subject,
    web_identity_audience,
    github_repository,
    services_for_own_account,
    sessions_short,
)
