"""What no pod of ours may do: the Pod Security Standard `restricted`, and a root file system that stays as it is.

Source: Kubernetes, "Pod Security Standards"; CIS Kubernetes Benchmark 5.2, checkov CKV_K8S_22, 28, 29, 30, 31, 37, 38.
"""

from typing import Any

USER = 10001
"""User and group of the training image."""


def pod_security(user: int = USER) -> dict[str, Any]:
    """The security context of a pod."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """The security context of a container."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
