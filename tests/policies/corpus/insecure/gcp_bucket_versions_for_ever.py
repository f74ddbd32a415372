"""A bucket that deletes models after a year, and their versions never.

Caught by: gcp-bucket-old-versions-expire
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
    lifecycle_rules=[{"action": {"type": "Delete"}, "condition": {"age": 365, "with_state": "LIVE"}}],
    logging={"log_bucket": "example-access-logs"},
)
