"""The workloads' roles: who may take them, and what they then may do, enforced by moto and read from the policies.

moto ignores the conditions used here, so what they add is read from the policies: that a list is of the own prefix, and
that what only S3 needs of the key only S3 may do.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from infra.aws.identity import workload_policy
from infra.platform import Identity
from tests.infra.aws.iam_world import PURPOSES, World
from tests.infra.iam_answers import is_allowed
from tests.infra.recorder import Resources, provision

ROLE = "aws:iam/role:Role"
THROUGH_S3 = {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}

pytestmark = pytest.mark.xdist_group("aws platforms")


def own_policy(identity: Identity, bucket_arns: Mapping[str, str], key_arn: str) -> dict[str, Any]:
    """The policy of an identity of the program's own workload, whose one key encrypts buckets and wraps keys."""
    return workload_policy(
        identity,
        "digits/",
        bucket_arns,
        data_key_arn=key_arn,
        envelope_key_arn=key_arn,
        s3_condition=THROUGH_S3,
    )


@pytest.fixture(scope="module")
def world(shared_cloud: dict[str, Any]) -> Iterator[World]:
    objects = ("digits/there", "digits/RUN/manifest.json", "other/there")
    made = World(shared_cloud, "aws-identity", objects=objects, keys=["data"])
    for identity in Identity:
        made.add_user(identity, own_policy(identity, made.bucket_arns, made.key_arns["data"]))
    yield made
    made.remove()


REQUESTS: dict[str, Callable[[Any, str], object]] = {
    "list": lambda s3, bucket: s3.list_objects_v2(Bucket=bucket, Prefix="digits/"),
    "get": lambda s3, bucket: s3.get_object(Bucket=bucket, Key="digits/there"),
    "get manifest": lambda s3, bucket: s3.get_object(Bucket=bucket, Key="digits/RUN/manifest.json"),
    "get other": lambda s3, bucket: s3.get_object(Bucket=bucket, Key="other/there"),
    "put": lambda s3, bucket: s3.put_object(Bucket=bucket, Key="digits/new", Body=b"x"),
    "put other": lambda s3, bucket: s3.put_object(Bucket=bucket, Key="other/new", Body=b"x"),
    "delete": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key="digits/gone"),
    "remove bucket": lambda s3, bucket: s3.delete_bucket(Bucket=bucket),
    "change policy": lambda s3, bucket: s3.put_bucket_policy(Bucket=bucket, Policy="{}"),
}
ALLOWED = {
    ("loader", "datasets"): {"list", "get", "get manifest", "put"},
    ("training", "datasets"): {"list", "get", "get manifest"},
    ("training", "checkpoints"): {"list", "get", "get manifest", "put", "delete"},
    ("training", "models"): {"list", "get manifest", "put"},
    ("serving", "models"): {"list", "get", "get manifest"},
}


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("identity", list(Identity))
def test_each_may_do_its_work_in_a_bucket_and_nothing_else(world: World, identity: Identity, purpose: str) -> None:
    s3, bucket = world.client("s3", identity), world.buckets[purpose]
    may = {name for name, request in REQUESTS.items() if is_allowed(partial(request, s3, bucket))}
    assert may == ALLOWED.get((identity.value, purpose), set())


@pytest.mark.parametrize(
    ("identity", "allowed"),
    [
        (Identity.LOADER, {"decrypt", "data key"}),
        (Identity.TRAINING, {"encrypt", "decrypt", "data key"}),
        (Identity.SERVING, {"decrypt"}),
    ],
)
def test_each_may_use_the_key_as_far_as_it_needs_it(world: World, identity: Identity, allowed: set[str]) -> None:
    kms = world.client("kms", identity)
    requests: dict[str, Callable[[], object]] = {
        "encrypt": lambda: kms.encrypt(KeyId=world.key_arns["data"], Plaintext=b"x"),
        "decrypt": lambda: kms.decrypt(CiphertextBlob=world.ciphertexts["data"]),
        "data key": lambda: kms.generate_data_key(KeyId=world.key_arns["data"], KeySpec="AES_256"),
        "delete": lambda: kms.schedule_key_deletion(KeyId=world.key_arns["data"]),
        "grant": lambda: kms.create_grant(KeyId=world.key_arns["data"], GranteePrincipal="x", Operations=["Decrypt"]),
    }
    assert {name for name, request in requests.items() if is_allowed(request)} == allowed


