"""A Gateway that also answers without TLS.

Caught by: kubernetes-gateway-tls
"""

import pulumi_kubernetes as k8s

k8s.apiextensions.CustomResource(
    "models",
    api_version="gateway.networking.k8s.io/v1",
    kind="Gateway",
    metadata={"name": "models", "namespace": "vision"},
    spec={
        "gatewayClassName": "envoy",
        "listeners": [
            {"name": "https", "protocol": "HTTPS", "port": 443, "tls": {"certificateRefs": [{"name": "models"}]}},
            {"name": "http", "protocol": "HTTP", "port": 80},
        ],
    },
)
