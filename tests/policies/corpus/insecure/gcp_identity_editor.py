"""A service account that may change nearly everything in the project.

Caught by: gcp-no-basic-roles
"""

import pulumi_gcp as gcp

account = gcp.serviceaccount.Account("train", account_id="train")
gcp.projects.IAMMember(
    "train",
    project="example-training",
    role="roles/editor",
    member=account.account_id.apply(lambda name: f"serviceAccount:{name}@example-training.iam.gserviceaccount.com"),
)
