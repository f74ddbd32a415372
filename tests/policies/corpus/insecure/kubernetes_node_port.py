"""A Service on a port of every node.

Caught by: kubernetes-service-no-node-port
"""

import pulumi_kubernetes as k8s

k8s.core.v1.Service(
    "web",
    metadata={"name": "web", "namespace": "shop"},
    spec={"selector": {"app": "web"}, "ports": [{"port": 443, "targetPort": 8443}], "type": "NodePort"},
)
