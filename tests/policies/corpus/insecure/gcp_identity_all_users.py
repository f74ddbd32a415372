"""Models that the whole internet can read.

Caught by: gcp-no-public-members
"""

import pulumi_gcp as gcp

gcp.storage.BucketIAMMember(
    "download",
    bucket="example-models",
    role="roles/storage.objectViewer",
    member="allUsers",
)
