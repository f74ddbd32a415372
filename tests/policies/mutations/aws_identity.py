"""What breaks each rule for IAM on AWS: what identities are allowed, whom roles trust, and what teams share."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from policies.aws import identity, identity_users, trust, trust_teams
from policies.aws.identity_documents import ROLE, ROLE_POLICY
from policies.aws.trust_teams import ASSOCIATION
from policies.cases import made
from policies.resources import Resource
from policies.rules import Rule
from tests.policies.mutations.change import Change, Mutation, adding, changing, setting, without

FLOW_LOGS = "network-flow-logs"
TEAMS = "corpus/aws_trust_teams"
OTHER_ACCOUNT = "arn:aws:iam::999988887777:root"


def _edited(type_: str, name: str, key: str, edit: Callable[[Any], object], index: int = 0) -> Change:
    """Edits a statement of a policy that is written as JSON."""

    def change(properties: dict[str, Any]) -> None:
        document = json.loads(properties[key])
        statements = document["Statement"]
        edit(statements[index] if isinstance(statements, list) else statements)
        properties[key] = json.dumps(document)

    return changing(type_, change, name=name)


def _granting(**statement: Any) -> Change:
    """Changes what the role that writes the network's records may do."""
    return _edited(ROLE_POLICY, FLOW_LOGS, "policy", lambda found: found.update(statement))


def _excluding(statement: dict[str, Any]) -> None:
    statement["NotAction"] = statement.pop("Action")


def _trusting(name: str, **statement: Any) -> Change:
    return _edited(ROLE, name, "assumeRolePolicy", lambda found: found.update(statement))


def _untested(name: str, operator: str, key: str) -> Change:
    return _edited(ROLE, name, "assumeRolePolicy", lambda found: found["Condition"][operator].pop(key))


def _comparing(name: str, key: str, value: str) -> Change:
    return _trusting(name, Condition={"StringLike": {key: value, f"{trust.GITHUB}:aud": "sts.amazonaws.com"}})


def _foreign(properties: dict[str, Any]) -> None:
    properties["arn"] = "arn:aws:iam::123456789012:role/node"
    statement = {"Effect": "Allow", "Principal": {"AWS": OTHER_ACCOUNT}, "Action": "sts:AssumeRole"}
    properties["assumeRolePolicy"] = json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _sharing_a_role(resources: list[Resource]) -> list[Resource]:
    (association,) = (each for each in resources if each.type == ASSOCIATION and each.name == "vision")
    other = {**association.properties, "namespace": "speech"}
    return [*resources, replace(association, name="other", properties=other)]


MUTATIONS: dict[Rule, Mutation] = {
    identity.no_wildcard_action: Mutation("dev", _granting(Action="logs:*")),
    identity.no_wildcard_resource: Mutation("dev", _granting(Resource="*")),
    identity.no_exclusions: Mutation("dev", _edited(ROLE_POLICY, FLOW_LOGS, "policy", _excluding)),
    identity.no_privilege_escalation: Mutation("dev", _granting(Action="iam:PassRole", Resource="*")),
    identity.no_exposure: Mutation("dev", _granting(Action="kms:PutKeyPolicy", Resource="*")),
    identity.data_narrow: Mutation("dev", _granting(Action="s3:GetObject", Resource="*")),
    identity.no_administrator_policy: Mutation(
        "dev", setting(identity.ATTACHMENTS[0], "arn:aws:iam::aws:policy/AdministratorAccess", "policyArn")
    ),
    identity_users.no_users: Mutation("dev", adding(made(identity_users.USER, "ci", {"name": "ci"}))),
    identity_users.no_static_keys: Mutation("dev", adding(made(identity_users.ACCESS_KEY, "ci", {"user": "ci"}))),
    identity_users.no_user_policies: Mutation(
        "dev",
        adding(
            made(
                identity_users.USER_ATTACHMENT,
                "ci",
                {"user": "ci", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
            )
        ),
    ),
    identity_users.password_policy: Mutation(
        "corpus/aws_identity_narrow", without(identity_users.PASSWORD_POLICY, "minimumPasswordLength")
    ),
    trust.no_anyone: Mutation("dev", _trusting("node", Principal={"AWS": "*"})),
    trust.foreign_accounts_narrow: Mutation("dev", changing(ROLE, _foreign, name="node")),
    trust.web_identity_subject: Mutation(
        "corpus/aws_trust_tokens", _untested("training", "StringEquals", "oidc.eks.eu-west-1.amazonaws.com/id/A1B2:sub")
    ),
    trust.web_identity_audience: Mutation("prod", _untested("github-deploy", "StringEquals", f"{trust.GITHUB}:aud")),
    trust.github_repository: Mutation("prod", _comparing("github-deploy", f"{trust.GITHUB}:sub", "repo:*")),
    trust.services_for_own_account: Mutation("dev", _trusting(FLOW_LOGS, Condition={})),
    trust.sessions_short: Mutation("dev", setting(ROLE, 12 * 3600, "maxSessionDuration")),
    trust_teams.roles_not_shared: Mutation(TEAMS, _sharing_a_role),
    trust_teams.own_prefixes: Mutation(
        TEAMS,
        _edited(ROLE_POLICY, "vision", "policy", lambda found: found.update(Resource="arn:aws:s3:::example-models/*")),
    ),
    trust_teams.own_keys: Mutation(
        TEAMS,
        _edited(
            ROLE_POLICY,
            "vision",
            "policy",
            lambda found: found.update(Resource="arn:aws:kms:eu-west-1:123456789012:key/speech"),
            index=1,
        ),
    ),
}
