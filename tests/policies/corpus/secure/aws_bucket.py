"""A bucket with all that keeps its objects private and recoverable, and one for the records of who used it."""

import json

import pulumi_aws as aws

UNFINISHED_UPLOADS = aws.s3.BucketLifecycleConfigurationRuleArgs(
    id="unfinished-uploads",
    status="Enabled",
    abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
        days_after_initiation=7
    ),
)
OLD_VERSIONS = aws.s3.BucketLifecycleConfigurationRuleArgs(
    id="old-versions",
    status="Enabled",
    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
    noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
        noncurrent_days=30
    ),
)


def tls_only(arn: str) -> str:
    """The policy of a bucket that refuses what is not encrypted."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_bucket(name: str, algorithm: str, key_arn: object = None) -> aws.s3.Bucket:
    bucket = aws.s3.Bucket(name)
    aws.s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )
    aws.s3.BucketOwnershipControls(name, bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"})
    default = {"sse_algorithm": algorithm, "kms_master_key_id": key_arn}
    rule = {"apply_server_side_encryption_by_default": default, "bucket_key_enabled": key_arn is not None}
    aws.s3.BucketServerSideEncryptionConfiguration(name, bucket=bucket.id, rules=[rule])
    aws.s3.BucketVersioning(name, bucket=bucket.id, versioning_configuration={"status": "Enabled"})
    aws.s3.BucketLifecycleConfiguration(name, bucket=bucket.id, rules=[UNFINISHED_UPLOADS, OLD_VERSIONS])
    aws.s3.BucketPolicy(name, bucket=bucket.id, policy=bucket.arn.apply(tls_only))
    return bucket


key = aws.kms.Key("data", description="Encrypts the data.", enable_key_rotation=True, deletion_window_in_days=30)
data = make_bucket("data", "aws:kms", key.arn)
# S3 delivers records of access only where its own key encrypts them.
records = make_bucket("access-records", "AES256")
aws.s3.BucketLogging("data", bucket=data.id, target_bucket=records.id, target_prefix="data/")
