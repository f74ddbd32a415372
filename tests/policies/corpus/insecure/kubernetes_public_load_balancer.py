"""A load balancer with a public address for an internal database.

Caught by: kubernetes-service-internal-load-balancer
"""

import pulumi_kubernetes as k8s

k8s.core.v1.Service(
    "database",
    metadata={"name": "database", "namespace": "shop"},
    spec={"selector": {"app": "database"}, "ports": [{"port": 443, "targetPort": 8443}], "type": "LoadBalancer"},
)
