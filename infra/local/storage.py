"""Buckets: encrypted with the stack's key by default, versioned, never public.

Default encryption is SSE-KMS with a bucket key. Versioning keeps what is overwritten. The public-access block stops a
policy or an access-control list from ever opening the bucket. Deleting a bucket deletes every version of what is in it
first.
"""

import hashlib
import re
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult
from typing_extensions import override

from infra.local.cloud import CloudResourceProvider, client, error_code
from infra.local.provider import Properties, without_provider

NOT_PUBLIC = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def bucket_name(project: str, stack: str, purpose: str) -> str:
    """A valid bucket name (3 to 63 of a-z, 0-9 and -) for each purpose of each stack, always the same one.

    Where the stack's name cannot be kept as it is, a digest keeps two stacks apart.
    """
    plain = f"{project}-{stack}-{purpose}"
    name = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if name == plain and len(name) <= 63:
        return name
    digest = hashlib.sha256(plain.encode()).hexdigest()[:8]
    head = name[: 63 - len(purpose) - len(digest) - 2].removesuffix(f"-{purpose}").strip("-")
    return f"{head}-{digest}-{purpose}"


class BucketProvider(CloudResourceProvider):
    """A bucket and what protects it."""

    kind = "bucket"
    updated_in_place = frozenset({"tags"})

    @override
    def create(self, props: dict[str, Any]) -> CreateResult:
        s3, bucket = client("s3", props), props["bucket"]
        if self.find(props) is None:
            s3.create_bucket(Bucket=bucket)
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=NOT_PUBLIC)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        by_key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": props["key_arn"]}
        rule = {"ApplyServerSideEncryptionByDefault": by_key, "BucketKeyEnabled": True}
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
        s3.put_bucket_tagging(Bucket=bucket, Tagging=_tags(props))
        return CreateResult(bucket, self._outputs(props))

    @override
    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        client("s3", news).put_bucket_tagging(Bucket=id_, Tagging=_tags(news))
        return UpdateResult(self._outputs(news))

    @override
    def find(self, props: Properties) -> tuple[str, dict[str, Any]] | None:
        return (props["bucket"], self._outputs(props)) if _created(props) is not None else None

    @override
    def missing(self, id_: str, olds: Properties) -> str | None:
        created = _created(olds)
        if created is None:
            return "it was deleted, and everything that was in it is gone"
        return None if created == olds["created"] else "it was emptied by being made anew"

    @override
    def remove(self, id_: str, props: Properties) -> None:
        s3 = client("s3", props)
        try:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=id_):
                versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
                if objects:
                    s3.delete_objects(Bucket=id_, Delete={"Objects": objects, "Quiet": True})
            s3.delete_bucket(Bucket=id_)
        except Exception as error:
            if error_code(error) not in ("NoSuchBucket", "404"):
                raise

    def _outputs(self, props: Properties) -> dict[str, Any]:
        bucket = props["bucket"]
        return {
            **without_provider(props),
            "uri": f"s3://{bucket}",
            "arn": f"arn:aws:s3:::{bucket}",
            "created": _created(props),
        }


class Bucket(Resource, module="local", name="Bucket"):
    """A bucket."""

    uri: pulumi.Output[str]
    arn: pulumi.Output[str]
    created: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        bucket: str,
        key_arn: pulumi.Input[str],
        connection: dict[str, pulumi.Output[str]],
        tags: dict[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """:param bucket: The bucket's name, see `bucket_name`."""
        outputs = dict.fromkeys(("uri", "arn", "created"), None)
        props = {**connection, "bucket": bucket, "key_arn": key_arn, "tags": tags, **outputs}
        secret = pulumi.ResourceOptions(additional_secret_outputs=["secret_access_key"])
        super().__init__(BucketProvider(), name, props, pulumi.ResourceOptions.merge(opts, secret))


def _created(props: Properties) -> str | None:
    """When the bucket was made: a bucket of the same name made later is another one, and empty."""
    for bucket in client("s3", props).list_buckets()["Buckets"]:
        if bucket["Name"] == props["bucket"]:
            return str(bucket["CreationDate"].isoformat())
    return None


def _tags(props: Properties) -> dict[str, Any]:
    return {"TagSet": [{"Key": key, "Value": value} for key, value in props["tags"].items()]}
