"""Cases of the rules for what identities of the local platform are allowed."""

from typing import Any

from policies.cases import UNKNOWN, Cases, made
from policies.local import identity
from policies.local.types import IDENTITY
from policies.resources import Resource

KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/3f9a"
WIDE = (
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::mod?ls/*",
    "arn:aws:kms:us-east-1:123456789012:key/*",
    "arn:aws:iam::123456789012:role/*",
    "arn:aws:dynamodb:us-east-1:123456789012:table/*",
    "arn:aws:kms:us-east-1:123456789012:alias/*",
    "arn:aws:kms:us-east-1:123456789012:key/1*",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:x/*",
    "arn:aws*:s3:::models/*",
    "arn:aws:s3:::models*/digits/*",
)
ESCALATING = (
    "iam:PutUserPolicy",
    "s3:PutObjectAcl",
    "s3:PutObjectVersionAcl",
    "s3:PutAccountPublicAccessBlock",
    "s3:PutBucketOwnershipControls",
    "s3:PutReplicationConfiguration",
    "kms:ScheduleKeyDeletion",
    "kms:DisableKey",
)


def _identity(*statements: Any) -> Resource:
    return made(IDENTITY, "training", {"policy": {"Version": "2012-10-17", "Statement": list(statements)}})


def _allow(**statement: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/*", **statement}


CASES = (
    Cases(
        identity.no_wildcard_action,
        passing=[
            _identity(_allow(), _allow(Action=["s3:PutObject", "s3:AbortMultipartUpload"])),
            _identity({"Effect": "Deny", "Action": "*", "Resource": "*"}),
            made(IDENTITY, "single", {"policy": {"Statement": _allow()}}),
        ],
        failing=[
            (_identity(_allow(Action="*")), "The identity is allowed '*'."),
            (_identity(_allow(), _allow(Action=["kms:*", "s3:Get?bject"])), "The identity is allowed 's3:Get?bject'."),
            (_identity(_allow(Action=[UNKNOWN, "kms:*"])), "The identity is allowed 'kms:*'."),
            (
                _identity({"Effect": "Allow", "NotAction": "iam:*", "Resource": "x"}),
                "The identity is allowed everything but its NotAction.",
            ),
        ],
    ),
    Cases(
        identity.no_wildcard_resource,
        passing=[
            _identity(_allow(Resource=["arn:aws:s3:::models", "arn:aws:s3:::models/digits/*", KEY_ARN])),
            _identity(_allow(Resource=["arn:aws-cn:s3:::models/*", "arn:aws-us-gov:s3:::models/a/*/manifest.json"])),
            _identity({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}),
        ],
        failing=[
            *((_identity(_allow(Resource=wide)), f"The identity may use {wide!r}.") for wide in WIDE),
            (
                _identity({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "x"}),
                "The identity may use everything but its NotResource.",
            ),
        ],
    ),
    Cases(
        identity.no_privilege_escalation,
        passing=[_identity(_allow(Action=["kms:Decrypt", "s3:DeleteObject"]))],
        failing=[
            (
                _identity(_allow(Action=["KMS:createGrant", "sts:AssumeRole"])),
                "The identity is allowed 'sts:AssumeRole'.",
            ),
            *((_identity(_allow(Action=each)), f"The identity is allowed {each!r}.") for each in ESCALATING),
        ],
    ),
)
