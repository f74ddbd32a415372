"""A bucket under a key that nobody but Google can withdraw.

Caught by: gcp-bucket-customer-managed-key
"""

import pulumi_gcp as gcp

gcp.storage.Bucket(
    "models",
    location="EUROPE-WEST4",
    uniform_bucket_level_access=True,
    public_access_prevention="enforced",
    versioning={"enabled": True},
    lifecycle_rules=[{"action": {"type": "Delete"}, "condition": {"num_newer_versions": 3, "with_state": "ARCHIVED"}}],
    logging={"log_bucket": "example-access-logs"},
)
