"""A group that can act as every service account of the project.

Caught by: gcp-no-broad-impersonation
"""

import pulumi_gcp as gcp

gcp.projects.IAMBinding(
    "developers",
    project="example-training",
    role="roles/iam.serviceAccountTokenCreator",
    members=["group:developers@example.org"],
)
