"""The buckets: encryption, versions, who gets in, what is kept and for how long."""

from typing import Any

import pytest

from tests.infra.recorder import Registered, Resources, provision

BUCKET = "gcp:storage/bucket:Bucket"
DATA = ["checkpoints", "datasets", "logs", "models"]
ALL = ["access", *DATA]

pytestmark = pytest.mark.xdist_group("gcp platforms")


@pytest.fixture(params=["gcp-dev", "gcp-prod"])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def resources(stack: str) -> Resources:
    return provision(stack)


def bucket(resources: Resources, purpose: str) -> Registered:
    return resources.one(BUCKET, f"storage-{purpose}")


def test_there_is_a_bucket_for_each_purpose_and_one_for_records_of_use(stack: str, resources: Resources) -> None:
    names = {each.name: each.inputs["name"] for each in resources.all(BUCKET)}
    assert names == {f"storage-{one}": f"trainyard-{stack}-{one}-ml-platform-example" for one in ALL}
    assert all(len(name) <= 63 for name in names.values())


def test_they_are_in_the_region_that_computes(resources: Resources) -> None:
    assert {each.inputs["location"] for each in resources.all(BUCKET)} == {"EUROPE-WEST4"}
    assert {each.inputs["storageClass"] for each in resources.all(BUCKET)} == {"STANDARD"}


def test_every_bucket_is_closed_versioned_and_opened_by_iam_alone(resources: Resources) -> None:
    for purpose in ALL:
        inputs = bucket(resources, purpose).inputs
        assert inputs["uniformBucketLevelAccess"] is True
        assert inputs["publicAccessPrevention"] == "enforced"
        assert inputs["versioning"] == {"enabled": True}


def test_everything_is_encrypted_by_the_data_key_and_data_by_nothing_else(resources: Resources) -> None:
    key = resources.one("gcp:kms/cryptoKey:CryptoKey", "keys-data")
    named = {bucket(resources, purpose).inputs["encryption"]["defaultKmsKeyName"] for purpose in ALL}
    assert len(named) == 1
    assert named.pop().startswith(f"{key.inputs['keyRing']}/cryptoKeys/keys-data")
    for purpose in DATA:
        encryption = bucket(resources, purpose).inputs["encryption"]
        assert encryption["customerManagedEncryptionEnforcementConfig"] == {"restrictionMode": "NotRestricted"}
        assert encryption["customerSuppliedEncryptionEnforcementConfig"] == {"restrictionMode": "FullyRestricted"}
        assert encryption["googleManagedEncryptionEnforcementConfig"] == {"restrictionMode": "FullyRestricted"}


def test_use_is_recorded_in_a_bucket_that_google_may_only_add_to(stack: str, resources: Resources) -> None:
    target = bucket(resources, "access")
    for purpose in DATA:
        logging = bucket(resources, purpose).inputs["logging"]
        assert logging == {"logBucket": target.inputs["name"], "logObjectPrefix": f"{purpose}/{purpose}"}
    assert "logging" not in target.inputs
    grants = [
        each
        for each in resources.all("gcp:storage/bucketIAMMember:BucketIAMMember")
        if each.inputs["bucket"] == target.inputs["name"]
    ]
    assert [(each.inputs["member"], each.inputs["role"]) for each in grants] == [
        ("group:cloud-storage-analytics@google.com", "roles/storage.objectCreator")
    ]


def rules(resources: Resources, purpose: str) -> list[tuple[str, dict[str, Any]]]:
    found = bucket(resources, purpose).inputs["lifecycleRules"]
    return [(rule["action"]["type"], rule["condition"]) for rule in found]


def test_what_nobody_needs_goes_by_itself() -> None:
    for stack, checkpoints, old, logs in (("gcp-dev", 7, 7, 30), ("gcp-prod", 90, 90, 365)):
        resources = provision(stack)
        always = [
            ("AbortIncompleteMultipartUpload", {"age": 7}),
            ("Delete", {"daysSinceNoncurrentTime": old, "withState": "ARCHIVED"}),
        ]
        for purpose, days in {"checkpoints": checkpoints, "logs": logs, "access": logs}.items():
            assert rules(resources, purpose) == [*always, ("Delete", {"age": days, "withState": "LIVE"})]
        for purpose in ("datasets", "models"):
            assert rules(resources, purpose) == always


def test_data_sets_move_to_cheaper_classes_where_that_is_wanted() -> None:
    for wanted in (True, False):
        resources = provision("gcp-dev", {"storage.autoclass_datasets": wanted})
        moved = {purpose for purpose in ALL if "autoclass" in bucket(resources, purpose).inputs}
        assert moved == ({"datasets"} if wanted else set())
    assert bucket(provision("gcp-dev"), "datasets").inputs["autoclass"] == {
        "enabled": True,
        "terminalStorageClass": "ARCHIVE",
    }


@pytest.mark.parametrize("days", [7, 90])
def test_what_was_removed_for_good_can_be_had_back_for_some_days(days: int) -> None:
    resources = provision("gcp-dev", {"storage.soft_delete_days": days})
    for each in resources.all(BUCKET):
        assert each.inputs["softDeletePolicy"] == {"retentionDurationSeconds": days * 86_400}


def test_only_dev_deletes_buckets_that_are_not_empty() -> None:
    for stack, forced in (("gcp-dev", True), ("gcp-prod", False)):
        assert {each.inputs["forceDestroy"] for each in provision(stack).all(BUCKET)} == {forced}
