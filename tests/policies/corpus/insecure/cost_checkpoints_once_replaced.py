"""A bucket that removes only checkpoints which others have replaced.

Caught by: cost-checkpoints-expire
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/data"

gcp.storage.Bucket(
    "checkpoints",
    location="EUROPE-WEST4",
    uniform_bucket_level_access=True,
    public_access_prevention="enforced",
    encryption={"default_kms_key_name": KEY},
    hierarchical_namespace={"enabled": True},
    logging={"log_bucket": "example-access-logs"},
    lifecycle_rules=[
        {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 7}},
        {"action": {"type": "Delete"}, "condition": {"age": 7, "with_state": "ARCHIVED"}},
    ],
)
