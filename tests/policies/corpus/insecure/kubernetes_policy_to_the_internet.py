"""A policy that lets pods send anything anywhere.

Caught by: kubernetes-network-policy-not-open
"""

import pulumi_kubernetes as k8s

k8s.networking.v1.NetworkPolicy(
    "shop-out",
    metadata={"name": "out", "namespace": "shop"},
    spec={"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]},
)
