"""Cases of the rules for whom roles on AWS trust."""

import json
from typing import Any

from policies.aws import trust
from policies.aws.trust import GITHUB, ROLE
from policies.cases import UNKNOWN, Cases, made
from policies.resources import Resource

OWN, OTHER = "123456789012", "999988887777"
CLUSTER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E"
AUDIENCE = "sts.amazonaws.com"


def _trust(principal: Any, action: Any = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def _role(*statements: Any, **properties: Any) -> Resource:
    return made(ROLE, "it", {"assumeRolePolicy": {"Version": "2012-10-17", "Statement": [*statements]}, **properties})


def _of_account(*statements: Any) -> Resource:
    return _role(*statements, arn=f"arn:aws:iam::{OWN}:role/it")


def _as_text(*statements: Any) -> Resource:
    return made(ROLE, "it", {"assumeRolePolicy": json.dumps({"Statement": [*statements]})})


def _token(issuer: str, operator: str = "StringEquals", **tests: Any) -> dict[str, Any]:
    provider = {"Federated": f"arn:aws:iam::{OWN}:oidc-provider/{issuer}"}
    condition = {operator: {f"{issuer}:{claim}": value for claim, value in tests.items()}}
    return _trust(provider, "sts:AssumeRoleWithWebIdentity", **({"Condition": condition} if tests else {}))


def _service_account(namespace: str, name: str) -> str:
    return f"system:serviceaccount:{namespace}:{name}"


NODES = _role(_trust({"Service": "ec2.amazonaws.com"}))
POD = _role(_token(CLUSTER, aud=AUDIENCE, sub=_service_account("digits", "training")))
WORKFLOW = _role(_token(GITHUB, aud=AUDIENCE, sub="repo:example/trainyard:environment:production"))
DENIED = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}

