"""The buckets: data sets, checkpoints, models and logs, and one for the records of who read them.

Each is encrypted by the data key (with a bucket key, which makes one KMS request do for many objects), versioned,
closed to the public, owned by the account whoever wrote an object, reached over TLS 1.2 or better only, and written
under the right key only. What nobody needs any more goes by itself: parts of uploads that were never finished, old
versions, old checkpoints, old logs; data sets move to a cheaper class.

Records of access are delivered by S3 to a bucket of their own. That one is encrypted by S3's own key, since S3 delivers
to no other (Amazon S3 user guide, "Enabling Amazon S3 server access logging").
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.aws.naming import Names
from infra.aws.storage_settings import StorageSettings

PURPOSES = ("datasets", "checkpoints", "models", "logs")
"""What there is a bucket for."""
ACCESS_LOGS = "access"
"""The bucket of the records of access. One word, as all are: with two, two stacks could come to the same name."""
UNFINISHED_UPLOADS_DAYS = 7
"""Days after which the parts of an unfinished upload are removed."""


def bucket_policy(names: Names, purpose: str, key_arn: str) -> dict[str, Any]:
    """What is refused whatever else allows it: no TLS, another key, another account's principals."""
    objects = f"{names.bucket_arn(purpose)}/*"
    algorithm, key = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
    return {
        "Version": "2012-10-17",
        "Statement": [
            *_transport_statements(names, purpose),
            # An upload that names nothing is encrypted as the bucket is; so each of these is about a header that is
            # there.
            _deny_upload(
                "NoOtherAlgorithm", objects, {"StringNotEquals": {algorithm: "aws:kms"}, "Null": {algorithm: "false"}}
            ),
            _deny_upload("NoOtherKey", objects, {"ArnNotEquals": {key: key_arn}, "Null": {key: "false"}}),
            # With the algorithm alone S3 takes the account's own key for S3, not the bucket's.
            _deny_upload("NoAccountKey", objects, {"StringEquals": {algorithm: "aws:kms"}, "Null": {key: "true"}}),
            _deny_upload("NoCustomerKey", objects, {"Null": {f"{algorithm}-customer-algorithm": "false"}}),
        ],
    }


