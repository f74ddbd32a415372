"""What speaks against a teardown, and what does not."""

from pathlib import Path
from typing import Any

import pytest

from lifecycle.deployer import DeployedResource
from lifecycle.teardown.guard import OBSTACLES, find_obstacles, loses_artifacts, unknown_overrides
from lifecycle.teardown.subject import Subject

OURS = "123456789012"
BUCKET = DeployedResource("urn:pulumi:dev::shop::aws:s3/bucket:Bucket::models", "aws:s3/bucket:Bucket", "models", False)
OUTPUTS = {"manifest_uri": "s3://models/digits/run/manifest.json"}


def test_a_stack_of_one_s_own_may_go() -> None:
    assert obstacles() == {}
    assert obstacles(cloud="local", account_id="", caller="") == {}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"caller": "999999999999"}, "account 999999999999, and stack dev is of account 123456789012"),
        ({"allowed_account_ids": ("999999999999",)}, "is of account 123456789012 or 999999999999"),
        ({"account_id": "", "allowed_account_ids": ("999999999999",)}, "is of account 999999999999"),
        ({"account_id": ""}, "set shop:aws.account_id"),
    ],
)
def test_a_foreign_account_is_refused(fields: dict[str, Any], told: str) -> None:
    found = obstacles(**fields)
    assert list(found) == ["foreign-account"]
    assert told in found["foreign-account"]


def test_a_foreign_project_is_refused() -> None:
    google = {"cloud": "gcp", "account_id": "ml-platform", "project_number": "123456"}
    assert obstacles(caller="ml-platform (123456)", **google) == {}
    found = obstacles(caller="ml-platform (999999)", **google)
    assert list(found) == ["foreign-account"]
    assert "project ml-platform (999999), and stack dev is of project ml-platform (123456)" in found["foreign-account"]
    assert "(gcp:project, shop:gcp.project_number)" in found["foreign-account"]
    unknown = obstacles(caller="ml-platform (123456)", **google | {"project_number": ""})
    assert "set shop:gcp.project_number" in unknown["foreign-account"]


def test_the_account_is_asked_for_in_clouds_only() -> None:
    def nobody() -> str:
        raise AssertionError("asked")

    local = subject(cloud="local")
    assert find_obstacles(local, resources=[BUCKET], outputs={}, artifacts_verified=True, account_id=nobody) == []
    with pytest.raises(AssertionError, match="asked"):
        find_obstacles(subject(), resources=[BUCKET], outputs={}, artifacts_verified=True, account_id=nobody)


def test_where_nothing_is_deployed_nothing_is_in_the_way() -> None:
    assert obstacles(resources=[], environment="prod", verified=False, caller="999999999999") == {}


def test_a_protected_stack_is_refused() -> None:
    assert "environment is prod" in obstacles(environment="prod")["protected-stack"]
    assert "part is data" in obstacles(part="data")["protected-stack"]
    keys = [
        DeployedResource(f"urn:pulumi:dev::shop::aws:kms/key:Key::key-{number}", "aws:kms/key:Key", "", True)
        for number in range(7)
    ]
    text = obstacles(resources=[BUCKET, *keys])["protected-stack"]
    assert "7 resources are protected" in text
    assert "key-0 (aws:kms/key:Key)" in text
    assert "and 2 more" in text
    assert "1 resource is protected" in obstacles(resources=keys[:1])["protected-stack"]


def test_artifacts_that_would_be_lost_must_be_verified() -> None:
    assert "s3://models/digits/run/manifest.json" in obstacles(verified=False)["unverified-artifacts"]
    assert obstacles(verified=None) == {}
    assert obstacles(verified=False, outputs={}) == {}


def test_artifacts_that_outlive_the_stack_need_not_be() -> None:
    policy = DeployedResource("urn:pulumi:dev::shop::p::p", "aws:s3/bucketPolicy:BucketPolicy", "models", False)
    other = DeployedResource("urn:pulumi:dev::shop::b::b", "aws:s3/bucket:Bucket", "other", False)
    assert loses_artifacts(OUTPUTS, [BUCKET, policy])
    assert not loses_artifacts(OUTPUTS, [policy, other])
    assert not loses_artifacts({"manifest_uri": None}, [BUCKET])
    local = DeployedResource("urn:pulumi:local::shop::b::b", "pulumi-python:dynamic/local:Bucket", "models", False)
    assert loses_artifacts(OUTPUTS, [local])
    google = DeployedResource("urn:pulumi:dev::shop::b::b", "gcp:storage/bucket:Bucket", "models", False)
    assert loses_artifacts({"manifest_uri": "gs://models/digits/run/manifest.json"}, [google])


def test_all_obstacles_are_told_at_once() -> None:
    assert set(obstacles(caller="9" * 12, environment="prod", verified=False)) == set(OBSTACLES)


def test_overrides_have_names() -> None:
    assert unknown_overrides([*OBSTACLES, "all", "Foreign-Account"]) == ["all", "Foreign-Account"]


def obstacles(
    *,
    caller: str = OURS,
    resources: list[DeployedResource] | None = None,
    outputs: dict[str, Any] | None = None,
    verified: bool | None = True,
    **fields: Any,
) -> dict[str, str]:
    """Obstacles by name, for a stack that holds a bucket with artifacts, where nothing else is said."""
    found = find_obstacles(
        subject(**fields),
        resources=[BUCKET] if resources is None else resources,
        outputs=OUTPUTS if outputs is None else outputs,
        artifacts_verified=verified,
        account_id=lambda: caller,
    )
    assert all(each.text for each in found)
    return {each.name: each.text for each in found}


def subject(**fields: Any) -> Subject:
    """A stack on AWS, with some of it said otherwise."""
    values: dict[str, Any] = {
        "directory": Path("/project"),
        "project": "shop",
        "stack": "dev",
        "cloud": "aws",
        "account_id": OURS,
        "region": "eu-west-1",
        "partition": "aws",
        "cluster_name": "shop-dev",
        "environment": "dev",
    }
    return Subject(**(values | fields))
