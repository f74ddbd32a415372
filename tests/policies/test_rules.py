"""Every rule by its table: what it lets pass, and what it objects to with which words."""

from typing import Any

import pytest

from infra.local import cloud, cluster, storage
from infra.local import identity as identity_resources
from policies import cost, security
from policies.rules import (
    LOCAL_BUCKET,
    LOCAL_CLOUD,
    LOCAL_IDENTITY,
    LOCAL_JOB,
    LOCAL_SERVICE,
    UNKNOWN,
    Resource,
    Rule,
    looks_secret,
)

RULES = (*security.RULES, *cost.RULES)
KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/3f9a"
HOUR = 3600


def bucket(**properties: Any) -> Resource:
    return Resource(LOCAL_BUCKET, "models", properties)


def identity(*statements: dict[str, Any]) -> Resource:
    return Resource(LOCAL_IDENTITY, "training", {"policy": {"Version": "2012-10-17", "Statement": list(statements)}})


def allow(**statement: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/*", **statement}


def job(**properties: Any) -> Resource:
    return Resource(LOCAL_JOB, "train", properties)


def in_a_cloud(**properties: Any) -> Resource:
    return Resource("aws:s3/bucket:Bucket", "models", properties)


def tagged(**tags: Any) -> Resource:
    return in_a_cloud(tags=tags)


PASSING: dict[Rule, list[Resource | list[Resource]]] = {
    security.customer_managed_key: [bucket(key_arn=KEY_ARN)],
    security.no_wildcard_action: [
        identity(allow(), allow(Action=["s3:PutObject", "s3:AbortMultipartUpload"])),
        identity({"Effect": "Deny", "Action": "*", "Resource": "*"}),
        Resource(LOCAL_IDENTITY, "single", {"policy": {"Statement": allow()}}),
    ],
    security.no_wildcard_resource: [
        identity(allow(Resource=["arn:aws:s3:::models", "arn:aws:s3:::models/digits/*", KEY_ARN])),
        identity(allow(Resource=["arn:aws-cn:s3:::models/*", "arn:aws-us-gov:s3:::models/digits/*/manifest.json"])),
        identity({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}),
    ],
    security.no_privilege_escalation: [identity(allow(Action=["kms:Decrypt", "s3:DeleteObject"]))],
    security.secrets_are_marked: [
        [
            Resource(
                LOCAL_IDENTITY, "training", {"own_secret_access_key": "x"}, secret_outputs=["own_secret_access_key"]
            )
        ],
        [Resource(LOCAL_JOB, "train", {"environment": {"AWS_SECRET_ACCESS_KEY": "x"}}, secret_outputs=["environment"])],
        [Resource(LOCAL_CLOUD, "cloud", {"endpoint": "x", "access_key_id": "x", "key_arn": KEY_ARN, "max_tokens": 3})],
        [Resource(LOCAL_IDENTITY, "training", {"endpoint": UNKNOWN, "policy": {"Statement": [UNKNOWN]}})],
        [Resource("aws:iam/accessKey:AccessKey", "key", {"secret": "the provider marks it"})],
    ],
    security.processes_on_loopback: [
        [Resource(LOCAL_CLOUD, "cloud", {"endpoint": "http://127.0.0.1:5000"})],
        [Resource(LOCAL_SERVICE, "serve", {"endpoints": {"http": "localhost:8000", "grpc": "[::1]:8001"}})],
        [Resource(LOCAL_SERVICE, "new", {})],
        [
            Resource(LOCAL_CLOUD, "cloud", {"endpoint": UNKNOWN}),
            Resource(LOCAL_SERVICE, "serve", {"endpoints": UNKNOWN}),
            Resource(LOCAL_SERVICE, "other", {"endpoints": {"http": UNKNOWN}}),
        ],
    ],
    cost.job_has_deadline: [job(deadline_seconds=900), job(deadline_seconds=168 * HOUR)],
    cost.stack_has_owner: [
        [tagged(owner="ada", cost_centre="42"), Resource("pulumi:pulumi:Stack", "s", {})],
        [],
        [bucket(tags={"owner": "unassigned"})],
        [Resource("gcp:compute/instance:Instance", "vm", {"tags": ["web"]})],
        [in_a_cloud(tags=UNKNOWN), tagged(owner=UNKNOWN, cost_centre="42")],
        [in_a_cloud(tags=None, tagsAll={"owner": "ada", "cost_centre": "42"})],
        [Resource("gcp:storage/bucket:Bucket", "models", {"labels": {"owner": "ada", "cost_centre": "42"}})],
    ],
}

