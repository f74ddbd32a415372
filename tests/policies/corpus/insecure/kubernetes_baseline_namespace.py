"""A namespace that admits pods as root.

Caught by: kubernetes-namespace-pod-security
"""

import pulumi_kubernetes as k8s

k8s.core.v1.Namespace("shop", metadata={"name": "shop", "labels": {"pod-security.kubernetes.io/enforce": "baseline"}})
k8s.networking.v1.NetworkPolicy(
    "shop-deny",
    metadata={"name": "deny", "namespace": "shop"},
    spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
)
