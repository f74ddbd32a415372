"""A policy that means to let nothing out, and is none on what goes out, since it names no policyTypes.

Caught by: kubernetes-namespace-default-deny
"""

import pulumi_kubernetes as k8s

k8s.core.v1.Namespace("shop", metadata={"name": "shop", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}})
k8s.networking.v1.NetworkPolicy(
    "shop-deny", metadata={"name": "deny", "namespace": "shop"}, spec={"podSelector": {}, "ingress": [], "egress": []}
)
