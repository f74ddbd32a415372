"""A bucket whose objects can be opened one by one.

Caught by: gcp-bucket-uniform-access
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/data"

gcp.storage.Bucket(
    "models",
    location="EUROPE-WEST4",
    uniform_bucket_level_access=False,
    public_access_prevention="enforced",
    encryption={"default_kms_key_name": KEY},
    versioning={"enabled": True},
    lifecycle_rules=[{"action": {"type": "Delete"}, "condition": {"num_newer_versions": 3, "with_state": "ARCHIVED"}}],
    logging={"log_bucket": "example-access-logs"},
)
