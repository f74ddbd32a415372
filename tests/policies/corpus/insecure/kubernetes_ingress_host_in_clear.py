"""An Ingress with TLS for one of its two hosts.

Caught by: kubernetes-ingress-tls
"""

import pulumi_kubernetes as k8s

k8s.networking.v1.Ingress(
    "accounts",
    metadata={"name": "accounts", "namespace": "shop"},
    spec={
        "rules": [{"host": "accounts.example.com"}, {"host": "login.example.com"}],
        "tls": [{"hosts": ["accounts.example.com"], "secretName": "accounts"}],
    },
)
