"""Identities: each may do its own work, and is refused what the others may do."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from infra.local.cloud import client
from infra.local.identity import IdentityProvider, policy_document
from infra.local.keys import KeyProvider
from infra.local.platform import PURPOSES
from infra.local.storage import BucketProvider, bucket_name
from infra.platform import Identity
from infra.s3_grants import KEY_GRANTS
from infra.workload_grants import GRANTS
from tests.infra.iam_answers import is_allowed
from tests.infra.local.support import TAGS, make_bucket

PREFIX = "digits/"
BUCKETS = {purpose: f"identities-{purpose}" for purpose in PURPOSES}


class World:
    """Three identities with four buckets and a key."""

    def __init__(self, connection: dict[str, Any], account: str) -> None:
        self.connection = connection
        self._key = KeyProvider().create({**connection, "alias": "alias/identities", "account": account, "tags": TAGS})
        self.key_arn = (self._key.outs or {})["arn"]
        self._buckets = [make_bucket(connection, name, self.key_arn) for name in BUCKETS.values()]
        self._made: dict[str, dict[str, Any]] = {}
        arns = {purpose: f"arn:aws:s3:::{name}" for purpose, name in BUCKETS.items()}
        for identity in Identity:
            policy = policy_document(identity.value, PREFIX, arns, self.key_arn)
            props = {**connection, "user": f"identities-{identity}", "policy": policy, "account": account, "tags": TAGS}
            self._made[identity.value] = IdentityProvider().create(props).outs or {}
        administrator = client("s3", connection)
        for name in BUCKETS.values():
            for path in ("there", "RUN/manifest.json", "RUN/model.onnx.tink"):
                administrator.put_object(Bucket=name, Key=PREFIX + path, Body=b"x")
            administrator.put_object(Bucket=name, Key="other/there", Body=b"x")
        blob = client("kms", connection).encrypt(KeyId=self.key_arn, Plaintext=b"data key")
        self.ciphertext = blob["CiphertextBlob"]

    def client(self, service: str, identity: str) -> Any:
        made = self._made[identity]
        own = {"access_key_id": made["own_access_key_id"], "secret_access_key": made["own_secret_access_key"]}
        return client(service, {**self.connection, **own})

    def environment(self, identity: str) -> dict[str, str]:
        made = self._made[identity]
        return {
            "AWS_ENDPOINT_URL": self.connection["endpoint"],
            "AWS_REGION": self.connection["region"],
            "AWS_ACCESS_KEY_ID": made["own_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": made["own_secret_access_key"],
            "AWS_ALLOW_HTTP": "true",
        }

    def remove(self) -> None:
        for made in self._made.values():
            IdentityProvider().delete(made["user"], made)
        for bucket in self._buckets:
            BucketProvider().delete(bucket["bucket"], bucket)
        KeyProvider().delete(self._key.id, self._key.outs or {})


@pytest.fixture(scope="module")
def world(shared_cloud: dict[str, Any]) -> Iterator[World]:
    names = ("endpoint", "region", "instance", "access_key_id", "secret_access_key")
    made = World({name: shared_cloud[name] for name in names}, shared_cloud["account"])
    yield made
    made.remove()


S3_REQUESTS: dict[str, Callable[[Any, str], object]] = {
    "list": lambda s3, bucket: s3.list_objects_v2(Bucket=bucket, Prefix=PREFIX),
    "get": lambda s3, bucket: s3.get_object(Bucket=bucket, Key=f"{PREFIX}there"),
    "get manifest": lambda s3, bucket: s3.get_object(Bucket=bucket, Key=f"{PREFIX}RUN/manifest.json"),
    "get model": lambda s3, bucket: s3.get_object(Bucket=bucket, Key=f"{PREFIX}RUN/model.onnx.tink"),
    "get other": lambda s3, bucket: s3.get_object(Bucket=bucket, Key="other/there"),
    "put": lambda s3, bucket: s3.put_object(Bucket=bucket, Key=f"{PREFIX}new", Body=b"x"),
    "put other": lambda s3, bucket: s3.put_object(Bucket=bucket, Key="other/new", Body=b"x"),
    "delete several": lambda s3, bucket: delete_several(s3, bucket, f"{PREFIX}gone"),
    "delete several others": lambda s3, bucket: delete_several(s3, bucket, f"{PREFIX}gone", "other/there"),
    "delete": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key=f"{PREFIX}gone"),
    "versions": lambda s3, bucket: s3.list_object_versions(Bucket=bucket),
    "remove bucket": lambda s3, bucket: s3.delete_bucket(Bucket=bucket),
    "open bucket": lambda s3, bucket: s3.delete_public_access_block(Bucket=bucket),
}
ALL_GETS = {"list", "get", "get manifest", "get model"}
ALLOWED = {
    ("loader", "datasets"): {*ALL_GETS, "put"},
    ("training", "datasets"): ALL_GETS,
    ("training", "checkpoints"): {*ALL_GETS, "put", "delete", "delete several"},
    ("training", "models"): {"list", "get manifest", "put"},
    ("serving", "models"): ALL_GETS,
}


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("identity", list(Identity))
def test_each_may_do_its_work_in_a_bucket_and_nothing_else(world: World, identity: Identity, purpose: str) -> None:
    s3 = world.client("s3", identity.value)
    may = {name for name, request in S3_REQUESTS.items() if is_allowed(partial(request, s3, BUCKETS[purpose]))}
    assert may == ALLOWED.get((identity.value, purpose), set())


@pytest.mark.parametrize("identity", list(Identity))
def test_each_may_use_the_key_as_far_as_it_needs_it(world: World, identity: Identity) -> None:
    kms = world.client("kms", identity.value)
    requests: dict[str, Callable[[], object]] = {
        "kms:Encrypt": lambda: kms.encrypt(KeyId=world.key_arn, Plaintext=b"x"),
        "kms:Decrypt": lambda: kms.decrypt(KeyId=world.key_arn, CiphertextBlob=world.ciphertext),
        "kms:GenerateDataKey": lambda: kms.generate_data_key(KeyId=world.key_arn, KeySpec="AES_256"),
        "kms:ScheduleKeyDeletion": lambda: kms.schedule_key_deletion(KeyId=world.key_arn),
        "kms:PutKeyPolicy": lambda: kms.put_key_policy(KeyId=world.key_arn, PolicyName="default", Policy="{}"),
        "kms:CreateKey": lambda: kms.create_key(),
    }
    assert {name for name, request in requests.items() if is_allowed(request)} == set(KEY_GRANTS[identity.value])


@pytest.mark.parametrize("identity", list(Identity))
def test_none_may_administer(world: World, identity: Identity) -> None:
    iam = world.client("iam", identity.value)
    assert not is_allowed(lambda: iam.list_users())
    assert not is_allowed(lambda: iam.create_access_key(UserName="administrator"))
    assert not is_allowed(lambda: world.client("s3", identity.value).list_buckets())


def test_the_workloads_own_client_is_held_to_the_same(world: World) -> None:
    """Object storage as the workloads use it: another library, other requests."""
    program = """
        import json, sys
        from obstore.store import S3Store
        import obstore
        store = S3Store.from_url(f"s3://{sys.argv[1]}/digits", client_options={"allow_http": True})
        obstore.put(store, "workload/one", b"1" * 6_000_000)
        assert bytes(obstore.get(store, "workload/one").bytes()) == b"1" * 6_000_000
        assert [item["path"] for page in obstore.list(store, "workload") for item in page] == ["workload/one"]
        obstore.delete(store, "workload/one")
        """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    environment = world.environment("training")
    subprocess.run([*command, BUCKETS["checkpoints"]], env=environment, check=True)
    refused = subprocess.run(
        [*command, BUCKETS["datasets"]], env=environment, capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "AccessDenied" in refused.stderr or "403" in refused.stderr


def test_a_second_create_leaves_one_key_and_the_old_one_is_worth_nothing(connection: dict[str, Any]) -> None:
    props = {**connection, "user": "twice", "policy": policy("twice"), "account": "123456789012", "tags": TAGS}
    provider = IdentityProvider()
    first, second = provider.create(props).outs or {}, provider.create(props).outs or {}
    assert len(client("iam", connection).list_access_keys(UserName="twice")["AccessKeyMetadata"]) == 1
    old = {"access_key_id": first["own_access_key_id"], "secret_access_key": first["own_secret_access_key"]}
    with pytest.raises(ClientError):
        client("s3", {**connection, **old}).list_buckets()
    assert provider.diff("twice", first, props).replaces
    assert not provider.diff("twice", second, props).changes
    # What a killed create has left is found; its secret is not, so it is made again.
    found = provider.read("", props)
    assert (found.id, provider.diff("twice", found.outs or {}, props).replaces) == ("twice", ["gone"])
    provider.delete("twice", second)
    provider.delete("twice", second)
    assert provider.read("", props).id == ""


def test_a_policy_is_changed_in_place(connection: dict[str, Any]) -> None:
    props = {**connection, "user": "changed", "policy": policy("a"), "account": "123456789012", "tags": TAGS}
    provider = IdentityProvider()
    outs = provider.create(props).outs or {}
    changed = {**props, "policy": policy("b")}
    difference = provider.diff("changed", outs, changed)
    assert (difference.changes, difference.replaces) == (True, [])
    updated = provider.update("changed", outs, changed).outs or {}
    assert updated["own_secret_access_key"] == outs["own_secret_access_key"]
    stored = client("iam", connection).get_user_policy(UserName="changed", PolicyName="workload")["PolicyDocument"]
    assert (stored if isinstance(stored, dict) else json.loads(stored)) == policy("b")
    provider.delete("changed", updated)


def test_no_policy_has_a_wildcard_operation_or_bucket() -> None:
    arns = {purpose: f"arn:aws:s3:::b-{purpose}" for purpose in PURPOSES}
    for identity in GRANTS:
        for statement in policy_document(identity, "digits/", arns, "arn:aws:kms:r:a:key/k")["Statement"]:
            assert not [action for action in statement["Action"] if "*" in action]
            assert statement["Resource"].removesuffix("*").removesuffix("/manifest.json").count("*") <= 1
            assert statement["Resource"].startswith((*arns.values(), "arn:aws:kms:r:a:key/k"))


@given(st.text(min_size=1, max_size=100), st.text(min_size=1, max_size=100), st.sampled_from(PURPOSES))
def test_bucket_names_are_valid_and_tell_stacks_apart(one: str, other: str, purpose: str) -> None:
    import re

    names = [bucket_name("trainyard", stack, purpose) for stack in (one, other)]
    for name in names:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name)
    assert (names[0] == names[1]) == (one == other)


def delete_several(s3: Any, bucket: str, *keys: str) -> None:
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    if errors := answer.get("Errors"):
        raise ClientError({"Error": {"Code": errors[0]["Code"]}}, "DeleteObjects")


def policy(name: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": f"arn:aws:s3:::{name}"}
    return {"Version": "2012-10-17", "Statement": [statement]}
