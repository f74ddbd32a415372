"""Settings hold an access key of AWS.

Caught by: secrets-no-credentials-in-clear
"""

import pulumi_kubernetes as k8s

# It was never anybody's.
KEY = "AKIA" + "Q3EGRI7XLW2N5TB4"
k8s.core.v1.ConfigMap(
    "settings",
    metadata={"name": "settings", "namespace": "digits"},
    data={"storage.ini": f"[default]\naws_access_key_id = {KEY}\n"},
)
