"""The workloads' service accounts: who may act as them, and what they then may do.

Roles and conditions are those that are deployed; what Google would answer is told by a stand-in for its evaluation
(`conditions`) with the permissions of its roles (`roles`).
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.gcp.workload_roles import BucketRole, bucket_roles, condition
from infra.platform import Identity
from infra.workload_grants import GRANTS, Grant, Use
from tests.infra.gcp.conditions import get, holds, list_objects
from tests.infra.gcp.roles import PERMISSIONS, expressions, may
from tests.infra.recorder import Registered, Resources, provision

MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember"
KEY_MEMBER = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"
ACCOUNT = "gcp:serviceaccount/account:Account"
PURPOSES = ("checkpoints", "datasets", "logs", "models", "access")

pytestmark = pytest.mark.xdist_group("gcp platforms")


@pytest.fixture(params=["gcp-dev", "gcp-prod"])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def resources(stack: str) -> Resources:
    return provision(stack)


def grants(resources: Resources, account: str, bucket: str) -> list[Registered]:
    member = f"serviceAccount:{account}@ml-platform-example.iam.gserviceaccount.com"
    return [
        each for each in resources.all(MEMBER) if (each.inputs["member"], each.inputs["bucket"]) == (member, bucket)
    ]


REQUESTS = {
    # What obstore asks for: IAM permissions for XML requests.
    "list": ("storage.objects.list", "digits/"),
    "get": ("storage.objects.get", "digits/there"),
    "get manifest": ("storage.objects.get", "digits/RUN/manifest.json"),
    "get other": ("storage.objects.get", "other/there"),
    "get manifest of other": ("storage.objects.get", "other/RUN/manifest.json"),
    "put": ("storage.objects.create", "digits/new"),
    "put parts": ("storage.multipartUploads.create", "digits/new"),
    "give up parts": ("storage.multipartUploads.abort", "digits/new"),
    "put other": ("storage.objects.create", "other/new"),
    "replace": ("storage.objects.delete", "digits/there"),
    "replace manifest": ("storage.objects.delete", "digits/RUN/manifest.json"),
    "remove other": ("storage.objects.delete", "other/there"),
}
READS = {"list", "get", "get manifest"}
MAKES = {"put", "put parts", "give up parts"}
ALLOWED = {
    ("loader", "datasets"): {*READS, *MAKES, "replace", "replace manifest"},
    ("training", "datasets"): READS,
    ("training", "checkpoints"): {*READS, *MAKES, "replace", "replace manifest"},
    ("training", "models"): {*MAKES, "list", "get manifest", "replace manifest"},
    ("serving", "models"): READS,
}


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("identity", list(Identity))
def test_each_may_do_its_work_in_a_bucket_and_nothing_else(
    stack: str, resources: Resources, identity: Identity, purpose: str
) -> None:
    bucket = f"trainyard-{stack}-{purpose}-ml-platform-example"
    own = grants(resources, f"trainyard-{stack}-{identity.value}", bucket)
    allowed = set()
    for request, (permission, name) in REQUESTS.items():
        about = list_objects(bucket) if permission.endswith(".list") else get(bucket, name)
        allowed |= {request} if may(own, permission, about) else set()
    assert allowed == ALLOWED.get((identity.value, purpose), set())


def test_every_grant_is_on_one_bucket_for_one_prefix_or_for_the_names_alone(stack: str, resources: Resources) -> None:
    accounts = {f"trainyard-{stack}-{identity.value}@" for identity in Identity}
    own = [each for each in resources.all(MEMBER) if any(account in each.inputs["member"] for account in accounts)]
    assert len(own) == 11
    written = list(expressions(own))
    assert len(written) == len(own)
    names_alone = 'resource.type == "storage.googleapis.com/Bucket"'
    assert all("/objects/digits/" in each for each in written if each != names_alone)
    assert written.count(names_alone) == sum("list" in allowed for allowed in ALLOWED.values())
    assert {each.inputs["role"] for each in own} == set(PERMISSIONS)
    project_wide = resources.all("gcp:projects/iAMMember:IAMMember")
    assert not [each.name for each in project_wide if any(account in each.inputs["member"] for account in accounts)]


@pytest.mark.parametrize(
    ("identity", "roles"),
    [
        (Identity.LOADER, []),
        (Identity.TRAINING, ["roles/cloudkms.cryptoKeyDecrypter", "roles/cloudkms.cryptoKeyEncrypter"]),
        (Identity.SERVING, ["roles/cloudkms.cryptoKeyDecrypter"]),
    ],
)
def test_each_uses_the_key_for_envelope_encryption_only(
    stack: str, resources: Resources, identity: Identity, roles: list[str]
) -> None:
    address = f"trainyard-{stack}-{identity.value}@ml-platform-example.iam.gserviceaccount.com"
    own = [each for each in resources.all(KEY_MEMBER) if each.inputs["member"] == f"serviceAccount:{address}"]
    assert sorted(each.inputs["role"] for each in own) == roles
    assert all("/cryptoKeys/keys-data" in each.inputs["cryptoKeyId"] for each in own)


def test_an_account_is_acted_as_by_one_kubernetes_service_account(stack: str, resources: Resources) -> None:
    for identity in Identity:
        grant = resources.one("gcp:serviceaccount/iAMMember:IAMMember", f"identity-{identity.value}")
        assert grant.inputs["role"] == "roles/iam.workloadIdentityUser"
        assert grant.inputs["member"] == f"serviceAccount:ml-platform-example.svc.id.goog[trainyard/{identity.value}]"
        assert grant.inputs["serviceAccountId"].endswith(
            f"trainyard-{stack}-{identity.value}@ml-platform-example.iam.gserviceaccount.com"
        )


def test_no_account_has_a_key_and_every_one_has_a_valid_name(resources: Resources) -> None:
    assert not resources.all("gcp:serviceaccount/key:Key")
    for account in resources.all(ACCOUNT):
        assert 6 <= len(account.inputs["accountId"]) <= 30, account.name


def test_who_may_replace_but_not_read_cannot_be_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRANTS, "loader", (Grant("datasets", (Use.REPLACE,)),))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="who may replace or remove objects may read them as well"):
        bucket_roles("loader")


NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)
PARTS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_./", max_size=30)


@given(NAMES, NAMES, PARTS, st.sampled_from(["*", "*/manifest.json"]))
def test_a_condition_holds_for_the_objects_of_its_prefix_alone(
    prefix: str, other: str, name: str, objects: str
) -> None:
    role = BucketRole("models", "roles/storage.objectViewer", "objects", objects)
    expression = condition(role, "bucket", f"{prefix}/")
    ends = f"/{name}".endswith(objects.removeprefix("*"))
    assert holds(expression, get("bucket", f"{prefix}/{name}")) is ends
    assert not holds(expression, get("bucket-2", f"{prefix}/{name}"))
    assert not holds(expression, list_objects("bucket"))
    if other != prefix:
        assert not holds(expression, get("bucket", f"{other}/{name}"))


@given(NAMES, PARTS)
def test_who_lists_is_told_names_and_reads_nothing_by_that(prefix: str, name: str) -> None:
    role = BucketRole("models", "roles/storage.objectViewer", "list", "")
    expression = condition(role, "bucket", f"{prefix}/")
    assert holds(expression, list_objects("bucket"))
    assert not holds(expression, get("bucket", f"{prefix}/{name}"))


@pytest.mark.parametrize(
    "about", ["", 'resource.type == "storage.googleapis.com/Object" && ', 'resource.name == "none" && ']
)
def test_what_a_request_lists_is_not_asked_by_a_role_s_condition(about: str) -> None:
    """Cloud Storage fails on it. Source: IAM, "Attribute reference for IAM Conditions", Cloud Storage attributes."""
    asked = 'api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith("digits/")'
    with pytest.raises(AssertionError, match="none of a role's condition"):
        holds(about + asked, list_objects("bucket"))
