"""Teams on AWS: what keeps one from the other's objects and key, enforced by moto and read from the policies.

moto ignores the conditions used here; those are read: that a list is of the own prefix, and that the key of the buckets
is used through S3 only.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest

from infra.aws.identity import workload_policy
from infra.platform import Identity
from tests.infra.aws.iam_world import PURPOSES, World
from tests.infra.iam_answers import is_allowed
from tests.infra.recorder import Resources, provision

TEAMS = ("speech", "vision")
PEOPLE = "arn:aws:iam::123456789012:role/vision-people"
LEAD = "arn:aws:iam::123456789012:role/path/lead"
TEAM_SETTINGS: dict[str, dict[str, int]] = {"speech": {}, "vision": {"gpus": 4}, "vision-2": {}}
CHANGES = {
    "kubernetes.teams": TEAM_SETTINGS,
    "cluster.team_role_arns": {"vision": [PEOPLE, LEAD], "speech": [LEAD]},
}
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
THROUGH_S3 = {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}

pytestmark = pytest.mark.xdist_group("aws platforms")


@pytest.fixture(scope="module")
def world(shared_cloud: dict[str, Any]) -> Iterator[World]:
    objects = [f"{team}/{name}" for team in TEAMS for name in ("there", "RUN/manifest.json")]
    made = World(shared_cloud, "aws-teams", objects=objects, keys=["data", *TEAMS])
    for team in TEAMS:
        for identity in Identity:
            policy = workload_policy(
                identity,
                f"{team}/",
                made.bucket_arns,
                data_key_arn=made.key_arns["data"],
                envelope_key_arn=made.key_arns[team],
                s3_condition=THROUGH_S3,
                others_in_buckets=True,
            )
            made.add_user(f"{team}-{identity.value}", policy)
    yield made
    made.remove()


@pytest.mark.parametrize("identity", list(Identity))
@pytest.mark.parametrize(("team", "other"), [TEAMS, TEAMS[::-1]])
def test_no_team_reads_writes_or_removes_what_is_another_s(
    world: World, team: str, other: str, identity: Identity
) -> None:
    s3 = world.client("s3", f"{team}-{identity.value}")

    def requests(bucket: str, prefix: str) -> dict[str, Callable[[], object]]:
        return {
            "get": lambda: s3.get_object(Bucket=bucket, Key=f"{prefix}/there"),
            "get manifest": lambda: s3.get_object(Bucket=bucket, Key=f"{prefix}/RUN/manifest.json"),
            "put": lambda: s3.put_object(Bucket=bucket, Key=f"{prefix}/new", Body=b"x"),
            "delete": lambda: s3.delete_object(Bucket=bucket, Key=f"{prefix}/gone"),
        }

    own_work = 0
    for bucket in world.buckets.values():
        assert not [name for name, request in requests(bucket, other).items() if is_allowed(request)]
        own_work += sum(is_allowed(request) for request in requests(bucket, team).values())
    assert own_work > 0


@pytest.mark.parametrize("identity", list(Identity))
@pytest.mark.parametrize(("team", "other"), [TEAMS, TEAMS[::-1]])
def test_no_team_uses_another_s_key(world: World, team: str, other: str, identity: Identity) -> None:
    kms = world.client("kms", f"{team}-{identity.value}")

    def requests(key: str) -> dict[str, Callable[[], object]]:
        return {
            "encrypt": lambda: kms.encrypt(KeyId=world.key_arns[key], Plaintext=b"x"),
            "decrypt": lambda: kms.decrypt(CiphertextBlob=world.ciphertexts[key]),
            "data key": lambda: kms.generate_data_key(KeyId=world.key_arns[key], KeySpec="AES_256"),
            "describe": lambda: kms.describe_key(KeyId=world.key_arns[key]),
        }

    assert not [name for name, request in requests(other).items() if is_allowed(request)]
    wrapping = {"loader": set(), "training": {"encrypt", "decrypt"}, "serving": {"decrypt"}}[identity.value]
    assert {name for name, request in requests(team).items() if is_allowed(request)} == wrapping


@pytest.fixture(scope="module")
def resources() -> Resources:
    return provision("dev", CHANGES)


def test_the_deployed_policies_are_these(resources: Resources) -> None:
    arns = {purpose: f"arn:aws:s3:::trainyard-dev-{purpose}-123456789012-eu-west-1" for purpose in PURPOSES}
    for team in TEAMS:
        for identity in Identity:
            deployed = resources.one(ROLE_POLICY, f"teams-{team}-{identity.value}").document()
            assert deployed == workload_policy(
                identity,
                f"{team}/",
                arns,
                data_key_arn="arn:aws:mock:::keys-data",
                envelope_key_arn=f"arn:aws:mock:::teams-{team}",
                s3_condition=THROUGH_S3,
                others_in_buckets=True,
            )


def test_a_list_that_names_no_prefix_of_the_team_is_refused(resources: Resources) -> None:
    for team in TEAMS:
        for identity in Identity:
            for statement in resources.one(ROLE_POLICY, f"teams-{team}-{identity.value}").document()["Statement"]:
                if "s3:ListBucket" in statement["Action"]:
                    # Without IfExists: a request that lists everything has no prefix at all.
                    assert statement["Condition"] == {"StringLike": {"s3:prefix": [f"{team}/", f"{team}/*"]}}


def test_the_key_of_the_buckets_is_a_team_s_through_s3_only(resources: Resources) -> None:
    roles = "arn:aws:iam::123456789012:role/trainyard-dev_team-*"
    named = [role.inputs["name"] for role in resources.all("aws:iam/role:Role") if role.name.startswith("teams-")]
    assert len(named) == len(TEAM_SETTINGS) * len(Identity)
    assert all(name.startswith("trainyard-dev_team-") for name in named)
    key = resources.one("aws:kms/key:Key", "keys-data")
    through_s3 = key.statement("UseByTeamsThroughS3")
    assert through_s3["Condition"] == {"ArnLike": {"aws:PrincipalArn": roles}, "StringEquals": THROUGH_S3}
    assert through_s3["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    directly = key.statement("UseByRolesOfTheStack")
    assert directly["Condition"]["ArnNotLike"] == {"aws:PrincipalArn": roles}
    for team in TEAMS:
        for identity in Identity:
            policy = resources.one(ROLE_POLICY, f"teams-{team}-{identity.value}").document()
            (use,) = (each for each in policy["Statement"] if each["Resource"] == "arn:aws:mock:::keys-data")
            assert use["Condition"] == {"StringEquals": THROUGH_S3}


def test_a_team_s_key_is_for_its_own_roles_by_their_full_names(resources: Resources) -> None:
    for team in ("vision", "vision-2"):
        key = resources.one("aws:kms/key:Key", f"teams-{team}")
        assert resources.one("aws:kms/alias:Alias", f"teams-{team}").inputs["name"] == (
            f"alias/trainyard-dev/team-{team}"
        )
        assert key.inputs["enableKeyRotation"] is True
        use = key.statement("WrapByRolesOfTheTeam")
        assert use["Condition"]["ArnEquals"]["aws:PrincipalArn"] == [
            f"arn:aws:iam::123456789012:role/trainyard-dev_team-{team}-{identity.value}" for identity in Identity
        ]
        assert [each["Sid"] for each in key.document()["Statement"]] == ["Administer", "WrapByRolesOfTheTeam"]


def test_a_team_s_roles_are_taken_in_its_own_namespace(resources: Resources) -> None:
    for identity in Identity:
        association = resources.one(
            "aws:eks/podIdentityAssociation:PodIdentityAssociation", f"teams-vision-{identity.value}"
        )
        assert (association.inputs["namespace"], association.inputs["serviceAccount"]) == ("vision", identity.value)
        role = resources.one("aws:iam/role:Role", f"teams-vision-{identity.value}")
        assert role.inputs["name"] == f"trainyard-dev_team-vision-{identity.value}"
        condition = role.statement("PodIdentity", "assumeRolePolicy")["Condition"]["StringEquals"]
        assert condition["aws:RequestTag/kubernetes-namespace"] == "vision"


def test_people_of_a_team_get_its_group_and_no_right_of_eks(resources: Resources) -> None:
    entries = {
        each.inputs["principalArn"]: each.inputs["kubernetesGroups"]
        for each in resources.all("aws:eks/accessEntry:AccessEntry")
        if "kubernetesGroups" in each.inputs
    }
    assert {arn: sorted(groups) for arn, groups in entries.items()} == {
        PEOPLE: ["trainyard:vision"],
        LEAD: ["trainyard:speech", "trainyard:vision"],
    }
    associated = resources.all("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert not {each.inputs["principalArn"] for each in associated} & entries.keys()


def test_the_programs_own_team_is_where_it_was() -> None:
    resources = provision("dev", {"kubernetes.team": "vision", "kubernetes.teams": {"vision": {"gpus": 2}}})
    assert not [each for each in resources.registered if each.name.startswith("teams")]
    association = resources.one("aws:eks/podIdentityAssociation:PodIdentityAssociation", "identity-training")
    assert association.inputs["namespace"] == "vision"
    assert "digits/" in json.dumps(resources.one(ROLE_POLICY, "identity-training").document())


def test_a_team_cannot_be_named_like_the_place_of_the_programs_own_workload() -> None:
    with pytest.raises(pulumi.RunError, match=r"trainyard:kubernetes\.teams\.digits: must have another name: digits/"):
        provision("dev", {"kubernetes.teams": {"digits": {}}})
