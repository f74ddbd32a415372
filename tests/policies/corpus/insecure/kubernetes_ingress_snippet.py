"""An Ingress that brings configuration of nginx's own.

Caught by: kubernetes-ingress-no-snippets
"""

import pulumi_kubernetes as k8s

k8s.networking.v1.Ingress(
    "search",
    metadata={
        "name": "search",
        "namespace": "shop",
        "annotations": {"nginx.ingress.kubernetes.io/configuration-snippet": "more_set_headers 'X-From: shop';"},
    },
    spec={
        "rules": [{"host": "search.example.com"}],
        "tls": [{"hosts": ["search.example.com"], "secretName": "search"}],
    },
)
