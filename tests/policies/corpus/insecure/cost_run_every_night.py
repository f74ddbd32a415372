"""A training job every night whose deadline lets it cost more than a run may.

Caught by: cost-run-ceiling
"""

import pulumi_aws as aws
import pulumi_kubernetes as k8s

k8s.apiextensions.CustomResource(
    "training",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    metadata={"name": "training"},
    spec={
        "limits": {"nodes": 2},
        "template": {
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "nodes"},
                "requirements": [
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
                    {
                        "key": "node.kubernetes.io/instance-type",
                        "operator": "In",
                        "values": [
                            "p4d.24xlarge",
                            "p4de.24xlarge",
                        ],
                    },
                ],
            }
        },
    },
)

aws.budgets.Budget(
    "training",
    budget_type="COST",
    time_unit="MONTHLY",
    limit_amount="2500",
    limit_unit="USD",
    notifications=[
        {
            "comparison_operator": "GREATER_THAN",
            "notification_type": "FORECASTED",
            "threshold": 100,
            "threshold_type": "PERCENTAGE",
            "subscriber_email_addresses": ["ml-platform@example.com"],
        }
    ],
)

IMAGE = "registry.example.com/training@sha256:" + 64 * "0"
POD = {
    "serviceAccountName": "train",
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
            "name": "train",
            "image": IMAGE,
            "imagePullPolicy": "Always",
            "resources": {
                "requests": {"cpu": "4", "memory": "16Gi", "ephemeral-storage": "20Gi", "nvidia.com/gpu": "8"},
                "limits": {"cpu": "4", "memory": "16Gi", "ephemeral-storage": "20Gi", "nvidia.com/gpu": "8"},
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
        }
    ],
    "restartPolicy": "Never",
}

k8s.batch.v1.CronJob(
    "train",
    metadata={"name": "train", "namespace": "training"},
    spec={
        "schedule": "0 1 * * *",
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {
            "spec": {
                "activeDeadlineSeconds": 100 * 3600,
                "backoffLimit": 3,
                "parallelism": 2,
                "completions": 2,
                "template": {"metadata": {"labels": {"app": "train"}}, "spec": POD},
            }
        },
    },
)
