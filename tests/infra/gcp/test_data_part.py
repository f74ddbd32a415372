"""Data that outlives clusters: a stack of buckets and their key, and one that uses them instead of its own."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.platform import create_data
from infra.settings import Settings
from tests.infra.plan import Plan, make_project, preview
from tests.infra.recorder import Resources, provision, record
from tests.infra.stack_files import parse, stack_file

BUCKET = "gcp:storage/bucket:Bucket"
KEY = "gcp:kms/cryptoKey:CryptoKey"
MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember"
KEY_MEMBER = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"
KEY_ID = (
    "projects/ml-platform-example/locations/europe-west4/keyRings/trainyard-data-keys-1a2b3c4/cryptoKeys/data-5d6e7f8"
)
ELSEWHERE = {"storage.from_stack": "data", "storage.key_id": KEY_ID}
PURPOSES = ("checkpoints", "datasets", "logs", "models")
OF_A_STACK_OF_DATA = ("project_number", "storage")

pytestmark = pytest.mark.xdist_group("gcp platforms")


def configuration(environment: str = "prod", **gcp: Any) -> dict[str, Any]:
    """What a stack file of data has: the project, and how long what is kept."""
    committed = stack_file("gcp-prod")
    kept = {name: committed["trainyard:gcp"][name] for name in OF_A_STACK_OF_DATA}
    names = ("gcp:project", "gcp:region", "trainyard:cloud", "trainyard:owner", "trainyard:cost_centre")
    return {
        **{name: committed[name] for name in names},
        "trainyard:part": "data",
        "trainyard:environment": environment,
        "trainyard:gcp": {**kept, **gcp},
    }


def data_settings(environment: str = "prod", **gcp: Any) -> Settings:
    return parse(configuration(environment, **gcp), "data")


@functools.cache
def data_stack(environment: str = "prod") -> Resources:
    settings = data_settings(environment)
    return record(lambda: create_data(settings), stack="data")


def test_it_has_buckets_and_their_key_and_nothing_else() -> None:
    resources = data_stack()
    services = {each.type.partition("/")[0] for each in resources.registered if each.type.startswith("gcp:")}
    assert services == {"gcp:kms", "gcp:projects", "gcp:storage"}
    assert [key.name for key in resources.all(KEY)] == ["keys-data"]
    assert {each.inputs["name"] for each in resources.all(BUCKET)} == {
        f"trainyard-data-{purpose}-ml-platform-example" for purpose in (*PURPOSES, "access")
    }
    assert all(each.inputs["labels"]["stack"] == "data" for each in resources.all(BUCKET))


def test_it_switches_on_what_it_uses_unless_somebody_else_does() -> None:
    service = "gcp:projects/service:Service"
    assert {each.inputs["service"] for each in data_stack().all(service)} == {
        "cloudkms.googleapis.com",
        "iam.googleapis.com",
        "storage.googleapis.com",
    }
    settings = data_settings(enable_services=False)
    assert record(lambda: create_data(settings), stack="data").all(service) == []


def test_a_preview_needs_no_project_breaks_no_rule_and_holds_on_to_the_data(tmp_path: Path) -> None:
    project = make_project(tmp_path, "gcp-prod", {})
    (tmp_path / "Pulumi.data.yaml").write_text(yaml.safe_dump({"config": configuration()}))
    said = preview(project, "data", "--json", "--policy-pack", "policies")
    assert said.code == 0, said.out + said.err
    planned = Plan(json.loads(said.out))
    assert {each.type for each in planned.resources if each.protected} >= {BUCKET, KEY}


def test_it_tells_what_another_stack_needs() -> None:
    outputs: dict[str, Any] = {}
    record(lambda: outputs.update(create_data(data_settings())), stack="data")
    uris = {f"{purpose}_uri" for purpose in PURPOSES}
    told = {"project_id", "project_number", "region", "data_key_id", "encryption_key_uri"}
    assert outputs.keys() == {*uris, *told}


def test_a_stack_uses_the_buckets_and_the_key_of_another_and_makes_none() -> None:
    resources = provision("gcp-dev", ELSEWHERE)
    assert resources.all(BUCKET) == []
    assert "keys-data" not in {key.name for key in resources.all(KEY)}
    made = {each.inputs["name"] for each in data_stack().all(BUCKET)}
    granted = [each for each in resources.all(MEMBER) if each.name.startswith("identity-")]
    assert {each.inputs["bucket"] for each in granted} == {
        f"trainyard-data-{purpose}-ml-platform-example" for purpose in ("checkpoints", "datasets", "models")
    }
    assert {each.inputs["bucket"] for each in granted} <= made
    for each in granted:
        expression = each.inputs["condition"]["expression"]
        about_names = expression == 'resource.type == "storage.googleapis.com/Bucket"'
        assert about_names or f"buckets/{each.inputs['bucket']}/objects/digits/" in expression
    on_keys = [each for each in resources.all(KEY_MEMBER) if each.name.startswith("identity-")]
    assert {each.inputs["cryptoKeyId"] for each in on_keys} == {KEY_ID}


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_it_never_expires(environment: str) -> None:
    assert data_settings(environment).expires_at == ""
    for bucket in data_stack(environment).all(BUCKET):
        assert "expires_at" not in bucket.inputs["labels"]
