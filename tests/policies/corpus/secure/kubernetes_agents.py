"""What runs on every node, GPU nodes among them, and what counts nodes for it; both from charts and manifests."""

import pulumi_kubernetes as k8s

SPACE = "node-agents"
SECURITY = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}

k8s.core.v1.Namespace(
    "agents", metadata={"name": SPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
)
k8s.networking.v1.NetworkPolicy(
    "agents-in", metadata={"name": "in", "namespace": SPACE}, spec={"podSelector": {}, "policyTypes": ["Ingress"]}
)
k8s.networking.v1.NetworkPolicy(
    "agents-out",
    metadata={"name": "out", "namespace": SPACE},
    spec={"podSelector": {}, "egress": [{"ports": [{"port": 443, "protocol": "TCP"}]}], "policyTypes": ["Egress"]},
)
k8s.core.v1.ServiceAccount(
    "agent", metadata={"name": "agent", "namespace": SPACE}, automount_service_account_token=False
)
k8s.apps.v1.DaemonSet(
    "agent",
    metadata={"name": "agent", "namespace": SPACE},
    spec={
        "selector": {"matchLabels": {"app": "agent"}},
        "template": {
            "metadata": {"labels": {"app": "agent"}},
            "spec": {
                "serviceAccountName": "agent",
                "tolerations": [{"operator": "Exists"}],
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "Localhost"}},
                "containers": [
                    {
                        "name": "agent",
                        "image": f"registry.example.com/agent@sha256:{'5' * 64}",
                        "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
                        "securityContext": {"runAsUser": 65534, **SECURITY},
                    }
                ],
            },
        },
    },
)
# A settings object that the cluster reads there and nowhere else.
k8s.core.v1.ConfigMap("coredns", metadata={"name": "coredns-custom", "namespace": "kube-system"}, data={"log": "on"})
k8s.rbac.v1.ClusterRole(
    "scaler",
    metadata={"name": "scaler"},
    rules=[
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["get", "update"]},
        {
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": ["validatingwebhookconfigurations"],
            "resourceNames": ["scaler"],
            "verbs": ["patch"],
        },
    ],
)
k8s.helm.v3.Release(
    "autoscaler",
    chart="cluster-autoscaler",
    version="9.59.0",
    namespace="kube-system",
    repository_opts={"repo": "https://kubernetes.github.io/autoscaler"},
)
k8s.helm.v3.Release("own", chart="./charts/own", namespace=SPACE)
