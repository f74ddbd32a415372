"""A bucket that keeps the parts of uploads that broke off.

Caught by: gcp-bucket-uploads-end
"""

import pulumi_gcp as gcp

gcp.storage.Bucket(
    "models",
    location="EUROPE-WEST4",
    uniform_bucket_level_access=True,
    public_access_prevention="enforced",
    encryption={"default_kms_key_name": "projects/example-keys/locations/europe-west4/keyRings/k/cryptoKeys/data"},
    versioning={"enabled": True},
    lifecycle_rules=[{"action": {"type": "Delete"}, "condition": {"num_newer_versions": 3, "with_state": "ARCHIVED"}}],
    logging={"log_bucket": "example-access-logs"},
)
