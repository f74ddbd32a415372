"""A bucket of which nobody knows who reads it.

Caught by: gcp-bucket-access-logged
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/data"

gcp.storage.Bucket(
    "models",
    location="EUROPE-WEST4",
    uniform_bucket_level_access=True,
    public_access_prevention="enforced",
    encryption={"default_kms_key_name": KEY},
    versioning={"enabled": True},
    lifecycle_rules=[{"action": {"type": "Delete"}, "condition": {"num_newer_versions": 3, "with_state": "ARCHIVED"}}],
)
