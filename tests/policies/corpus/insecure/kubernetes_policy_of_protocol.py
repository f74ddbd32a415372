"""A policy that names a protocol, and with it every port.

Caught by: kubernetes-network-policy-not-open
"""

import pulumi_kubernetes as k8s

k8s.networking.v1.NetworkPolicy(
    "shop-front",
    metadata={"name": "front", "namespace": "shop"},
    spec={
        "podSelector": {"matchLabels": {"app": "front"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"ports": [{"protocol": "TCP"}]}],
    },
)
