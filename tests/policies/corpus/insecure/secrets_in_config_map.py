"""A ConfigMap holds the password of a database.

Caught by: secrets-not-in-config-maps
"""

import pulumi_kubernetes as k8s

k8s.core.v1.ConfigMap(
    "database",
    metadata={"name": "database", "namespace": "digits"},
    data={"DB_HOST": "database.internal", "DB_PASSWORD": "correct horse battery"},
)
