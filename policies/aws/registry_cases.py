"""Cases of the rules for registries of container images."""

import json
from typing import Any

from policies.aws import registry
from policies.aws.registry import REGISTRY_POLICY, REPOSITORY, REPOSITORY_POLICY, SCANNING, TEMPLATE
from policies.cases import UNKNOWN, Cases, made
from policies.resources import Resource

KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/3f9a"
TRAINING = made(REPOSITORY, "training", {"name": "team/training"})


def scanning(frequency: str, *filters: str) -> Resource:
    """How the registry scans the repositories of some names."""
    listed = [{"filter": each, "filterType": "WILDCARD"} for each in filters]
    rules = [{"scanFrequency": frequency, "repositoryFilters": listed}]
    return made(SCANNING, "all", {"scanType": "ENHANCED", "rules": rules})


def under(encryption_type: str, key: Any = None) -> dict[str, Any]:
    """How a repository is encrypted."""
    named = {} if key is None else {"kmsKey": key}
    return {"encryptionConfigurations": [{"encryptionType": encryption_type, **named}]}


def policy(principal: Any, condition: Any = None) -> str:
    """A policy that lets somebody pull."""
    stated = {"Effect": "Allow", "Principal": principal, "Action": "ecr:BatchGetImage"}
    return json.dumps({"Statement": [stated | ({"Condition": condition} if condition else {})]})


CASES = (
    Cases(
        registry.registry_immutable_tags,
        passing=[
            made(REPOSITORY, "it", {"imageTagMutability": "IMMUTABLE"}),
            made(
                REPOSITORY,
                "it",
                {
                    "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                    "imageTagMutabilityExclusionFilters": [{"filter": "latest*", "filterType": "WILDCARD"}],
                },
            ),
            made(TEMPLATE, "it", {"appliedFors": ["PULL_THROUGH_CACHE"], "imageTagMutability": "MUTABLE"}),
            made(TEMPLATE, "it", {"appliedFors": ["REPLICATION"], "imageTagMutability": "IMMUTABLE"}),
        ],
        failing=[
            (made(REPOSITORY, "it", {"name": "training"}), "The repository's tags can be moved."),
            (made(REPOSITORY, "it", {"imageTagMutability": "MUTABLE"}), "The repository's tags can be moved."),
            (
                made(
                    REPOSITORY,
                    "it",
                    {
                        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                        "imageTagMutabilityExclusionFilters": [{"filter": "*", "filterType": "WILDCARD"}],
                    },
                ),
                "All of the repository's tags are excluded",
            ),
            (made(TEMPLATE, "it", {"appliedFors": ["PULL_THROUGH_CACHE", "REPLICATION"]}), "tags can be moved"),
        ],
    ),
    Cases(
        registry.registry_scanned,
        passing=[
            made(REPOSITORY, "it", {"imageScanningConfiguration": {"scanOnPush": True}}),
            [TRAINING, scanning("SCAN_ON_PUSH", "*")],
            [TRAINING, scanning("CONTINUOUS_SCAN", "serving", "team/*")],
            [TRAINING, scanning("SCAN_ON_PUSH", "train")],
        ],
        failing=[
            (TRAINING, "The repository's images are not scanned."),
            (made(REPOSITORY, "it", {"imageScanningConfiguration": {"scanOnPush": False}}), "are not scanned"),
            ([TRAINING, scanning("MANUAL", "*")], "are not scanned"),
            ([TRAINING, scanning("SCAN_ON_PUSH", "serving")], "are not scanned"),
            ([TRAINING, scanning("CONTINUOUS_SCAN", "training*")], "are not scanned"),
        ],
    ),
    Cases(
        registry.registry_customer_managed_key,
        passing=[
            made(REPOSITORY, "it", under("KMS", KEY_ARN)),
            made(
                REPOSITORY,
                "it",
                under("KMS", UNKNOWN),
                refers={"encryptionConfigurations": made("aws:kms/key:Key", "images")},
            ),
            made(TEMPLATE, "it", under("KMS", KEY_ARN)),
        ],
        failing=[
            (TRAINING, "The repository has no key in KMS."),
            (made(REPOSITORY, "it", under("AES256")), "The repository has no key in KMS."),
            (made(REPOSITORY, "it", under("KMS")), "the key in KMS that AWS manages"),
            (
                made(REPOSITORY, "it", under("KMS", "arn:aws:kms:eu-west-1:123456789012:alias/aws/ecr")),
                "the key in KMS that AWS manages",
            ),
            (made(TEMPLATE, "it", {"prefix": "ROOT"}), "The repository has no key in KMS."),
        ],
    ),
    Cases(
        registry.registry_policy_not_public,
        passing=[
            made(REPOSITORY_POLICY, "it", {"policy": policy({"AWS": "arn:aws:iam::210987654321:root"})}),
            made(
                REPOSITORY_POLICY,
                "it",
                {"policy": policy("*", {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3"}})},
            ),
            made(TEMPLATE, "it", {"prefix": "cache"}),
        ],
        failing=[
            (made(REPOSITORY_POLICY, "it", {"policy": policy("*")}), "lets everybody in"),
            (made(REGISTRY_POLICY, "it", {"policy": policy({"AWS": "*"})}), "lets everybody in"),
            (made(TEMPLATE, "it", {"repositoryPolicy": policy({"AWS": ["*"]})}), "lets everybody in"),
        ],
    ),
)
