"""Teams on Google Cloud: what keeps one from the other's objects and its key.

Roles and conditions are those that are deployed; what Google would answer is told by a stand-in for its evaluation.
"""

import pulumi
import pytest

from infra.platform import Identity
from tests.infra.gcp.conditions import get, list_objects
from tests.infra.gcp.roles import PERMISSIONS, may
from tests.infra.recorder import Registered, Resources, provision

TEAMS = ("speech", "vision", "vision-2")
PURPOSES = ("checkpoints", "datasets", "logs", "models")
MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember"
KEY_MEMBER = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"
ACCOUNT = "gcp:serviceaccount/account:Account"

pytestmark = pytest.mark.xdist_group("gcp platforms")


@pytest.fixture(scope="module")
def resources() -> Resources:
    return provision("gcp-dev", {"kubernetes.teams": {"speech": {}, "vision": {"gpus": 4}, "vision-2": {}}})


def member(resources: Resources, team: str, identity: Identity) -> str:
    account = resources.one(ACCOUNT, f"teams-{team}-{identity.value}").inputs["accountId"]
    return f"serviceAccount:{account}@ml-platform-example.iam.gserviceaccount.com"


def grants(resources: Resources, team: str, identity: Identity, bucket: str) -> list[Registered]:
    whose = (member(resources, team, identity), bucket)
    return [each for each in resources.all(MEMBER) if (each.inputs["member"], each.inputs["bucket"]) == whose]


@pytest.mark.parametrize("identity", list(Identity))
@pytest.mark.parametrize("team", TEAMS)
def test_no_team_reads_makes_or_removes_what_is_another_s(resources: Resources, team: str, identity: Identity) -> None:
    permissions = set().union(*PERMISSIONS.values()) - {"storage.objects.list"}
    own_work = 0
    for purpose in PURPOSES:
        bucket = f"trainyard-gcp-dev-{purpose}-ml-platform-example"
        own = grants(resources, team, identity, bucket)
        for other in {*TEAMS, "digits", "trainyard"} - {team}:
            for name in (f"{other}/there", f"{other}/RUN/manifest.json"):
                assert not [each for each in permissions if may(own, each, get(bucket, name))]
        own_work += sum(may(own, each, get(bucket, f"{team}/RUN/manifest.json")) for each in permissions)
    assert own_work > 0


def test_a_team_lists_the_buckets_that_it_reads_and_no_others(resources: Resources) -> None:
    listed = {
        (identity.value, purpose)
        for identity in Identity
        for purpose in PURPOSES
        for bucket in [f"trainyard-gcp-dev-{purpose}-ml-platform-example"]
        if may(grants(resources, "vision", identity, bucket), "storage.objects.list", list_objects(bucket))
    }
    assert listed == {
        ("loader", "datasets"),
        ("serving", "models"),
        ("training", "checkpoints"),
        ("training", "datasets"),
        ("training", "models"),
    }


def test_a_team_s_key_is_its_own_and_rotates(resources: Resources) -> None:
    keys = {team: resources.one("gcp:kms/cryptoKey:CryptoKey", f"teams-{team}") for team in TEAMS}
    assert len({key.inputs["keyRing"] for key in keys.values()}) == 1
    for team, key in keys.items():
        assert key.inputs["rotationPeriod"] == "7776000s"
        assert key.inputs["labels"]["purpose"] == f"envelope-encryption-of-{team}"
        identifier = f"/cryptoKeys/teams-{team}-1a2b3c4"
        used_by = {
            (each.inputs["member"], each.inputs["role"])
            for each in resources.all(KEY_MEMBER)
            if each.inputs["cryptoKeyId"].endswith(identifier)
        }
        assert used_by == {
            (member(resources, team, Identity.TRAINING), "roles/cloudkms.cryptoKeyEncrypter"),
            (member(resources, team, Identity.TRAINING), "roles/cloudkms.cryptoKeyDecrypter"),
            (member(resources, team, Identity.SERVING), "roles/cloudkms.cryptoKeyDecrypter"),
        }


def test_no_team_has_a_right_on_the_key_of_the_buckets(resources: Resources) -> None:
    of_teams = {member(resources, team, identity) for team in TEAMS for identity in Identity}
    on_data = [each for each in resources.all(KEY_MEMBER) if "/cryptoKeys/keys-data" in each.inputs["cryptoKeyId"]]
    assert not {each.inputs["member"] for each in on_data} & of_teams


def test_a_team_s_accounts_are_acted_as_from_its_own_namespace(resources: Resources) -> None:
    accounts = set()
    for team in TEAMS:
        for identity in Identity:
            name = f"teams-{team}-{identity.value}"
            account = resources.one(ACCOUNT, name).inputs["accountId"]
            assert 6 <= len(account) <= 30
            accounts.add(account)
            grant = resources.one("gcp:serviceaccount/iAMMember:IAMMember", name)
            assert grant.inputs["member"] == f"serviceAccount:ml-platform-example.svc.id.goog[{team}/{identity.value}]"
            assert account in grant.inputs["serviceAccountId"]
    assert len(accounts) == len(TEAMS) * len(Identity)


def test_the_programs_own_team_is_where_it_was() -> None:
    resources = provision("gcp-dev", {"kubernetes.team": "vision", "kubernetes.teams": {"vision": {"gpus": 2}}})
    assert not [each for each in resources.registered if each.name.startswith("teams")]
    grant = resources.one("gcp:serviceaccount/iAMMember:IAMMember", "identity-training")
    assert grant.inputs["member"].endswith("[vision/training]")
    [checkpoints] = [
        each
        for each in resources.all(MEMBER)
        if each.name.startswith("identity-training-checkpoints") and not each.name.endswith("-list")
    ]
    assert "/objects/digits/" in checkpoints.inputs["condition"]["expression"]


def test_a_team_cannot_be_named_like_the_place_of_the_programs_own_workload() -> None:
    with pytest.raises(pulumi.RunError, match=r"trainyard:kubernetes\.teams\.digits: must have another name: digits/"):
        provision("gcp-dev", {"kubernetes.teams": {"digits": {}}})
