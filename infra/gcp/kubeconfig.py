"""The file by which kubectl finds the cluster. It holds no credential: each use asks Google's plugin for a token."""

import json

PLUGIN = "gke-gcloud-auth-plugin"
HINT = "Install it: https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl#install_plugin"


def kubeconfig(*, cluster_name: str, endpoint: str, certificate_authority_data: str) -> str:
    """A kubeconfig as JSON, which every client reads that reads YAML.

    :param certificate_authority_data: Empty where the control plane has a certificate of a public authority.

    Source: GKE, "Install kubectl and configure cluster access" (the plugin, and what `get-credentials` writes).
    """
    authority = {"certificate-authority-data": certificate_authority_data} if certificate_authority_data else {}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster_name, "cluster": {"server": endpoint, **authority}}],
        "users": [
            {
                "name": cluster_name,
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1beta1",
                        "command": PLUGIN,
                        "args": [],
                        "installHint": HINT,
                        "interactiveMode": "IfAvailable",
                        "provideClusterInfo": True,
                    }
                },
            }
        ],
        "contexts": [{"name": cluster_name, "context": {"cluster": cluster_name, "user": cluster_name}}],
        "current-context": cluster_name,
        "preferences": {},
    }
    return json.dumps(document, indent=2) + "\n"
