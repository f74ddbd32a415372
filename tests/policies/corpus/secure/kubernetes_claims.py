"""A model server that gets its GPU by a claim, behind Traefik, which has the certificates, and a local volume."""

import pulumi_kubernetes as k8s

space = k8s.core.v1.Namespace(
    "models", metadata={"name": "models", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
)
k8s.networking.v1.NetworkPolicy(
    "models-deny",
    metadata={"name": "deny", "namespace": "models"},
    spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
)
k8s.networking.v1.NetworkPolicy(
    "models-names",
    metadata={"name": "names", "namespace": "models"},
    spec={
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [
            {
                "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
                "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
            }
        ],
    },
)
k8s.core.v1.ServiceAccount(
    "server", metadata={"name": "server", "namespace": "models"}, automount_service_account_token=False
)
k8s.apps.v1.Deployment(
    "server",
    metadata={"name": "server", "namespace": "models"},
    spec={
        "selector": {"matchLabels": {"app": "server"}},
        "template": {
            "metadata": {"labels": {"app": "server"}},
            "spec": {
                "serviceAccountName": "server",
                "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                # For the pod as a whole.
                "resources": {"requests": {"cpu": "4", "memory": "16Gi"}, "limits": {"memory": "16Gi"}},
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
                "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "one-gpu"}],
                "containers": [
                    {
                        "name": "server",
                        "image": f"registry.example.com/models/server@sha256:{'5' * 64}",
                        "ports": [{"containerPort": 8000, "hostPort": 0, "name": "http"}],
                        "resources": {"claims": [{"name": "gpu"}]},
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
                        "livenessProbe": {"grpc": {"port": 8001}},
                        "securityContext": {
                            "runAsNonRoot": True,
                            "runAsUser": 65532,
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        },
    },
)
k8s.networking.v1.Ingress(
    "server",
    metadata={
        "name": "server",
        "namespace": "models",
        "annotations": {"traefik.ingress.kubernetes.io/router.tls": "true"},
    },
    spec={"ingressClassName": "traefik", "rules": [{"host": "models.example.com"}]},
)
k8s.core.v1.PersistentVolume(
    "weights",
    metadata={"name": "weights"},
    spec={
        "capacity": {"storage": "1Ti"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "nvme",
        "local": {"path": "/mnt/nvme"},
        "nodeAffinity": {
            "required": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-1"]}]}
                ]
            }
        },
    },
)
k8s.rbac.v1.ClusterRole(
    "monitoring",
    metadata={"name": "monitoring"},
    aggregation_rule={"clusterRoleSelectors": [{"matchLabels": {"rbac.example.com/monitoring": "true"}}]},
    rules=[],
)
k8s.rbac.v1.RoleBinding(
    "models-view",
    metadata={"name": "view", "namespace": "models"},
    role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    subjects=[{"kind": "User", "name": "system:serviceaccount:monitoring:collector"}],
)