@pytest.fixture(params=["dev", "prod"])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def resources(stack: str) -> Resources:
    return provision(stack)


def test_the_deployed_policies_are_these_for_the_stacks_own_buckets_and_key(stack: str, resources: Resources) -> None:
    arns = {purpose: f"arn:aws:s3:::trainyard-{stack}-{purpose}-123456789012-eu-west-1" for purpose in PURPOSES}
    for identity in Identity:
        deployed = resources.one("aws:iam/rolePolicy:RolePolicy", f"identity-{identity.value}").document()
        assert deployed == own_policy(identity, arns, "arn:aws:mock:::keys-data")
        for statement in deployed["Statement"]:
            if "s3:ListBucket" in statement["Action"]:
                assert statement["Condition"] == {"StringLikeIfExists": {"s3:prefix": ["digits/", "digits/*"]}}
            if statement["Sid"] == "KeyThroughS3":
                assert statement["Condition"] == {"StringEquals": THROUGH_S3}


@pytest.mark.parametrize(
    ("identity", "directly"),
    [
        (Identity.LOADER, set()),
        (Identity.TRAINING, {"kms:Encrypt", "kms:Decrypt"}),
        (Identity.SERVING, {"kms:Decrypt"}),
    ],
)
def test_each_uses_the_key_by_itself_for_envelope_encryption_only(
    resources: Resources, identity: Identity, directly: set[str]
) -> None:
    statements = resources.one("aws:iam/rolePolicy:RolePolicy", f"identity-{identity.value}").document()["Statement"]
    about_the_key = [each for each in statements if each["Resource"] == "arn:aws:mock:::keys-data"]
    assert {action for each in about_the_key if "Condition" not in each for action in each["Action"]} == directly


def test_a_role_is_taken_by_one_service_account_of_this_cluster(stack: str, resources: Resources) -> None:
    for identity in Identity:
        trust = resources.one(ROLE, f"identity-{identity.value}").statement("PodIdentity", "assumeRolePolicy")
        assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession"]
        assert trust["Condition"] == {
            "StringEquals": {
                "aws:SourceAccount": "123456789012",
                "aws:RequestTag/eks-cluster-name": f"trainyard-{stack}",
                "aws:RequestTag/kubernetes-namespace": "trainyard",
                "aws:RequestTag/kubernetes-service-account": identity.value,
            },
            "ArnEquals": {"aws:SourceArn": f"arn:aws:eks:eu-west-1:123456789012:cluster/trainyard-{stack}"},
        }
        association = resources.one(
            "aws:eks/podIdentityAssociation:PodIdentityAssociation", f"identity-{identity.value}"
        )
        assert association.inputs["namespace"] == "trainyard"
        assert association.inputs["serviceAccount"] == identity.value
        assert association.inputs["roleArn"] == f"arn:aws:mock:::identity-{identity.value}"


def test_no_role_is_taken_without_a_condition_but_by_the_services_that_know_none(resources: Resources) -> None:
    without = set()
    for role in resources.all(ROLE):
        for statement in role.document("assumeRolePolicy")["Statement"]:
            assert "*" not in json.dumps(statement["Principal"])
            if "Condition" not in statement:
                without.add(statement["Principal"]["Service"])
    assert without == {"ec2.amazonaws.com", "eks.amazonaws.com"}


def test_a_permissions_boundary_is_on_every_role() -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    resources = provision("prod", {"identity.permissions_boundary_arn": boundary, "machine.instance_type": "g5.xlarge"})
    roles = resources.all(ROLE)
    assert len(roles) >= 10
    assert {role.inputs.get("permissionsBoundary") for role in roles} == {boundary}


def test_no_policy_of_the_stack_allows_everything(resources: Resources) -> None:
    for kind in ("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy"):
        for policy in resources.all(kind):
            for statement in policy.document()["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                assert not [action for action in actions if action in ("*",) or action.endswith(":*")], policy.name
                changing = [action for action in actions if not is_read(action)]
                if statement["Resource"] == "*" and statement["Effect"] == "Allow":
                    assert not changing or "Condition" in statement, (policy.name, statement["Sid"])


def is_read(action: str) -> bool:
    return action.split(":")[1].startswith(("Describe", "Get", "List"))
