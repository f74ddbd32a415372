"""Cases of the rules that keep teams apart on AWS."""

import json
from typing import Any

from policies.aws import trust_teams
from policies.aws.identity_documents import ROLE, ROLE_POLICY
from policies.aws.trust_teams import ASSOCIATION
from policies.cases import Cases, made
from policies.resources import Resource

KEY = "arn:aws:kms:eu-west-1:123456789012:key/3f9a"
BUCKET = "arn:aws:s3:::models"


def _role(name: str, namespace: str = "") -> Resource:
    tags = {"StringEquals": {"aws:RequestTag/kubernetes-namespace": namespace}}
    statement = {"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    statements = [statement | ({"Condition": tags} if namespace else {})]
    return made(ROLE, name, {"name": name, "assumeRolePolicy": {"Statement": statements}})


def _token_role(name: str, namespace: str) -> Resource:
    subject = {"StringEquals": {"oidc.eks.example/id/A1:sub": f"system:serviceaccount:{namespace}:{name}"}}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Condition": subject}
    return made(ROLE, name, {"name": name, "assumeRolePolicy": json.dumps({"Statement": statement})})


def _allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _policy(role: Resource, *statements: Any) -> Resource:
    document = {"Version": "2012-10-17", "Statement": [*statements]}
    return made(ROLE_POLICY, role.name, {"role": role.name, "policy": document}, refers={"role": role})


def _writer(name: str, namespace: str, pattern: Any, **more: Any) -> list[Resource]:
    role = _role(name, namespace)
    return [role, _policy(role, _allow(["s3:GetObject", "s3:PutObject"], pattern, **more))]


def _decrypter(name: str, namespace: str, key: str = KEY, **more: Any) -> list[Resource]:
    role = _role(name, namespace)
    return [role, _policy(role, _allow("kms:Decrypt", key, **more))]


def _association(name: str, namespace: str, role: Resource) -> Resource:
    return made(ASSOCIATION, name, {"namespace": namespace, "serviceAccount": name}, refers={"roleArn": role})


VISION, SPEECH = _role("vision"), _role("speech")
SHARED = _role("shared")
THROUGH_S3 = {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
TAGGED = f"{BUCKET}/${{aws:PrincipalTag/kubernetes-namespace}}/*"

CASES = (
    Cases(
        trust_teams.roles_not_shared,
        passing=[
            [VISION, SPEECH, _association("vision", "vision", VISION), _association("speech", "speech", SPEECH)],
            [SHARED, _association("training", "vision", SHARED), _association("serving", "vision", SHARED)],
            [VISION],
        ],
        failing=[
            (
                [SHARED, _association("vision", "vision", SHARED), _association("speech", "speech", SHARED)],
                "A role is given to pods of vision and of speech.",
            ),
            (
                [
                    made(ASSOCIATION, each, {"namespace": each, "roleArn": "arn:aws:iam::123456789012:role/pods"})
                    for each in ("vision", "speech")
                ],
                "A role is given to pods of vision and of speech.",
            ),
        ],
    ),
    Cases(
        trust_teams.own_prefixes,
        passing=[
            [*_writer("a", "vision", f"{BUCKET}/vision/*"), *_writer("b", "speech", f"{BUCKET}/speech/*")],
            [*_writer("a", "vision", f"{BUCKET}/vision/*"), *_writer("b", "vision-2", f"{BUCKET}/vision-2/*")],
            [*_writer("a", "vision", f"{BUCKET}/vision/*"), *_writer("b", "vision", f"{BUCKET}/vision/*")],
            [*_writer("a", "vision", TAGGED), *_writer("b", "speech", TAGGED)],
            [*_writer("a", "vision", f"{BUCKET}/*/vision.json"), *_writer("b", "speech", f"{BUCKET}/a/speech.json")],
            [
                VISION,
                _policy(VISION, _allow("s3:GetObject", f"{BUCKET}/*")),
                _association("vision", "vision", VISION),
                *_writer("b", "speech", f"{BUCKET}/speech/*"),
            ],
            [*_writer("a", "", f"{BUCKET}/*"), *_writer("b", "speech", f"{BUCKET}/speech/*")],
        ],
        failing=[
            (
                [*_writer("a", "vision", f"{BUCKET}/*"), *_writer("b", "speech", f"{BUCKET}/speech/*")],
                f"Pods of speech and of vision may both write to {BUCKET}/speech/*.",
            ),
            (
                [*_writer("a", "vision", f"{BUCKET}/runs/*"), *_writer("b", "speech", f"{BUCKET}/runs/*")],
                f"may both write to {BUCKET}/runs/*.",
            ),
            (
                [
                    SPEECH,
                    _policy(SPEECH, _allow("s3:*Object", [f"{BUCKET}/speech/*", f"{BUCKET}/vision/*"])),
                    _association("speech", "speech", SPEECH),
                    *_writer("a", "vision", f"{BUCKET}/vision/*"),
                ],
                f"may both write to {BUCKET}/vision/*.",
            ),
            (
                [
                    token := _token_role("training", "speech"),
                    _policy(token, _allow("s3:DeleteObject", f"{BUCKET}/v*")),
                    *_writer("a", "vision", f"{BUCKET}/vision/*"),
                ],
                f"may both write to {BUCKET}/vision/*.",
            ),
        ],
    ),
    Cases(
        trust_teams.own_keys,
        passing=[
            [*_decrypter("a", "vision"), *_decrypter("b", "speech", f"{KEY}b")],
            [*_decrypter("a", "vision", Condition=THROUGH_S3), *_decrypter("b", "speech", Condition=THROUGH_S3)],
            [*_decrypter("a", "vision"), *_decrypter("b", "vision")],
        ],
        failing=[
            (
                [*_decrypter("a", "vision"), *_decrypter("b", "speech")],
                f"Pods of speech and of vision may both decrypt with {KEY}.",
            ),
            ([*_decrypter("a", "vision"), *_decrypter("b", "speech", f"{KEY[:-2]}*")], "may both decrypt with"),
        ],
    ),
)
