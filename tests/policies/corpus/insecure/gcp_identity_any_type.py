"""Any role for anyone, on a condition that every project fulfils.

Caught by: gcp-no-broad-impersonation
"""

import pulumi_gcp as gcp

gcp.projects.IAMMember(
    "deployer",
    project="example-training",
    role="roles/resourcemanager.projectIamAdmin",
    member="serviceAccount:deployer@example-training.iam.gserviceaccount.com",
    condition={"title": "projects", "expression": 'resource.type != "storage.googleapis.com/Bucket"'},
)
