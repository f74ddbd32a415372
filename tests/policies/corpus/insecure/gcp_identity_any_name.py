"""Objects of every bucket, on a condition that every object fulfils.

Caught by: gcp-identity-data-narrow
"""

import pulumi_gcp as gcp

gcp.projects.IAMMember(
    "ada",
    project="example-training",
    role="roles/storage.objectAdmin",
    member="user:ada@example.com",
    condition={"title": "objects", "expression": 'resource.name != ""'},
)
