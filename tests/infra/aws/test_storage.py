"""The buckets: encryption, versions, who gets in, what is kept and for how long."""

from typing import Any

import pytest

from tests.infra.recorder import Resources, provision

DATA = ["checkpoints", "datasets", "logs", "models"]
ALL = ["access", *DATA]
KEY = "arn:aws:mock:::keys-data"
ALGORITHM = "s3:x-amz-server-side-encryption"

pytestmark = pytest.mark.xdist_group("aws platforms")


@pytest.fixture(params=["dev", "prod"])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def resources(stack: str) -> Resources:
    return provision(stack)


def purposes(resources: Resources, kind: str) -> list[str]:
    return [each.name.removeprefix("storage-") for each in resources.all(f"aws:s3/{kind}")]


def test_there_is_a_bucket_for_each_purpose_and_one_for_records_of_access(stack: str, resources: Resources) -> None:
    names = {each.name: each.inputs["bucket"] for each in resources.all("aws:s3/bucket:Bucket")}
    assert names == {f"storage-{one}": f"trainyard-{stack}-{one}-123456789012-eu-west-1" for one in ALL}


def test_data_is_encrypted_by_the_stacks_key_with_a_bucket_key(resources: Resources) -> None:
    kind = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    assert len(resources.all(kind)) == len(ALL)
    for purpose in DATA:
        (rule,) = resources.one(kind, f"storage-{purpose}").inputs["rules"]
        assert rule["bucketKeyEnabled"] is True
        assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    (rule,) = resources.one(kind, "storage-access").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


def test_every_bucket_is_closed_owned_and_versioned(resources: Resources) -> None:
    for kind, wanted in {
        "bucketPublicAccessBlock:BucketPublicAccessBlock": {
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
        "bucketOwnershipControls:BucketOwnershipControls": {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        "bucketVersioning:BucketVersioning": {"versioningConfiguration": {"status": "Enabled"}},
    }.items():
        assert purposes(resources, kind) == ALL
        for each in resources.all(f"aws:s3/{kind}"):
            assert wanted.items() <= each.inputs.items()


def test_every_bucket_refuses_to_be_reached_without_current_tls(resources: Resources) -> None:
    policies = resources.all("aws:s3/bucketPolicy:BucketPolicy")
    assert len(policies) == len(ALL)
    for policy in policies:
        arn = f"arn:aws:s3:::{policy.inputs['bucket']}"
        for sid, condition in {
            "TlsOnly": {"Bool": {"aws:SecureTransport": "false"}},
            "Tls12OrBetter": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        }.items():
            statement = policy.statement(sid)
            assert statement == {
                "Sid": sid,
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": condition,
            }


UPLOADS: dict[str, tuple[dict[str, str], bool]] = {
    "names nothing": ({}, True),
    "names the key": ({ALGORITHM: "aws:kms", f"{ALGORITHM}-aws-kms-key-id": KEY}, True),
    "names another key": ({ALGORITHM: "aws:kms", f"{ALGORITHM}-aws-kms-key-id": f"{KEY}x"}, False),
    "names no key": ({ALGORITHM: "aws:kms"}, False),
    "is encrypted by S3's key": ({ALGORITHM: "AES256"}, False),
    "is encrypted twice": ({ALGORITHM: "aws:kms:dsse", f"{ALGORITHM}-aws-kms-key-id": KEY}, False),
    "brings its own key": ({f"{ALGORITHM}-customer-algorithm": "AES256"}, False),
}


@pytest.mark.parametrize("upload", UPLOADS)
def test_an_upload_is_encrypted_by_the_right_key_or_refused(resources: Resources, upload: str) -> None:
    headers, accepted = UPLOADS[upload]
    for purpose in DATA:
        policy = resources.one("aws:s3/bucketPolicy:BucketPolicy", f"storage-{purpose}").document()
        uploads = [each for each in policy["Statement"] if each["Action"] == "s3:PutObject"]
        assert len(uploads) == 4
        assert any(applies(statement["Condition"], headers) for statement in uploads) is not accepted


def applies(condition: dict[str, dict[str, str]], headers: dict[str, str]) -> bool:
    """Whether a condition holds for a request with these keys: IAM's rules for the operators used here.

    A negated comparison with a key that the request lacks holds. Source: IAM user guide, "IAM JSON policy elements:
    Condition operators".
    """

    def holds(operator: str, key: str, value: Any) -> bool:
        if operator == "Null":
            return (key not in headers) is (value == "true")
        if operator in ("StringNotEquals", "ArnNotEquals"):
            return headers.get(key) != value
        assert operator == "StringEquals"
        return headers.get(key) == value

    return all(holds(operator, key, value) for operator, keys in condition.items() for key, value in keys.items())


def test_reads_and_writes_are_recorded_in_a_bucket_that_only_s3_writes_to(stack: str, resources: Resources) -> None:
    logging = resources.all("aws:s3/bucketLogging:BucketLogging")
    assert [each.inputs["targetPrefix"] for each in logging] == [f"{purpose}/" for purpose in DATA]
    target = f"trainyard-{stack}-access-123456789012-eu-west-1"
    assert {each.inputs["targetBucket"] for each in logging} == {target}
    allowed = resources.one("aws:s3/bucketPolicy:BucketPolicy", "storage-access").statement("DeliverRecordsOfAccess")
    assert allowed["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert allowed["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    sources = allowed["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert sorted(sources) == [f"arn:aws:s3:::trainyard-{stack}-{one}-123456789012-eu-west-1" for one in DATA]


def rules(resources: Resources, purpose: str) -> dict[str, dict[str, Any]]:
    kind = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    return {rule["id"]: rule for rule in resources.one(kind, f"storage-{purpose}").inputs["rules"]}


def test_what_nobody_needs_goes_by_itself() -> None:
    for stack, checkpoints, old, logs in (("dev", 7, 7, 30), ("prod", 90, 90, 365)):
        resources = provision(stack)
        for purpose in ALL:
            found = rules(resources, purpose)
            assert all(rule["status"] == "Enabled" for rule in found.values())
            assert found["unfinished-uploads"]["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
            assert found["old-versions"]["noncurrentVersionExpiration"] == {"noncurrentDays": old}
            assert found["old-versions"]["expiration"] == {"expiredObjectDeleteMarker": True}
        assert rules(resources, "checkpoints")["expiry"]["expiration"] == {"days": checkpoints}
        assert rules(resources, "logs")["expiry"]["expiration"] == {"days": logs}
        assert rules(resources, "access")["expiry"]["expiration"] == {"days": logs}
        assert rules(resources, "datasets")["tiering"]["transitions"] == [
            {"days": 30, "storageClass": "INTELLIGENT_TIERING"}
        ]
        assert "expiry" not in rules(resources, "models") | rules(resources, "datasets")


def test_only_dev_deletes_buckets_that_are_not_empty() -> None:
    for stack, forced in (("dev", True), ("prod", False)):
        buckets = provision(stack).all("aws:s3/bucket:Bucket")
        assert {each.inputs["forceDestroy"] for each in buckets} == {forced}
