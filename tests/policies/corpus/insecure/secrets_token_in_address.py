"""The address of a repository has a token in it.

Caught by: secrets-no-credentials-in-clear
"""

import pulumi_kubernetes as k8s

# It was never anybody's.
TOKEN = "ghp_" + "aB3" * 12
k8s.helm.v3.Release(
    "pipelines",
    chart="argo-cd",
    version="9.1.0",
    namespace="pipelines",
    repository_opts={"repo": "https://argoproj.github.io/argo-helm"},
    values={"source": {"url": f"https://ci:{TOKEN}@github.com/example/digits.git"}},
)
