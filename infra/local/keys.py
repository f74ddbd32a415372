"""The KMS key that encrypts the buckets and wraps the keys of envelope encryption.

One symmetric key with yearly rotation, found by its alias. Its policy leaves permissions to IAM, where each identity
is given only the operations that it needs; see `identity`.
"""

import json
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult
from typing_extensions import override

from infra.local.cloud import CloudResourceProvider, client, error_code
from infra.local.provider import Properties, without_provider

DELETION_DAYS = 7
"""Days that a deleted key can still be rescued: the shortest that KMS allows."""


def key_policy(account: str) -> dict[str, Any]:
    """The account's IAM policies decide who may use the key."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "IamDecides",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }


class KeyProvider(CloudResourceProvider):
    """A KMS key and its alias."""

    kind = "encryption key"
    updated_in_place = frozenset({"tags"})

    @override
    def create(self, props: dict[str, Any]) -> CreateResult:
        kms = client("kms", props)
        found = self.find(props)
        arn = self._without_alias(props) if found is None else found[1]["arn"]
        if arn is None:
            arn = kms.create_key(
                Description=f"Encrypts the buckets and the models of {props['alias'].removeprefix('alias/')}",
                Policy=json.dumps(key_policy(props["account"])),
                Tags=_tags(props),
            )["KeyMetadata"]["Arn"]
        kms.enable_key_rotation(KeyId=arn)
        if found is None:
            kms.create_alias(AliasName=props["alias"], TargetKeyId=arn)
        return CreateResult(props["alias"], _outputs(props, arn))

    @override
    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        client("kms", news).tag_resource(KeyId=olds["arn"], Tags=_tags(news))
        return UpdateResult(_outputs(news, olds["arn"]))

    @override
    def find(self, props: Properties) -> tuple[str, dict[str, Any]] | None:
        try:
            key = client("kms", props).describe_key(KeyId=props["alias"])["KeyMetadata"]
        except Exception as error:
            if error_code(error) == "NotFoundException":
                return None
            raise
        return (props["alias"], _outputs(props, key["Arn"])) if key["KeyState"] == "Enabled" else None

    @override
    def missing(self, id_: str, olds: Properties) -> str | None:
        found = self.find(olds)
        return None if found is not None and found[1]["arn"] == olds["arn"] else "it was deleted"

    @override
    def remove(self, id_: str, props: Properties) -> None:
        kms = client("kms", props)
        try:
            kms.delete_alias(AliasName=props["alias"])
        except Exception as error:
            if error_code(error) != "NotFoundException":
                raise
        try:
            key = kms.describe_key(KeyId=props["arn"])["KeyMetadata"]
            if key["KeyState"] != "PendingDeletion":
                kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=DELETION_DAYS)
        except Exception as error:
            if error_code(error) != "NotFoundException":
                raise

    def _without_alias(self, props: Properties) -> str | None:
        """The key of a create that was killed before it had named the key."""
        kms = client("kms", props)
        for key in kms.list_keys()["Keys"]:
            metadata = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]}
            if metadata["KeyState"] == "Enabled" and tags.get("name") == props["alias"]:
                return str(metadata["Arn"])
        return None


class Key(Resource, module="local", name="Key"):
    """A KMS key with an alias."""

    arn: pulumi.Output[str]
    uri: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        alias: str,
        connection: dict[str, pulumi.Output[str]],
        account: pulumi.Input[str],
        tags: dict[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """:param alias: Name of the key, `alias/…`."""
        props = {**connection, "alias": alias, "account": account, "tags": tags, "arn": None, "uri": None}
        secret = pulumi.ResourceOptions(additional_secret_outputs=["secret_access_key"])
        super().__init__(KeyProvider(), name, props, pulumi.ResourceOptions.merge(opts, secret))


def _tags(props: Properties) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in {"name": props["alias"], **props["tags"]}.items()]


def _outputs(props: Properties, arn: str) -> dict[str, Any]:
    return {**without_provider(props), "arn": arn, "uri": f"aws-kms://{arn}"}
