"""A key of a service account, for a machine elsewhere.

Caught by: gcp-no-account-keys
"""

import pulumi_gcp as gcp

account = gcp.serviceaccount.Account("upload", account_id="upload")
key = gcp.serviceaccount.Key("upload", service_account_id=account.name)
