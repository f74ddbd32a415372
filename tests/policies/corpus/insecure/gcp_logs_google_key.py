"""Logs under a key that nobody but Google can withdraw.

Caught by: gcp-log-bucket-customer-managed-key
"""

import pulumi_gcp as gcp

gcp.logging.ProjectBucketConfig(
    "audit",
    project="example-training",
    location="europe-west4",
    bucket_id="audit",
    retention_days=400,
)
