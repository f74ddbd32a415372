"""A chart that is fetched without TLS.

Caught by: kubernetes-chart-over-tls
"""

import pulumi_kubernetes as k8s

k8s.helm.v3.Release(
    "redis", chart="redis", version="20.6.1", namespace="shop", repository_opts={"repo": "http://charts.example.com"}
)
