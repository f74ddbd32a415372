"""A pool for serving that keeps a node ready, in no great size, and two replicas on it."""

import pulumi_gcp as gcp
import pulumi_kubernetes as k8s

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/disks"

gcp.container.NodePool(
    "serving",
    cluster="projects/example-training/locations/europe-west4/clusters/training",
    location="europe-west4-a",
    autoscaling={"min_node_count": 1, "max_node_count": 2},
    node_config={
        "machine_type": "g2-standard-4",
        "service_account": "nodes@example-training.iam.gserviceaccount.com",
        "boot_disk_kms_key": KEY,
        "shielded_instance_config": {"enable_secure_boot": True},
    },
    network_config={"enable_private_nodes": True},
)

IMAGE = "registry.example.com/serving@sha256:" + 64 * "0"
POD = {
    "serviceAccountName": "serve",
    "automountServiceAccountToken": False,
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "containers": [
        {
            "name": "serve",
            "image": IMAGE,
            "imagePullPolicy": "Always",
            "resources": {
                "requests": {"cpu": "4", "memory": "16Gi", "ephemeral-storage": "20Gi", "nvidia.com/gpu": "1"},
                "limits": {"cpu": "4", "memory": "16Gi", "ephemeral-storage": "20Gi", "nvidia.com/gpu": "1"},
            },
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "privileged": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "ports": [{"name": "http", "containerPort": 8000}],
            "livenessProbe": {"httpGet": {"path": "/v2/health/live", "port": 8000}},
            "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": 8000}},
        }
    ],
}

k8s.apps.v1.Deployment(
    "serve",
    metadata={"name": "serve", "namespace": "serving"},
    spec={
        "replicas": 2,
        "selector": {"matchLabels": {"app": "serve"}},
        "template": {"metadata": {"labels": {"app": "serve"}}, "spec": POD},
    },
)
k8s.policy.v1.PodDisruptionBudget(
    "serve",
    metadata={"name": "serve", "namespace": "serving"},
    spec={"maxUnavailable": 1, "selector": {"matchLabels": {"app": "serve"}}},
)
