"""The file by which kubectl finds the cluster. It holds no credential: each use asks the AWS command for a token."""

import json


def kubeconfig(*, cluster_name: str, endpoint: str, certificate_authority_data: str, region: str) -> str:
    """A kubeconfig as JSON, which every client reads that reads YAML.

    Source: Amazon EKS user guide, "Connect kubectl to an EKS cluster by creating a kubeconfig file".
    """
    token = ["eks", "get-token", "--cluster-name", cluster_name, "--region", region, "--output", "json"]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster_name,
                "cluster": {"server": endpoint, "certificate-authority-data": certificate_authority_data},
            }
        ],
        "users": [
            {
                "name": cluster_name,
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1beta1",
                        "command": "aws",
                        "args": token,
                        "interactiveMode": "IfAvailable",
                        "provideClusterInfo": False,
                    }
                },
            }
        ],
        "contexts": [{"name": cluster_name, "context": {"cluster": cluster_name, "user": cluster_name}}],
        "current-context": cluster_name,
        "preferences": {},
    }
    return json.dumps(document, indent=2) + "\n"
