"""Keys for several purposes: one by the account's IAM policies, one for a service, one that signs, one for S3 alone."""

import json

import pulumi_aws as aws

ROOT = {"AWS": "arn:aws:iam::123456789012:root"}
KEEPER = {"AWS": "arn:aws:iam::123456789012:role/key-keeper"}
USE = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey"]


def policy(*statements: dict[str, object]) -> str:
    stated = [{"Effect": "Allow", "Resource": "*", **each} for each in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": stated})


account = {"Sid": "Account", "Principal": ROOT, "Action": "kms:*"}
keeper = {"Sid": "Keep", "Principal": KEEPER, "Action": ["kms:Put*", "kms:Describe*", "kms:ScheduleKeyDeletion"]}
logs = {
    "Sid": "Logs",
    "Principal": {"Service": "logs.eu-west-1.amazonaws.com"},
    "Action": USE,
    "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:123456789012:*"}},
}
through_s3 = {
    "Sid": "ThroughS3",
    "Principal": {"AWS": "*"},
    "Action": USE,
    "Condition": {
        "StringEquals": {"kms:CallerAccount": "123456789012", "kms:ViaService": "s3.eu-west-1.amazonaws.com"}
    },
}

aws.kms.Key("general", description="By IAM policies.", enable_key_rotation=True, deletion_window_in_days=30)
aws.kms.Key("logs", description="Log groups.", enable_key_rotation=True, policy=policy(account, keeper, logs))
buckets = aws.kms.Key("buckets", description="Buckets.", enable_key_rotation=True, rotation_period_in_days=180)
aws.kms.KeyPolicy("buckets", key_id=buckets.id, policy=policy(account, through_s3))
aws.kms.Key(
    "signing",
    description="Signs images.",
    customer_master_key_spec="ECC_NIST_P256",
    key_usage="SIGN_VERIFY",
    deletion_window_in_days=14,
    policy=policy(account),
)
