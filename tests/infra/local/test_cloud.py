"""The cloud's process: who may ask it what, and how its end is noticed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local import process, records
from infra.local.cloud import CloudProvider, client, instance_at
from infra.local.keys import KeyProvider
from infra.local.storage import BucketProvider
from tests.infra.local.support import TAGS, connection_to, make_bucket, nothing_left

ROOT = Path(__file__).parents[3]


def make_cloud(folder: Path, port: int = 0) -> tuple[str, dict[str, Any]]:
    made = CloudProvider().create({"folder": str(folder), "port": port})
    return made.id, made.outs or {}


def kill_cloud(folder: Path) -> None:
    pid = (records.read_record(folder / "cloud" / records.PROCESS) or {})["child"]["pid"]
    os.kill(pid, signal.SIGKILL)
    while process.state_of(folder / "cloud").running:
        pass


def test_only_signed_requests_of_known_keys_are_answered(shared_cloud: dict[str, Any]) -> None:
    for path in ("/", "/moto-api/data.json", "/moto-api/", "/latest/meta-data/", "/bucket/key"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(shared_cloud["endpoint"] + path)  # noqa: S310
    reset = urllib.request.Request(shared_cloud["endpoint"] + "/moto-api/reset-auth", data=b"inf", method="POST")  # noqa: S310
    reset.add_header("Authorization", "anything")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(reset)  # noqa: S310
    for wrong in ({"secret_access_key": "wrong"}, {"access_key_id": "AKIAWRONGWRONGWRONG0"}):
        with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidAccessKeyId"):
            client("s3", {**shared_cloud, **wrong}).list_buckets()


def test_create_twice_adopts_the_one_that_runs(stack_folder: Path) -> None:
    first, second = make_cloud(stack_folder), make_cloud(stack_folder)
    assert first == second
    assert len(process.processes_of(stack_folder)) == 2
    found = CloudProvider().read("", {"folder": str(stack_folder), "port": 0})
    assert (found.id, found.outs) == first
    CloudProvider().delete(*first)
    assert nothing_left(stack_folder / "cloud")
    assert CloudProvider().read("", {"folder": str(stack_folder), "port": 0}).id == ""


@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.6])
def test_a_deployment_killed_while_it_starts_leaves_at_most_one(stack_folder: Path, seconds: float) -> None:
    props = {"folder": str(stack_folder), "port": 0}
    source = f"from infra.local.cloud import CloudProvider; CloudProvider().create({props!r})"
    with subprocess.Popen([sys.executable, "-c", source], cwd=ROOT, stdout=subprocess.DEVNULL) as deployment:
        time.sleep(seconds)
        deployment.kill()
    id_, cloud = make_cloud(stack_folder)
    assert len(process.processes_of(stack_folder)) == 2
    assert client("s3", cloud).list_buckets()["Buckets"] == []
    CloudProvider().delete(id_, cloud)
    assert nothing_left(stack_folder / "cloud")


def test_its_end_takes_everything_with_it_and_is_told_once(
    stack_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    id_, cloud = make_cloud(stack_folder)
    connection = connection_to(cloud)
    key = KeyProvider().create({**connection, "alias": "alias/t", "account": cloud["account"], "tags": TAGS})
    bucket = make_bucket(connection, "t-lost", (key.outs or {})["arn"])
    provider, inputs = CloudProvider(), {"folder": str(stack_folder), "port": 0}
    assert not provider.diff(id_, cloud, inputs).changes
    kill_cloud(stack_folder)
    capsys.readouterr()
    for _ in range(2):
        difference = provider.diff(id_, cloud, inputs)
        assert difference.replaces
        assert difference.delete_before_replace
    assert capsys.readouterr().out.count("its process has ended, and everything that was in it is gone") == 1
    assert BucketProvider().diff("t-lost", bucket, {"bucket": "t-lost"}).replaces
    # Deleting what went with it is no error.
    BucketProvider().delete("t-lost", bucket)
    KeyProvider().delete(key.id, key.outs or {})
    provider.delete(id_, cloud)
    assert nothing_left(stack_folder / "cloud")


def test_a_restart_on_the_same_port_is_another_instance(stack_folder: Path) -> None:
    port = process.free_port()
    id_, cloud = make_cloud(stack_folder, port)
    kill_cloud(stack_folder)
    _, again = make_cloud(stack_folder, port)
    assert (again["endpoint"], instance_at(again["endpoint"])) == (cloud["endpoint"], again["instance"])
    assert CloudProvider().diff(id_, cloud, {"folder": str(stack_folder), "port": port}).replaces
    CloudProvider().delete(id_, again)


def test_a_port_in_use_is_refused_by_check(stack_folder: Path) -> None:
    port = process.free_port()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        failures = CloudProvider().check({}, {"folder": str(stack_folder), "port": port}).failures
        assert [failure.property for failure in failures] == ["port"]
        assert failures[0].reason.startswith(f"trainyard:local.cloud_port = {port}: port {port} is in use by")
    assert CloudProvider().check({}, {"folder": str(stack_folder), "port": port}).failures == []
    # Its own process on it is no problem.
    id_, cloud = make_cloud(stack_folder, port)
    assert CloudProvider().check({}, {"folder": str(stack_folder), "port": port}).failures == []
    CloudProvider().delete(id_, cloud)


def test_the_administrator_is_the_only_user(shared_cloud: dict[str, Any]) -> None:
    users = client("iam", shared_cloud).list_users()["Users"]
    assert "administrator" in [user["UserName"] for user in users]
    keys = client("iam", shared_cloud).list_access_keys(UserName="administrator")["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in keys] == [shared_cloud["access_key_id"]]


def test_a_key_is_made_once_and_named(connection: dict[str, Any], shared_cloud: dict[str, Any]) -> None:
    props = {**connection, "alias": "alias/once", "account": shared_cloud["account"], "tags": TAGS}
    first, second = KeyProvider().create(props), KeyProvider().create(props)
    assert (first.id, first.outs) == (second.id, second.outs)
    kms = client("kms", connection)
    # As a create that was killed between making and naming the key leaves it.
    kms.delete_alias(AliasName="alias/once")
    third = KeyProvider().create(props).outs or {}
    assert third["arn"] == (first.outs or {})["arn"]
    assert kms.get_key_rotation_status(KeyId=third["arn"])["KeyRotationEnabled"]
    assert third["uri"] == f"aws-kms://{third['arn']}"
    KeyProvider().delete("alias/once", third)
    KeyProvider().delete("alias/once", third)
    assert kms.describe_key(KeyId=third["arn"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert KeyProvider().read("", props).id == ""


def test_a_bucket_is_encrypted_versioned_private_and_tagged(connection: dict[str, Any]) -> None:
    arn = client("kms", connection).create_key()["KeyMetadata"]["Arn"]
    outs = make_bucket(connection, "t-protected", arn)
    assert make_bucket(connection, "t-protected", arn) == outs
    s3 = client("s3", connection)
    rule = s3.get_bucket_encryption(Bucket="t-protected")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    assert rule["BucketKeyEnabled"]
    assert s3.get_bucket_versioning(Bucket="t-protected")["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket="t-protected")["PublicAccessBlockConfiguration"].values())
    assert {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket="t-protected")["TagSet"]} == TAGS
    s3.put_object(Bucket="t-protected", Key="a", Body=b"1")
    head = s3.head_object(Bucket="t-protected", Key="a")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", arn)
    BucketProvider().delete("t-protected", outs)


def test_deleting_a_bucket_deletes_every_version(connection: dict[str, Any]) -> None:
    outs = make_bucket(connection, "t-versions", "arn:aws:kms:us-east-1:123456789012:key/k")
    s3 = client("s3", connection)
    for number in range(3):
        s3.put_object(Bucket="t-versions", Key="a", Body=b"%d" % number)
        s3.put_object(Bucket="t-versions", Key=f"b/{number}", Body=b"")
    s3.delete_object(Bucket="t-versions", Key="a")
    BucketProvider().delete("t-versions", outs)
    assert "t-versions" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    BucketProvider().delete("t-versions", outs)


def test_a_bucket_deleted_by_hand_is_noticed(connection: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    outs = make_bucket(connection, "t-removed", "arn:aws:kms:us-east-1:123456789012:key/k")
    inputs = {name: outs[name] for name in (*connection, "bucket", "key_arn", "tags")}
    assert not BucketProvider().diff("t-removed", outs, inputs).changes
    tags_only = BucketProvider().diff("t-removed", outs, {**inputs, "tags": {**TAGS, "owner": "other"}})
    assert (tags_only.changes, tags_only.replaces) == (True, [])
    client("s3", connection).delete_bucket(Bucket="t-removed")
    assert BucketProvider().diff("t-removed", outs, inputs).replaces
    assert "bucket t-removed: it was deleted" in capsys.readouterr().out
    # Without the administrator's secret nobody can be asked: not known is not gone.
    locked = {**outs, "secret_access_key": None}
    assert BucketProvider().loss("t-removed", locked) is None


def test_credentials_reach_no_file(shared_cloud: dict[str, Any]) -> None:
    folder = Path(shared_cloud["folder"])
    secrets = [shared_cloud["secret_access_key"].encode()]
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not [text for text in texts if any(secret in text for secret in secrets)]
    assert json.loads((folder / "cloud" / records.READY).read_text())["instance"] == shared_cloud["instance"]


@pytest.mark.parametrize(
    ("variables", "file"),
    [
        ({"AWS_PROFILE": "no-such-profile"}, "[default]\n"),
        ({"AWS_RETRY_MODE": "no-such-mode"}, "[default]\n"),
        ({}, "this is no configuration\n"),
    ],
    ids=["profile", "variable", "file"],
)
def test_the_user_s_own_aws_configuration_changes_nothing(
    stack_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], file: str
) -> None:
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):
        (tmp_path / ".aws" / name).write_text(file)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {"HOME": str(tmp_path), **variables}.items():
        monkeypatch.setenv(name, value)
    id_, cloud = make_cloud(stack_folder)
    assert client("sts", cloud).get_caller_identity()["Account"] == cloud["account"]
    assert client("s3", cloud).list_buckets()["Buckets"] == []
    CloudProvider().delete(id_, cloud)


def test_boto3_finds_the_cloud_by_environment(shared_cloud: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", shared_cloud["endpoint"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", shared_cloud["region"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", shared_cloud["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", shared_cloud["secret_access_key"])
    assert boto3.Session().client("sts").get_caller_identity()["Account"] == shared_cloud["account"]
