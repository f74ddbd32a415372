"""A policy that lets everybody in on every port.

Caught by: kubernetes-network-policy-not-open
"""

import pulumi_kubernetes as k8s

k8s.networking.v1.NetworkPolicy(
    "shop-allow-all",
    metadata={"name": "allow-all", "namespace": "shop"},
    spec={"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]},
)
