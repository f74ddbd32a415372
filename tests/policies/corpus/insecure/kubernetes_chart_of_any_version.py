"""A chart that is installed in whichever minor version there is.

Caught by: kubernetes-chart-version
"""

import pulumi_kubernetes as k8s

k8s.helm.v3.Release(
    "prometheus",
    chart="prometheus",
    version="~27.3",
    namespace="monitoring",
    repository_opts={"repo": "https://prometheus-community.github.io/helm-charts"},
)
