"""Logs that are gone before anyone asks for them.

Caught by: gcp-log-bucket-retention
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/services"

gcp.logging.ProjectBucketConfig(
    "audit",
    project="example-training",
    location="europe-west4",
    bucket_id="audit",
    retention_days=7,
    cmek_settings={"kms_key_name": KEY},
)
