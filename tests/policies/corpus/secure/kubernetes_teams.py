"""Two teams that share a cluster's GPUs, each with its namespace, quota, queue and members, and monitoring for both."""

import pulumi_kubernetes as k8s

KUEUE = "kueue.x-k8s.io/v1beta2"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

k8s.core.v1.Namespace("monitoring", metadata={"name": "monitoring", "labels": RESTRICTED})
k8s.networking.v1.NetworkPolicy("monitoring", metadata={"name": "deny", "namespace": "monitoring"}, spec=DENY)
k8s.rbac.v1.ClusterRole(
    "priorities",
    metadata={"name": "priorities"},
    rules=[{"apiGroups": ["scheduling.k8s.io"], "resources": ["priorityclasses"], "verbs": ["get", "list"]}],
)

for team in ("vision", "speech"):
    labels = {**RESTRICTED, "trainyard.dev/team": team}
    k8s.core.v1.Namespace(team, metadata={"name": team, "labels": labels})
    k8s.core.v1.ResourceQuota(
        f"{team}-quota",
        metadata={"name": "quota", "namespace": team},
        spec={"hard": {"pods": "100", "requests.cpu": "64", "requests.nvidia.com/gpu": "8"}},
    )
    k8s.core.v1.LimitRange(
        f"{team}-limits",
        metadata={"name": "limits", "namespace": team},
        spec={"limits": [{"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}}]},
    )
    k8s.networking.v1.NetworkPolicy(f"{team}-deny", metadata={"name": "deny", "namespace": team}, spec=DENY)
    k8s.networking.v1.NetworkPolicy(
        f"{team}-metrics",
        metadata={"name": "metrics", "namespace": team},
        spec={
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [
                        {"podSelector": {}},
                        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}},
                    ],
                    "ports": [{"port": 9090, "protocol": "TCP"}],
                }
            ],
        },
    )
    k8s.rbac.v1.Role(
        f"{team}-member",
        metadata={"name": "member", "namespace": team},
        rules=[
            {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "create", "delete"]},
            {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]},
        ],
    )
    k8s.rbac.v1.RoleBinding(
        f"{team}-members",
        metadata={"name": "members", "namespace": team},
        role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "member"},
        subjects=[{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": f"trainyard:{team}"}],
    )
    k8s.rbac.v1.ClusterRoleBinding(
        f"{team}-priorities",
        metadata={"name": f"{team}-priorities"},
        role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "priorities"},
        subjects=[{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": f"trainyard:{team}"}],
    )
    k8s.core.v1.ServiceAccount(
        f"{team}-training",
        metadata={"name": f"{team}-training", "namespace": team},
        automount_service_account_token=False,
    )
    k8s.apiextensions.CustomResource(
        f"{team}-queue",
        api_version=KUEUE,
        kind="LocalQueue",
        metadata={"name": "on-demand", "namespace": team},
        spec={"clusterQueue": "on-demand"},
    )
    amounts = {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1"}
    k8s.batch.v1.Job(
        f"{team}-training",
        metadata={"name": "training", "namespace": team, "labels": {"kueue.x-k8s.io/queue-name": "on-demand"}},
        spec={
            "activeDeadlineSeconds": 7200,
            "suspend": True,
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": f"{team}-training",
                    "automountServiceAccountToken": False,
                    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
                    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [
                        {
                            "name": "training",
                            "image": f"registry.example.com/training@sha256:{'6' * 64}",
                            "resources": {"requests": amounts, "limits": amounts},
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "readOnlyRootFilesystem": True,
                                "capabilities": {"drop": ["ALL"]},
                            },
                        }
                    ],
                }
            },
        },
    )
