"""An Ingress without TLS.

Caught by: kubernetes-ingress-tls
"""

import pulumi_kubernetes as k8s

k8s.networking.v1.Ingress(
    "catalogue",
    metadata={"name": "catalogue", "namespace": "shop"},
    spec={"rules": [{"host": "catalogue.example.com"}]},
)
