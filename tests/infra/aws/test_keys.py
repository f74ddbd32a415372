"""The KMS keys: who may do what with them."""

import json

import pytest

from tests.infra.recorder import Registered, Resources, provision

PURPOSES = ["data", "images", "logs", "secrets", "volumes"]
ACCOUNT = "arn:aws:iam::123456789012:root"

pytestmark = pytest.mark.xdist_group("aws platforms")


@pytest.fixture(params=["dev", "prod"])
def resources(request: pytest.FixtureRequest) -> Resources:
    return provision(request.param)


def keys(resources: Resources) -> list[Registered]:
    return resources.all("aws:kms/key:Key")


def test_there_is_a_rotating_key_with_an_alias_for_each_purpose(resources: Resources) -> None:
    assert [key.name for key in keys(resources)] == [f"keys-{purpose}" for purpose in PURPOSES]
    assert all(key.inputs["enableKeyRotation"] is True for key in keys(resources))
    aliases = [each.inputs["name"] for each in resources.all("aws:kms/alias:Alias")]
    assert [alias.rpartition("/")[2] for alias in aliases] == PURPOSES


def test_a_deleted_key_can_be_rescued_for_as_long_as_the_setting_says() -> None:
    assert {key.inputs["deletionWindowInDays"] for key in keys(provision("dev"))} == {7}
    assert {key.inputs["deletionWindowInDays"] for key in keys(provision("prod"))} == {30}


def test_no_principal_and_no_operation_is_a_wildcard(resources: Resources) -> None:
    for key in keys(resources):
        for statement in key.document()["Statement"]:
            assert statement["Effect"] == "Allow"
            assert "*" not in json.dumps(statement["Principal"]), key.name
            assert not [action for action in statement["Action"] if "*" in action], key.name


def test_the_account_administers_a_key_and_cannot_use_it_without_a_condition(resources: Resources) -> None:
    for key in keys(resources):
        administer = key.statement("Administer")
        assert administer["Principal"] == {"AWS": ACCOUNT}
        assert "kms:PutKeyPolicy" in administer["Action"]
        using = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"}
        assert not using & {*administer["Action"]}
        for statement in key.document()["Statement"]:
            if statement["Principal"] == {"AWS": ACCOUNT} and using & {*statement["Action"]}:
                assert statement.get("Condition") or statement["Sid"] == "GrantToEks", (key.name, statement["Sid"])


def test_eks_can_be_given_the_key_of_secrets_when_the_cluster_is_made() -> None:
    """With the condition that grants be for AWS's resources it could not: EKS user guide, "Security considerations"."""
    (secrets,) = (key for key in keys(provision("dev")) if key.name == "keys-secrets")
    grant = secrets.statement("GrantToEks")
    assert grant["Action"] == ["kms:CreateGrant"]
    assert "Condition" not in grant


def test_only_roles_of_the_stack_use_the_data() -> None:
    (data,) = (key for key in keys(provision("dev")) if key.name == "keys-data")
    condition = data.statement("UseByRolesOfTheStack")["Condition"]
    assert condition == {
        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/trainyard-dev_*"},
        # Those of other teams do so through S3.
        "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/trainyard-dev_team-*"},
    }


def test_only_log_groups_of_the_stack_are_encrypted_by_the_key_of_logs() -> None:
    (logs,) = (key for key in keys(provision("dev")) if key.name == "keys-logs")
    statement = logs.statement("UseByLogGroupsOfTheStack")
    assert statement["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    groups = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    made = [each.inputs["name"] for each in provision("dev").all("aws:cloudwatch/logGroup:LogGroup")]
    assert len(made) == 2
    for name in made:
        assert any(
            f"arn:aws:logs:eu-west-1:123456789012:log-group:{name}".startswith(group.rstrip("*")) for group in groups
        )


def test_the_role_of_auto_scaling_is_made_only_when_asked_for() -> None:
    kind = "aws:iam/serviceLinkedRole:ServiceLinkedRole"
    assert provision("dev").all(kind) == []
    made = provision("dev", {"keys.create_autoscaling_role": True}).one(kind)
    assert made.inputs["awsServiceName"] == "autoscaling.amazonaws.com"
