"""Buckets, keys and users in a cloud that enforces policies: moto, which knows no conditions of those used here."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
from botocore.config import Config

PURPOSES = ("datasets", "checkpoints", "models", "logs")


class World:
    """A bucket for each purpose with the same objects in each, and a key for each name."""

    def __init__(self, cloud: Mapping[str, Any], label: str, *, objects: Sequence[str], keys: Sequence[str]) -> None:
        self._cloud, self._label = cloud, label
        self._s3, self._iam, kms = self._client("s3"), self._client("iam"), self._client("kms")
        self.buckets = {purpose: f"{label}-{purpose}" for purpose in PURPOSES}
        self.bucket_arns = {purpose: f"arn:aws:s3:::{name}" for purpose, name in self.buckets.items()}
        for name in self.buckets.values():
            self._s3.create_bucket(Bucket=name)
            for each in objects:
                self._s3.put_object(Bucket=name, Key=each, Body=b"x")
        self.key_arns = {name: kms.create_key()["KeyMetadata"]["Arn"] for name in keys}
        self.ciphertexts = {
            name: kms.encrypt(KeyId=arn, Plaintext=b"data key")["CiphertextBlob"] for name, arn in self.key_arns.items()
        }
        self._users: dict[str, Mapping[str, str]] = {}

    def add_user(self, name: str, policy: Mapping[str, Any]) -> None:
        """A user who may do what a policy says."""
        user = f"{self._label}-{name}"
        self._iam.create_user(UserName=user)
        self._iam.put_user_policy(UserName=user, PolicyName="role", PolicyDocument=json.dumps(policy))
        self._users[name] = self._iam.create_access_key(UserName=user)["AccessKey"]

    def client(self, service: str, user: str) -> Any:
        """A client that acts as a user."""
        key = self._users[user]
        return self._client(service, key["AccessKeyId"], key["SecretAccessKey"])

    def remove(self) -> None:
        """Takes everything away but the keys, which a cloud keeps."""
        for name in self.buckets.values():
            listed = self._s3.list_objects_v2(Bucket=name).get("Contents", [])
            self._s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": each["Key"]} for each in listed]})
            self._s3.delete_bucket(Bucket=name)
        for name, key in self._users.items():
            user = f"{self._label}-{name}"
            self._iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
            self._iam.delete_user_policy(UserName=user, PolicyName="role")
            self._iam.delete_user(UserName=user)

    def _client(self, service: str, key_id: str | None = None, secret: str | None = None) -> Any:
        return boto3.client(
            service,
            endpoint_url=self._cloud["endpoint"],
            region_name=self._cloud["region"],
            aws_access_key_id=key_id or self._cloud["access_key_id"],
            aws_secret_access_key=secret or self._cloud["secret_access_key"],
            config=Config(retries={"total_max_attempts": 1}),
        )
