"""The administrator's password stands among a chart's values.

Caught by: secrets-chart-values-marked
"""

import pulumi_kubernetes as k8s

k8s.helm.v3.Release(
    "grafana",
    chart="grafana",
    version="10.3.0",
    namespace="monitoring",
    repository_opts={"repo": "https://grafana.github.io/helm-charts"},
    values={"adminUser": "admin", "adminPassword": "correct horse battery", "persistence": {"enabled": False}},
)
