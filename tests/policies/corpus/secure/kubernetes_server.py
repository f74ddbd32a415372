"""A server that asks the API server with a token of its own making, and counts its pods with a narrow role."""

import pulumi_kubernetes as k8s

TOKEN = {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}

space = k8s.core.v1.Namespace(
    "catalogue",
    metadata={"name": "catalogue", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
)
inside = {"namespace": space.metadata.name}
k8s.networking.v1.NetworkPolicy(
    "default-deny", metadata=inside, spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
)
k8s.networking.v1.NetworkPolicy(
    "server",
    metadata=inside,
    spec={
        "podSelector": {"matchLabels": {"app": "server"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"port": 8443, "protocol": "TCP"}]}],
        "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/16"}}], "ports": [{"port": 443, "protocol": "TCP"}]}],
    },
)
account = k8s.core.v1.ServiceAccount("server", metadata=inside, automount_service_account_token=False)
role = k8s.rbac.v1.Role(
    "server",
    metadata=inside,
    rules=[
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["certificate"], "verbs": ["get"]},
    ],
)
k8s.rbac.v1.RoleBinding(
    "server",
    metadata=inside,
    role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
    subjects=[{"kind": "ServiceAccount", "name": account.metadata.name, "namespace": space.metadata.name}],
)
k8s.apps.v1.Deployment(
    "server",
    metadata=inside,
    spec={
        "selector": {"matchLabels": {"app": "server"}},
        "template": {
            "metadata": {"labels": {"app": "server"}},
            "spec": {
                "serviceAccountName": account.metadata.name,
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                    "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
                },
                "containers": [
                    {
                        "name": "server",
                        "image": f"registry.example.com/catalogue/server:2.4@sha256:{'4' * 64}",
                        "ports": [{"containerPort": 8443}],
                        # No limit of CPU: the request keeps its share.
                        "resources": {"requests": {"cpu": "500m"}, "limits": {"memory": "1Gi"}},
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8443, "scheme": "HTTPS"}},
                        "livenessProbe": {"tcpSocket": {"port": 8443}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
                        },
                        "volumeMounts": [{"name": "token", "mountPath": "/var/run/token", "readOnly": True}],
                    }
                ],
                "volumes": [
                    {
                        "name": "token",
                        "projected": {
                            "sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}]
                        },
                    }
                ],
            },
        },
    },
)
