"""A training account that reads every bucket of its project.

Caught by: gcp-identity-data-narrow
"""

import pulumi_gcp as gcp

account = gcp.serviceaccount.Account("training", account_id="training")
gcp.projects.IAMMember("training", project="example-training", role="roles/storage.objectViewer", member=account.member)
