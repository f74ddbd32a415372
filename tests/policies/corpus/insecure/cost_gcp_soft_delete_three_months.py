"""A bucket that pays for each checkpoint three months longer.

Caught by: cost-soft-delete-short
"""

import pulumi_gcp as gcp

gcp.storage.Bucket(
    "checkpoints",
    location="EUROPE-WEST4",
    uniform_bucket_level_access=True,
    public_access_prevention="enforced",
    encryption={"default_kms_key_name": "projects/example-keys/locations/europe-west4/keyRings/k/cryptoKeys/data"},
    versioning={"enabled": True},
    soft_delete_policy={"retention_duration_seconds": 7776000},
    lifecycle_rules=[
        {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 7}},
        {"action": {"type": "Delete"}, "condition": {"days_since_noncurrent_time": 7}},
        {"action": {"type": "Delete"}, "condition": {"age": 30, "with_state": "LIVE"}},
    ],
    logging={"log_bucket": "example-access-logs"},
)