def access_logs_policy(names: Names) -> dict[str, Any]:
    """S3 itself may deliver records of access to this stack's buckets, and nobody may come without TLS."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            *_transport_statements(names, ACCESS_LOGS),
            {
                "Sid": "DeliverRecordsOfAccess",
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"{names.bucket_arn(ACCESS_LOGS)}/*",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": names.account_id},
                    "ArnEquals": {"aws:SourceArn": [names.bucket_arn(purpose) for purpose in PURPOSES]},
                },
            },
        ],
    }


def _transport_statements(names: Names, purpose: str) -> list[dict[str, Any]]:
    both = [names.bucket_arn(purpose), f"{names.bucket_arn(purpose)}/*"]
    return [
        _deny("TlsOnly", "s3:*", both, {"Bool": {"aws:SecureTransport": "false"}}),
        _deny("Tls12OrBetter", "s3:*", both, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    ]


def _deny(sid: str, action: str, resource: str | list[str], condition: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }


def _deny_upload(sid: str, objects: str, condition: Mapping[str, Any]) -> dict[str, Any]:
    return _deny(sid, "s3:PutObject", objects, condition)


@dataclass(frozen=True, kw_only=True)
class StorageArguments:
    """What the buckets are made from."""

    names: Names
    settings: StorageSettings
    data_key_arn: pulumi.Input[str]
    production: bool
    """Whether Pulumi refuses to delete them."""


class Storage(pulumi.ComponentResource):
    """The buckets of a stack."""

    uris: Mapping[str, pulumi.Output[str]]
    """`s3://NAME` by purpose, known when the bucket is ready for use."""
    arns: Mapping[str, str]
    """ARN by purpose, known beforehand."""

    def __init__(self, name: str, args: StorageArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Storage", name, None, opts)
        self._args = args
        access_logs, delivery = self._make_access_logs(f"{name}-{ACCESS_LOGS}")
        made = {purpose: self._make_bucket(f"{name}-{purpose}", purpose, access_logs, delivery) for purpose in PURPOSES}
        self.uris = {purpose: bucket.bucket.apply("s3://{}".format) for purpose, bucket in made.items()}
        self.arns = {purpose: args.names.bucket_arn(purpose) for purpose in PURPOSES}
        self.register_outputs({"uris": self.uris})

    def _make_access_logs(self, name: str) -> tuple[aws.s3.Bucket, aws.s3.BucketPolicy]:
        bucket = self._make_closed_bucket(name, ACCESS_LOGS)
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="AES256"
                    )
                )
            ],
            opts=self._below(bucket),
        )
        return bucket, self._set_policy(name, bucket, json.dumps(access_logs_policy(self._args.names)))

    def _make_bucket(
        self, name: str, purpose: str, access_logs: aws.s3.Bucket, delivery: aws.s3.BucketPolicy
    ) -> aws.s3.Bucket:
        args = self._args
        bucket = self._make_closed_bucket(name, purpose)
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    bucket_key_enabled=True,
                    apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms", kms_master_key_id=args.data_key_arn
                    ),
                )
            ],
            opts=self._below(bucket),
        )
        policy = pulumi.Output.from_input(args.data_key_arn).apply(
            lambda key_arn: json.dumps(bucket_policy(args.names, purpose, key_arn))
        )
        self._set_policy(name, bucket, policy)
        aws.s3.BucketLogging(
            name,
            bucket=bucket.bucket,
            target_bucket=access_logs.bucket,
            target_prefix=f"{purpose}/",
            # S3 delivers only where it may already.
            opts=self._below(bucket, delivery),
        )
        return bucket

    def _make_closed_bucket(self, name: str, purpose: str) -> aws.s3.Bucket:
        """A bucket that is versioned, owned and closed, before anything is in it."""
        bucket = aws.s3.Bucket(
            name,
            bucket=self._args.names.bucket(purpose),
            force_destroy=self._args.settings.delete_with_objects,
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.production),
        )
        aws.s3.BucketOwnershipControls(
            name,
            bucket=bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._below(bucket),
        )
        versioning = aws.s3.BucketVersioning(
            name,
            bucket=bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self._below(bucket),
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            rules=lifecycle_rules(self._args.settings, purpose),
            # Rules about old versions mean nothing to a bucket that has none yet.
            opts=self._below(bucket, versioning),
        )
        return bucket

    def _set_policy(self, name: str, bucket: aws.s3.Bucket, policy: pulumi.Input[str]) -> aws.s3.BucketPolicy:
        closed = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._below(bucket),
        )
        # S3 refuses one of the two when both are set at the same time.
        return aws.s3.BucketPolicy(name, bucket=bucket.bucket, policy=policy, opts=self._below(bucket, closed))

    @staticmethod
    def _below(bucket: aws.s3.Bucket, *first: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=bucket, depends_on=list(first))


def lifecycle_rules(settings: StorageSettings, purpose: str) -> list[aws.s3.BucketLifecycleConfigurationRuleArgs]:
    """What goes, and when, in the bucket of a purpose. Days count from when an object was made or replaced."""
    rule = aws.s3.BucketLifecycleConfigurationRuleArgs
    every_object = aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix="")
    rules = [
        rule(
            id="unfinished-uploads",
            status="Enabled",
            filter=every_object,
            abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                days_after_initiation=UNFINISHED_UPLOADS_DAYS
            ),
        ),
        rule(
            id="old-versions",
            status="Enabled",
            filter=every_object,
            noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=settings.keep_old_versions_days
            ),
            # What marks an object as deleted is left behind when its versions are gone.
            expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(expired_object_delete_marker=True),
        ),
    ]
    expiry = {
        "checkpoints": settings.expire_checkpoints_after_days,
        "logs": settings.expire_logs_after_days,
        ACCESS_LOGS: settings.expire_logs_after_days,
    }
    if purpose in expiry:
        expiration = aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=expiry[purpose])
        rules.append(rule(id="expiry", status="Enabled", filter=every_object, expiration=expiration))
    if purpose == "datasets":
        tier = aws.s3.BucketLifecycleConfigurationRuleTransitionArgs(
            days=settings.tier_datasets_after_days, storage_class="INTELLIGENT_TIERING"
        )
        rules.append(rule(id="tiering", status="Enabled", filter=every_object, transitions=[tier]))
    return rules
