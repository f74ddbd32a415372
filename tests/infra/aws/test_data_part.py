"""Data that outlives clusters: a stack of buckets and their key, and one that uses them instead of its own."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.naming import Names
from infra.platform import create_data
from infra.settings import Settings
from tests.infra.plan import Plan, make_project, preview
from tests.infra.recorder import Resources, provision, record
from tests.infra.stack_files import ROOT, parse

BUCKET = "aws:s3/bucket:Bucket"
KEY = "aws:kms/key:Key"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
ELSEWHERE = {"storage.from_stack": "data", "storage.key_arn": KEY_ARN}
PURPOSES = ("checkpoints", "datasets", "logs", "models")

pytestmark = pytest.mark.xdist_group("aws platforms")


@functools.cache
def shown_in_the_docs() -> dict[str, Any]:
    """The stack file of data that docs/aws.md shows."""
    _, _, rest = (ROOT / "docs" / "aws.md").read_text().partition("```yaml\n# Pulumi.data.yaml\n")
    config: dict[str, Any] = yaml.safe_load(rest.partition("```")[0])["config"]
    return config


def data_settings(**changes: Any) -> Settings:
    return parse({**shown_in_the_docs(), **changes}, "data")


@functools.cache
def data_stack(environment: str = "prod") -> Resources:
    settings = data_settings(**{"trainyard:environment": environment})
    return record(lambda: create_data(settings), stack="data")


def test_it_has_buckets_and_their_key_and_nothing_else() -> None:
    resources = data_stack()
    services = {each.type.partition("/")[0] for each in resources.registered if each.type.startswith("aws:")}
    assert services == {"aws:s3", "aws:kms"}
    assert [key.name for key in resources.all(KEY)] == ["keys-data"]
    assert {each.inputs["bucket"] for each in resources.all(BUCKET)} == {
        f"trainyard-data-{purpose}-123456789012-eu-west-1" for purpose in (*PURPOSES, "access")
    }
    assert all(each.inputs["tags"]["stack"] == "data" for each in resources.all(BUCKET))


def test_a_preview_needs_no_account_breaks_no_rule_and_holds_on_to_the_data(tmp_path: Path) -> None:
    project = make_project(tmp_path, "prod", {})
    (tmp_path / "Pulumi.data.yaml").write_text(yaml.safe_dump({"config": shown_in_the_docs()}))
    said = preview(project, "data", "--json", "--policy-pack", "policies")
    assert said.code == 0, said.out + said.err
    planned = Plan(json.loads(said.out))
    assert {each.type for each in planned.resources if each.protected} >= {BUCKET, KEY}


def test_it_tells_what_another_stack_needs() -> None:
    outputs: dict[str, Any] = {}
    record(lambda: outputs.update(create_data(data_settings())), stack="data")
    uris = {f"{purpose}_uri" for purpose in PURPOSES}
    assert outputs.keys() == {*uris, "account_id", "region", "data_key_arn", "encryption_key_uri"}


def test_a_stack_uses_the_buckets_and_the_key_of_another_and_makes_none() -> None:
    resources = provision("dev", ELSEWHERE)
    assert [each for each in resources.registered if each.type.startswith("aws:s3/")] == []
    assert "keys-data" not in {key.name for key in resources.all(KEY)}
    policy = resources.one(ROLE_POLICY, "identity-training").document()
    reached = {each["Resource"] for each in policy["Statement"]}
    assert {arn.partition("/")[0] for arn in reached if ":s3:" in arn} == {
        f"arn:aws:s3:::trainyard-data-{purpose}-123456789012-eu-west-1"
        for purpose in ("checkpoints", "datasets", "models")
    }
    assert {arn for arn in reached if ":kms:" in arn} == {KEY_ARN}
    [models] = {each.inputs["bucket"] for each in data_stack().all(BUCKET) if each.name == "storage-models"}
    assert f"arn:aws:s3:::{models}/digits/*" in reached


def test_the_roles_of_every_stack_of_the_project_may_use_the_key_and_teams_through_s3_only() -> None:
    key = data_stack().one(KEY)
    use = key.statement("UseByRolesOfTheProject")
    assert use["Condition"] == {
        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/trainyard-*_*"},
        "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/trainyard-*_team-*"},
    }
    teams = key.statement("UseByTeamsThroughS3")
    assert teams["Condition"]["StringEquals"] == {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}


@given(
    st.text("abzABZ019_.-", min_size=1, max_size=40),
    st.text("abz019-", min_size=1, max_size=40),
)
def test_the_roles_of_a_project_are_those_of_all_its_stacks(project: str, stack: str) -> None:
    names = Names(project, stack, "123456789012", "eu-west-1")
    start, end = names.project_role_arn("training").split("*")
    role = names.role_arn("training")
    assert role.startswith(start)
    assert role.endswith(end)
    assert len(role) >= len(start) + len(end)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_it_never_expires(environment: str) -> None:
    assert data_settings(**{"trainyard:environment": environment}).expires_at == ""
    for bucket in data_stack(environment).all(BUCKET):
        assert "expires_at" not in bucket.inputs["tags"]
