"""Cases of the rules for KMS keys."""

import json
from typing import Any

from policies.aws import keys
from policies.aws.keys import KEY, KEY_POLICY, OTHER_KEYS
from policies.cases import Cases, made
from policies.resources import Resource

ROOT = {"AWS": "arn:aws:iam::123456789012:root"}
ROLE = {"AWS": "arn:aws:iam::123456789012:role/keeper"}


def allow(principal: Any, action: Any = "kms:Decrypt", condition: Any = None, sid: str = "") -> dict[str, Any]:
    """A statement of a key's policy."""
    stated = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return stated | ({"Condition": condition} if condition else {}) | ({"Sid": sid} if sid else {})


def key(*statements: dict[str, Any], type_: str = KEY) -> Resource:
    """A key with a policy as the text that programs write."""
    return made(type_, "it", {"policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})})


CASES = (
    Cases(
        keys.key_rotated,
        passing=[
            made(KEY, "it", {"enableKeyRotation": True}),
            made(KEY, "it", {"enableKeyRotation": True, "rotationPeriodInDays": 90}),
            made(KEY, "it", {"enableKeyRotation": True, "rotationPeriodInDays": 365}),
            made(KEY, "it", {"customerMasterKeySpec": "RSA_2048", "keyUsage": "SIGN_VERIFY"}),
            made(KEY, "it", {"customerMasterKeySpec": "HMAC_256", "keyUsage": "GENERATE_VERIFY_MAC"}),
            made(KEY, "it", {"customKeyStoreId": "cks-1"}),
        ],
        failing=[
            (made(KEY, "it", {"description": "Data"}), "The key is never replaced."),
            (made(KEY, "it", {"enableKeyRotation": False}), "The key is never replaced."),
            (made(KEY, "it", {"customerMasterKeySpec": "SYMMETRIC_DEFAULT"}), "The key is never replaced."),
            (
                made(KEY, "it", {"enableKeyRotation": True, "rotationPeriodInDays": 366}),
                "The key is replaced every 366 days; 365 at most",
            ),
        ],
    ),
    Cases(
        keys.key_policy_not_public,
        passing=[
            made(KEY, "it"),
            key(allow(ROOT, "kms:*"), allow(ROLE)),
            key(allow({"Service": "logs.eu-west-1.amazonaws.com"})),
            key(allow("*", condition={"StringEquals": {"kms:CallerAccount": "123456789012"}})),
            key(
                allow(
                    {"AWS": "*"},
                    condition={
                        "StringEquals": {
                            "kms:CallerAccount": "123456789012",
                            "kms:ViaService": "s3.eu-west-1.amazonaws.com",
                        }
                    },
                )
            ),
            key(allow("*", condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3"}}), type_=KEY_POLICY),
            key({"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}),
        ],
        failing=[
            (key(allow("*", sid="Use")), "Statement Use lets everybody in"),
            (key(allow(ROOT, "kms:*"), allow({"AWS": "*"})), "A statement lets everybody in"),
            (key(allow({"AWS": [ROLE["AWS"], "*"]}), type_=OTHER_KEYS[1]), "lets everybody in"),
            (key(allow("*"), type_=KEY_POLICY), "lets everybody in"),
            (key(allow("*", condition={"StringEquals": {"kms:ViaService": "s3.x.amazonaws.com"}})), "everybody"),
            (key(allow("*", condition={"StringLike": {"kms:CallerAccount": "*"}})), "lets everybody in"),
        ],
    ),
    Cases(
        keys.key_policy_least,
        passing=[
            made(KEY, "it"),
            key(allow(ROOT, "kms:*"), allow(ROLE, ["kms:Describe*", "kms:Put*", "kms:ScheduleKeyDeletion"])),
            key(allow({"AWS": "123456789012"}, "kms:*"), allow(ROOT, "*")),
            key(allow({"AWS": "arn:aws-us-gov:iam::123456789012:root"}, "kms:*")),
            key(allow({"AWS": ["arn:aws:iam::210987654321:root", ROLE["AWS"]]}, ["kms:Decrypt"])),
            key({"Effect": "Deny", "Principal": ROLE, "Action": "kms:*", "Resource": "*"}),
        ],
        failing=[
            (
                key(allow(ROOT, "kms:*"), allow(ROLE, "kms:*", sid="Keep")),
                "Statement Keep lets arn:aws:iam::12345678901",
            ),
            (key(allow({"AWS": [ROOT["AWS"], ROLE["AWS"]]}, ["kms:Decrypt", "*"])), "role/keeper do everything"),
            (
                key(allow({"Service": "lambda.amazonaws.com"}, "kms:*"), type_=KEY_POLICY),
                "lambda.amazonaws.com do ever",
            ),
            (
                key(allow(ROOT, "kms:*"), allow({"AWS": "arn:aws:iam::210987654321:root"}, "kms:*")),
                "The accounts 123456789012 and 210987654321 may both do everything",
            ),
        ],
    ),
    Cases(
        keys.key_deletion_window,
        passing=[
            made(KEY, "it"),
            made(KEY, "it", {"deletionWindowInDays": 14}),
            made(OTHER_KEYS[0], "it", {"deletionWindowInDays": 30}),
        ],
        failing=[
            (made(KEY, "it", {"deletionWindowInDays": 7}), "The key is gone 7 days after it was deleted; 14 at least"),
            (made(KEY, "it", {"deletionWindowInDays": 13}), "The key is gone 13 days"),
            (made(OTHER_KEYS[1], "it", {"deletionWindowInDays": 7}), "The key is gone 7 days"),
        ],
    ),
)
