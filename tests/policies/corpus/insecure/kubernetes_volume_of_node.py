"""A volume that is a directory of whichever node the pod comes to.

Caught by: kubernetes-pod-no-host-path
"""

import pulumi_kubernetes as k8s

k8s.core.v1.PersistentVolume(
    "logs",
    metadata={"name": "logs"},
    spec={
        "capacity": {"storage": "10Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "manual",
        "hostPath": {"path": "/var/log"},
    },
)