FAILING: dict[Rule, list[tuple[Resource | list[Resource], list[str]]]] = {
    security.customer_managed_key: [
        (bucket(), ["The bucket has no KMS key."]),
        (bucket(key_arn=""), ["The bucket has no KMS key."]),
        (
            bucket(key_arn="arn:aws:kms:us-east-1:123456789012:alias/aws/s3"),
            [
                "The bucket's key 'arn:aws:kms:us-east-1:123456789012:alias/aws/s3' "
                "is not the ARN of a customer-managed KMS key."
            ],
        ),
        (bucket(key_arn="AES256"), ["The bucket's key 'AES256' is not the ARN of a customer-managed KMS key."]),
    ],
    security.no_wildcard_action: [
        (identity(allow(Action="*")), ["The identity is allowed '*'."]),
        (
            identity(allow(), allow(Action=["kms:*", "s3:Get?bject"])),
            ["The identity is allowed 'kms:*'.", "The identity is allowed 's3:Get?bject'."],
        ),
        (
            identity({"Effect": "Allow", "NotAction": "iam:*", "Resource": "x"}),
            ["The identity is allowed everything but its NotAction."],
        ),
    ],
    security.no_wildcard_resource: [
        (identity(allow(Resource="*")), ["The identity may use '*'."]),
        (identity(allow(Resource=["arn:aws:s3:::*"])), ["The identity may use 'arn:aws:s3:::*'."]),
        (identity(allow(Resource="arn:aws:s3:::mod?ls/*")), ["The identity may use 'arn:aws:s3:::mod?ls/*'."]),
        (
            identity(allow(Resource="arn:aws:kms:us-east-1:123456789012:key/*")),
            ["The identity may use 'arn:aws:kms:us-east-1:123456789012:key/*'."],
        ),
        *(
            (identity(allow(Resource=wide)), [f"The identity may use {wide!r}."])
            for wide in (
                "arn:aws:iam::123456789012:role/*",
                "arn:aws:dynamodb:us-east-1:123456789012:table/*",
                "arn:aws:kms:us-east-1:123456789012:alias/*",
                "arn:aws:kms:us-east-1:123456789012:key/1*",
                "arn:aws:secretsmanager:us-east-1:123456789012:secret:x/*",
                "arn:aws*:s3:::models/*",
                "arn:aws:s3:::models*/digits/*",
            )
        ),
        (
            identity({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "x"}),
            ["The identity may use everything but its NotResource."],
        ),
    ],
    security.no_privilege_escalation: [
        (identity(allow(Action="iam:PutUserPolicy")), ["The identity is allowed 'iam:PutUserPolicy'."]),
        (
            identity(allow(Action=["KMS:createGrant", "sts:AssumeRole"])),
            ["The identity is allowed 'KMS:createGrant'.", "The identity is allowed 'sts:AssumeRole'."],
        ),
        *(
            (identity(allow(Action=action)), [f"The identity is allowed {action!r}."])
            for action in (
                "s3:PutObjectAcl",
                "s3:PutObjectVersionAcl",
                "s3:PutAccountPublicAccessBlock",
                "s3:PutBucketOwnershipControls",
                "s3:PutReplicationConfiguration",
                "kms:ScheduleKeyDeletion",
                "kms:DisableKey",
            )
        ),
    ],
    security.secrets_are_marked: [
        (
            [Resource(LOCAL_IDENTITY, "training", {"own_secret_access_key": "x", "adminPassword": "y"})],
            [
                "The output own_secret_access_key is not marked as secret.",
                "The output adminPassword is not marked as secret.",
            ],
        ),
        (
            [Resource(LOCAL_IDENTITY, "training", {"endpoint": UNKNOWN, "own_secret_access_key": UNKNOWN})],
            ["The output own_secret_access_key is not marked as secret."],
        ),
        (
            [Resource(LOCAL_JOB, "train", {"environment": [{"AWS_SECRET_ACCESS_KEY": "x"}]})],
            ["The output environment with its AWS_SECRET_ACCESS_KEY is not marked as secret."],
        ),
    ],
    security.processes_on_loopback: [
        ([Resource(LOCAL_CLOUD, "cloud", {"endpoint": "http://0.0.0.0:5000"})], ["It listens on http://0.0.0.0:5000."]),
        (
            [Resource(LOCAL_SERVICE, "serve", {"endpoints": {"http": "127.0.0.1:8000", "grpc": "10.0.0.7:8001"}})],
            ["It listens on 10.0.0.7:8001."],
        ),
    ],
    cost.job_has_deadline: [
        (job(), ["The job has no deadline."]),
        (job(deadline_seconds=0), ["The job has no deadline."]),
        (job(deadline_seconds=169 * HOUR), ["The job's deadline of 169 hours is beyond 168 hours."]),
    ],
    cost.stack_has_owner: [
        (
            [tagged(owner="unassigned", cost_centre="42"), tagged(owner="ada", cost_centre="42")],
            ["The tag owner is unassigned."],
        ),
        ([tagged(owner="ada"), tagged()], ["The tag owner is missing.", "The tag cost_centre is missing."]),
        ([tagged(owner="", cost_centre={"no": "text"})], ["The tag owner is missing."]),
        (
            [Resource("gcp:compute/instance:Instance", "vm", {"tags": ["web"], "labels": {"owner": "ada"}})],
            ["The tag cost_centre is missing."],
        ),
        ([in_a_cloud(tags=None)], ["The tag owner is missing.", "The tag cost_centre is missing."]),
    ],
}


