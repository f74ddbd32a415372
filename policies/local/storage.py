"""Rules for the local cloud's buckets."""

from collections.abc import Iterator

from policies.local.types import BUCKET
from policies.resources import Resource
from policies.rules import resource_rule


@resource_rule(
    BUCKET,
    id="local-bucket-customer-managed-key",
    title="Local buckets are encrypted by default under a key of the stack's own.",
    severity="high",
    frameworks=("CKV_AWS_145", "NIST SC-12", "NIST SC-28"),
    wrong="Whoever may read the bucket may then read its data, and nobody can withdraw the key.",
    mend="give the bucket key_arn, the ARN of the stack's KMS key.",
)
def bucket_customer_managed_key(bucket: Resource) -> Iterator[str]:
    """A key that AWS manages (alias/aws/…) is shared by everything in the account."""
    key = bucket.get("key_arn")
    if not key:
        yield "The bucket has no KMS key."
    elif not key.startswith("arn:") or ":kms:" not in key or ":alias/aws/" in key:
        yield f"The bucket's key {key!r} is not the ARN of a customer-managed KMS key."


RULES = (bucket_customer_managed_key,)
