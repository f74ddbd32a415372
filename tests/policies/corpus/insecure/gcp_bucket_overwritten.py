"""A bucket in which an overwritten model is gone.

Caught by: gcp-bucket-versioned
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/data"

gcp.storage.Bucket(
    "models",
    location="EUROPE-WEST4",
    uniform_bucket_level_access=True,
    public_access_prevention="enforced",
    encryption={"default_kms_key_name": KEY},
    lifecycle_rules=[{"action": {"type": "Delete"}, "condition": {"age": 365}}],
    logging={"log_bucket": "example-access-logs"},
)