CASES = (
    Cases(
        trust.no_anyone,
        passing=[
            NODES,
            _role(_trust({"AWS": f"arn:aws:iam::{OWN}:role/ci"}), DENIED),
            _role(_trust({"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})),
            _role(_trust("*", Condition={"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/ci-*"}})),
            _role(
                _trust(
                    {"AWS": "*"},
                    Condition={
                        "ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"},
                        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/ci"},
                    },
                )
            ),
        ],
        failing=[
            (_role(_trust("*")), "'*' may take the role."),
            (_role(_trust({"AWS": "*"})), "'*' may take the role."),
            (_role(_trust({"Service": "*"})), "'*' may take the role."),
            (_as_text(_trust({"AWS": [f"arn:aws:iam::{OWN}:role/ci", "*"]})), "'*' may take the role."),
            (_role(_trust({"AWS": "*"}, Condition={"StringEquals": {"sts:ExternalId": "x1"}})), "'*' may take"),
            (_role(_trust({"AWS": "*"}, Condition={"StringLike": {"aws:PrincipalArn": "*"}})), "'*' may take"),
            (_role(_trust({"AWS": "*"}, Condition={"StringNotEquals": {"aws:PrincipalAccount": OTHER}})), "'*' may"),
            (_role(_trust({"AWS": "*"}, Condition={"StringLike": {"aws:PrincipalOrgID": "o-*"}})), "'*' may take"),
            (
                _role(_trust("*", Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/ci"}})),
                "'*' may take the role.",
            ),
            # Who is of no organization sends no identifier of one.
            (
                _role(_trust("*", Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})),
                "'*' may take the role.",
            ),
            (_role(_trust({"AWS": ["arn:aws:iam::*:root"]})), "'arn:aws:iam::*:root' may take the role."),
            (
                _role({"Effect": "Allow", "NotPrincipal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}),
                "Everybody but those in NotPrincipal may take the role.",
            ),
        ],
    ),
    Cases(
        trust.foreign_accounts_narrow,
        passing=[
            NODES,
            POD,
            _of_account(_trust({"AWS": f"arn:aws:iam::{OWN}:root"})),
            _of_account(_trust({"AWS": OWN})),
            _of_account(_trust({"AWS": f"arn:aws:iam::{OTHER}:role/deployer"})),
            _of_account(_trust({"AWS": OTHER}, Condition={"StringEquals": {"sts:ExternalId": "x1"}})),
            _of_account(_trust({"AWS": OTHER}, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})),
            _of_account(
                _trust(
                    {"AWS": f"arn:aws:iam::{OTHER}:root"},
                    Condition={"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/deployer"}},
                )
            ),
        ],
        failing=[
            (_of_account(_trust({"AWS": f"arn:aws:iam::{OTHER}:root"})), f"Everybody in the account {OTHER} may take"),
            (_of_account(_trust({"AWS": [OWN, OTHER]})), f"Everybody in the account {OTHER} may take the role."),
            *(
                (_of_account(_trust({"AWS": OTHER}, Condition=condition)), f"Everybody in the account {OTHER} may take")
                for condition in (
                    {"Bool": {"aws:SecureTransport": "true"}},
                    {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
                    # A request with an access key says nothing of a second factor.
                    {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
                    {"StringEqualsIfExists": {"sts:ExternalId": "x1"}},
                )
            ),
        ],
    ),
    Cases(
        trust.web_identity_subject,
        passing=[
            NODES,
            POD,
            WORKFLOW,
            _role(_token(CLUSTER, "StringLike", aud=AUDIENCE, sub=_service_account("digits", "*"))),
            _role(_token("gitlab.com", aud=AUDIENCE, sub="project_path:example/trainyard:ref_type:branch:ref:main")),
            _role(
                _trust(
                    {"Federated": "cognito-identity.amazonaws.com"},
                    "sts:AssumeRoleWithWebIdentity",
                    Condition={"StringEquals": {"cognito-identity.amazonaws.com:aud": "eu-west-1:pool"}},
                )
            ),
            _role(_trust({"Federated": f"arn:aws:iam::{OWN}:saml-provider/ours"}, "sts:AssumeRoleWithSAML")),
        ],
        failing=[
            (_role(_token(CLUSTER, aud=AUDIENCE)), f"Every token of {CLUSTER} may take the role."),
            *(
                (_role(_token(CLUSTER, "StringLike", aud=AUDIENCE, sub=subject)), f"Every token of {CLUSTER} may take")
                for subject in ("system:serviceaccount*", "system:*:training", "*:training", "system:*")
            ),
            (
                _role(_token(CLUSTER, aud=AUDIENCE) | {"Action": ["sts:AssumeRole*"]}),
                f"Every token of {CLUSTER} may take the role.",
            ),
            (_role(_token(CLUSTER)), f"Every token of {CLUSTER} may take the role."),
            (_as_text(_token(CLUSTER, "StringLike", aud=AUDIENCE, sub="*")), "Every token of"),
            (_role(_token(CLUSTER, "StringLike", sub=_service_account("*", "*"))), "Every token of"),
            (_role(_token(CLUSTER, "StringLike", sub=_service_account("*", "training"))), "Every token of"),
            (
                _role(_token("gitlab.com", "StringLike", aud=AUDIENCE, sub="project_path:*")),
                "Every token of gitlab.com",
            ),
            (_role(_token(CLUSTER, "StringNotEquals", sub=_service_account("other", "x"))), "Every token of"),
        ],
    ),
    Cases(
        trust.web_identity_audience,
        passing=[NODES, POD, WORKFLOW],
        failing=[
            (
                _role(_token(CLUSTER, sub=_service_account("digits", "training"))),
                f"A token of {CLUSTER} may be for whatever audience.",
            ),
            (_role(_token(GITHUB, sub="repo:example/trainyard:pull_request")), f"A token of {GITHUB} may be for"),
            (_as_text(_token(GITHUB, "StringLike", aud="*")), f"A token of {GITHUB} may be for whatever audience."),
        ],
    ),
    Cases(
        trust.github_repository,
        passing=[
            NODES,
            POD,
            WORKFLOW,
            _role(_token(GITHUB, "StringLike", aud=AUDIENCE, sub=["repo:example/trainyard:*", "repo:example/b:*"])),
            _role(_token(GITHUB, aud=AUDIENCE, sub="repo:example@1234/trainyard@5678:ref:refs/heads/main")),
            _role(_token(GITHUB, "StringLike", sub="repository_owner:example:repository_id:5678:*")),
            _role(_token(GITHUB, repository_id="5678", sub="environment:production")),
        ],
        failing=[
            (_role(_token(GITHUB, aud=AUDIENCE)), "does not say which repository it has to be of."),
            (_role(_token(GITHUB, "StringLike", aud=AUDIENCE, sub="*")), "does not say which repository"),
            (_role(_token(GITHUB, "StringLike", aud=AUDIENCE, sub="repo:*")), "does not say which repository"),
            (_as_text(_token(GITHUB, "StringLike", sub="repo:example/*")), "does not say which repository"),
            (_role(_token(GITHUB, "StringLike", sub="repo:example*/trainyard:*")), "does not say which repository"),
            (_role(_token(GITHUB, "StringLike", sub="repo:example@1234/*")), "does not say which repository"),
            (
                _role(_token(GITHUB, "StringLike", sub="repo:example@*/trainyard@5678:*")),
                "does not say which repository",
            ),
            (
                _role(_token(GITHUB, "StringLike", sub="repo:example@1234/trainyard@*:*")),
                "does not say which repository",
            ),
            (_role(_token(GITHUB, sub="environment:production")), "does not say which repository"),
            (_role(_token(GITHUB, "StringLike", sub=["repo:example/trainyard:*", "repo:*"])), "does not say which"),
            (_role(UNKNOWN, _token(GITHUB, "StringLike", sub="repo:*")), "does not say which repository"),
        ],
    ),
    Cases(
        trust.services_for_own_account,
        passing=[
            NODES,
            _role(_trust({"Service": ["eks.amazonaws.com", "lambda.amazonaws.com"]})),
            _role(
                _trust(
                    {"Service": "vpc-flow-logs.amazonaws.com"}, Condition={"StringEquals": {"aws:SourceAccount": OWN}}
                )
            ),
            _role(
                _trust(
                    {"Service": "scheduler.amazonaws.com"},
                    Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:scheduler:eu-west-1:{OWN}:schedule-group/*"}},
                )
            ),
        ],
        failing=[
            (
                _role(_trust({"Service": "vpc-flow-logs.amazonaws.com"})),
                "vpc-flow-logs.amazonaws.com may take the role on behalf of any account.",
            ),
            (
                _as_text(
                    _trust(
                        {"Service": ["ec2.amazonaws.com", "bedrock.amazonaws.com"]},
                        Condition={"StringLike": {"aws:SourceAccount": "*"}},
                    )
                ),
                "bedrock.amazonaws.com may take the role on behalf of any account.",
            ),
        ],
    ),
    Cases(
        trust.sessions_short,
        passing=[NODES, _role(maxSessionDuration=3600), _role(maxSessionDuration=8 * 3600)],
        failing=[(_role(maxSessionDuration=12 * 3600), "A session may last 12 hours, more than 8.")],
    ),
)
