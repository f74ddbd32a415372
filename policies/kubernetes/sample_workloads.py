"""Sound workloads for the tables of cases, each with one thing changed."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from policies.cases import made
from policies.kubernetes.manifests import CRON_JOBS, DEPLOYMENT, JOB, POD
from policies.resources import Resource

DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGE = f"registry.example.com/vision/server@{DIGEST}"
GPU = "nvidia.com/gpu"

CONTAINER: Mapping[str, Any] = {
    "name": "server",
    "image": IMAGE,
    "ports": [{"containerPort": 8080}],
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
    "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}},
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    },
}
"""A container that keeps every rule, beside `POD_SPEC`."""
POD_SPEC: Mapping[str, Any] = {
    "serviceAccountName": "server",
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
}
WINDOWS: Mapping[str, Any] = {"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": True}}


def container(change: Mapping[str, Any] | None = None, **security: Any) -> dict[str, Any]:
    """The container with properties changed; None takes one out. `security` changes its security context."""
    changed = _merged(CONTAINER, change or {})
    changed["securityContext"] = _merged(changed.get("securityContext", {}), security)
    return changed


def pod_spec(*containers: Mapping[str, Any], **change: Any) -> dict[str, Any]:
    """The pod with these containers and properties changed; None takes one out."""
    return {**_merged(POD_SPEC, change), "containers": [dict(each) for each in containers or (CONTAINER,)]}


def pod(*containers: Mapping[str, Any], name: str = "it", **change: Any) -> Resource:
    """A pod of its own."""
    return made(POD, name, {"metadata": metadata(name), "spec": pod_spec(*containers, **change)})


def deployment(
    *containers: Mapping[str, Any],
    name: str = "it",
    namespace: Any = "vision",
    labels: Mapping[str, Any] | None = None,
    type_: str = DEPLOYMENT,
    refers: Mapping[str, Resource | Sequence[Resource]] | None = None,
    **change: Any,
) -> Resource:
    """A Deployment, or another server by its type."""
    template = {"metadata": {"labels": {"app": name, **(labels or {})}}, "spec": pod_spec(*containers, **change)}
    properties = {"metadata": metadata(name, namespace), "spec": {"template": template}}
    return made(type_, name, properties, refers=refers)


def job(
    *containers: Mapping[str, Any],
    name: str = "it",
    namespace: Any = "vision",
    labels: Mapping[str, Any] | None = None,
    refers: Mapping[str, Resource | Sequence[Resource]] | None = None,
    **change: Any,
) -> Resource:
    """A Job with labels of its own."""
    properties = {
        "metadata": metadata(name, namespace, labels),
        "spec": {"template": {"spec": pod_spec(*containers, **change)}},
    }
    return made(JOB, name, properties, refers=refers)


def cron_job(*containers: Mapping[str, Any], labels: Mapping[str, Any] | None = None, **change: Any) -> Resource:
    """A CronJob whose jobs have these labels."""
    template = {"spec": pod_spec(*containers, **change)}
    job_template = {"metadata": {"labels": dict(labels or {})}, "spec": {"template": template}}
    return made(CRON_JOBS[0], "it", {"metadata": metadata("it"), "spec": {"jobTemplate": job_template}})


def metadata(name: str, namespace: Any = "vision", labels: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An object's metadata; a namespace that is None is left out."""
    named = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {**named, **({"labels": dict(labels)} if labels else {})}


def _merged(original: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(dict(original)) | dict(change)
    return {key: value for key, value in changed.items() if value is not None}
