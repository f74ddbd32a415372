"""A service account that every pod of a namespace acts by.

Caught by: gcp-identity-workloads-named
"""

import pulumi_gcp as gcp

POOL = "projects/123456789012/locations/global/workloadIdentityPools/example-training.svc.id.goog"

account = gcp.serviceaccount.Account("training", account_id="training")
gcp.serviceaccount.IAMMember(
    "training",
    service_account_id=account.name,
    role="roles/iam.workloadIdentityUser",
    member=f"principalSet://iam.googleapis.com/{POOL}/namespace/research",
)
