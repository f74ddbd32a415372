"""A deployer that can give itself every role, until a day that is far off.

Caught by: gcp-no-broad-impersonation
"""

import pulumi_gcp as gcp

gcp.projects.IAMMember(
    "deployer",
    project="example-training",
    role="roles/resourcemanager.projectIamAdmin",
    member="serviceAccount:deployer@example-training.iam.gserviceaccount.com",
    condition={"title": "until 2030", "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"},
)