def objections(rule: Rule, subject: Resource | list[Resource]) -> list[str]:
    if rule.check_stack:
        return [objection.message for objection in rule.check_stack(subject, **rule.defaults())]
    assert rule.check_resource
    return list(rule.check_resource(subject, **rule.defaults()))


@pytest.mark.parametrize(
    ("rule", "subject"),
    [pytest.param(rule, subject, id=rule.id) for rule, subjects in PASSING.items() for subject in subjects],
)
def test_what_is_right_passes(rule: Rule, subject: Resource | list[Resource]) -> None:
    assert objections(rule, subject) == []


@pytest.mark.parametrize(
    ("rule", "subject", "expected"),
    [pytest.param(rule, *case, id=rule.id) for rule, cases in FAILING.items() for case in cases],
)
def test_what_is_wrong_is_told(rule: Rule, subject: Resource | list[Resource], expected: list[str]) -> None:
    assert objections(rule, subject) == expected


def test_every_rule_has_cases_and_says_what_it_is_for() -> None:
    assert {rule.id for rule in PASSING} == {rule.id for rule in FAILING} == {rule.id for rule in RULES}
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.title.endswith(".")
        assert rule.wrong.endswith(".")
        assert rule.mend.endswith(".")
        assert rule.frameworks
        assert rule.severity in ("low", "medium", "high", "critical")
        assert rule.level in ("mandatory", "advisory")
        assert (rule.check_resource is None) != (rule.check_stack is None)
        assert bool(rule.types) == bool(rule.check_resource)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("secret_access_key", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("dbPassword", True),
        ("tls_private_key", True),
        ("apiKey", True),
        ("sessionToken", True),
        ("access_key_id", False),
        ("key_arn", False),
        ("max_tokens", False),
        ("secretary", False),
        ("password", True),
        ("secret_id", True),
        ("token_value", True),
        ("policy_password", True),
        ("token_count", False),
        ("secret_name", False),
        ("secretName", False),
        ("password_length", False),
        ("SECRET_ARN", False),
    ],
)
def test_names_that_look_secret(name: str, secret: bool) -> None:
    assert looks_secret(name) is secret


def test_the_types_are_those_of_the_local_platform() -> None:
    classes = [storage.Bucket, cloud.Cloud, identity_resources.WorkloadIdentity, cluster.LocalJob, cluster.LocalService]
    types = [f"pulumi-python:{each._resource_type_name}" for each in classes]
    assert types == [LOCAL_BUCKET, LOCAL_CLOUD, LOCAL_IDENTITY, LOCAL_JOB, LOCAL_SERVICE]


@pytest.mark.parametrize("name", identity_resources.GRANTS)
def test_the_local_platforms_identities_pass(name: str) -> None:
    arns = {purpose: f"arn:aws:s3:::{purpose}" for purpose in ("datasets", "checkpoints", "models", "logs")}
    policy = identity_resources.policy_document(name, "digits/", arns, KEY_ARN)
    subject = Resource(LOCAL_IDENTITY, name, {"policy": policy})
    for rule in RULES:
        if LOCAL_IDENTITY in rule.types:
            assert objections(rule, subject) == []
