"""A Service that takes somebody else's address for its own.

Caught by: kubernetes-service-no-external-addresses
"""

import pulumi_kubernetes as k8s

k8s.core.v1.Service(
    "resolver",
    metadata={"name": "resolver", "namespace": "shop"},
    spec={"selector": {"app": "resolver"}, "ports": [{"port": 443, "targetPort": 8443}], "externalIPs": ["192.0.2.53"]},
)
