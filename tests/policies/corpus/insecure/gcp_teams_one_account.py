"""Two teams whose pods act by one service account.

Caught by: gcp-teams-accounts-not-shared
"""

import pulumi_gcp as gcp

account = gcp.serviceaccount.Account("training", account_id="training")
for team in ("research", "speech"):
    gcp.serviceaccount.IAMMember(
        team,
        service_account_id=account.name,
        role="roles/iam.workloadIdentityUser",
        member=f"serviceAccount:example-training.svc.id.goog[{team}/training]",
    )
