"""Cases of the rules for the local cloud's buckets."""

from policies.cases import Cases, made
from policies.local import storage
from policies.local.types import BUCKET

KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/3f9a"

CASES = (
    Cases(
        storage.bucket_customer_managed_key,
        passing=[made(BUCKET, "models", {"key_arn": KEY_ARN})],
        failing=[
            (made(BUCKET, "models", {"bucket": "models"}), "The bucket has no KMS key."),
            (made(BUCKET, "models", {"key_arn": ""}), "The bucket has no KMS key."),
            (made(BUCKET, "models", {"key_arn": "arn:aws:kms:us-east-1:123456789012:alias/aws/s3"}), "alias/aws/s3"),
            (made(BUCKET, "models", {"key_arn": "AES256"}), "The bucket's key 'AES256' is not the ARN of a"),
        ],
    ),
)
