"""The containers of the service's pods: one that fetches the model, one that serves it, and the front between them and
the network.

The first has the identity's credentials and hears nobody; it writes the decrypted model to memory and ends. The server
has no credentials, cannot write to the model, and listens on loopback. Envoy is a sidecar: it starts before the server
and ends after it, and probes reach the server through it.

Sources: Kubernetes, "Sidecar Containers", "Pod Lifecycle" (termination with sidecars), "Container Lifecycle Hooks".
"""

import math
from collections.abc import Mapping
from typing import Any

import pulumi

from infra.cluster import ServiceSpecification
from infra.kubernetes import quantities
from infra.kubernetes.node_pools import GPU_RESOURCE
from infra.kubernetes.pod_security import container_security
from infra.kubernetes.service.addresses import (
    BOOTSTRAP_FILE,
    FRONT_FILES,
    MODEL_FOLDER,
    PORTS,
    SHARED_MEMORY_FOLDER,
    SPECIFICATION_FILE,
    SPECIFICATION_FOLDER,
    TEMPORARY_FOLDER,
)
from infra.kubernetes.service.authenticating_front import (
    CONNECTION_SECONDS,
    GOODBYE_SECONDS,
    IDLE_SECONDS,
    front_arguments,
    front_memory_gib,
)
from infra.kubernetes.service.front_routes import FRONT_PATH
from infra.service_settings import AuthenticationSettings, LimitSettings
from infra.workload_settings import ServicePodSettings

FETCH, FRONT, SERVER = "fetch", "front", "server"

FRONT_CPUS = 0.5
PROPAGATION_SECONDS = 5
"""Seconds until nobody opens a connection to a pod that is to end: proxies and gateways have heard of it."""
PREPARING_SECONDS = PROPAGATION_SECONDS + CONNECTION_SECONDS + max(GOODBYE_SECONDS, IDLE_SECONDS)
"""Seconds from then until the server is asked to end: by then every connection to the pod has been given up."""
MARGIN_SECONDS = 10
"""Seconds for the server to unload the model and for the front to end."""

_EPHEMERAL_GIB = 0.5
_PROBE_SECONDS = 5


def fetch_memory_gib(pods: ServicePodSettings) -> float:
    """Memory of the fetcher: the stored model, the decrypted one, and the file in memory, besides the interpreter."""
    return 0.25 + 3 * pods.model_gib


def grace_seconds(limits: LimitSettings) -> int:
    """Seconds from a pod's being told to end to its being killed: no request that it has is lost."""
    return PREPARING_SECONDS + limits.timeout_seconds + MARGIN_SECONDS


def fetch_container(
    service: ServiceSpecification, image: pulumi.Input[str], environment: Mapping[str, pulumi.Input[str]]
) -> dict[str, Any]:
    """Brings the model into memory, and ends."""
    memory = quantities.gib(fetch_memory_gib(service.pods))
    # Triton's image says that it is to see all GPUs, whether or not it asks for any.
    own = {"HOME": TEMPORARY_FOLDER, "NVIDIA_VISIBLE_DEVICES": "void"}
    return {
        "name": FETCH,
        "image": image,
        "command": _command(service, service.fetch_arguments),
        "env": _environment({**environment, **own, **service.environment}),
        "resources": _resources(quantities.cpus(service.pods.cpus), memory),
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            _mount("specification", SPECIFICATION_FOLDER, read_only=True),
            _mount("model", MODEL_FOLDER),
            _mount("temporary", TEMPORARY_FOLDER),
        ],
    }


def server_container(service: ServiceSpecification, image: pulumi.Input[str]) -> dict[str, Any]:
    """Serves the model to its own pod."""
    pods = service.pods
    ready = _probe(service.readiness_path)
    deadline = {"periodSeconds": _PROBE_SECONDS, "timeoutSeconds": _PROBE_SECONDS}
    # The model's runtime counts the node's CPUs, not those that the container may use.
    threads = {"TRAINYARD_THREADS": str(max(1, math.floor(pods.cpus)))}
    return {
        "name": SERVER,
        "image": image,
        "command": _command(service, service.serve_arguments),
        "env": _environment({**threads, "HOME": TEMPORARY_FOLDER, **service.environment}),
        "resources": _resources(quantities.cpus(pods.cpus), quantities.gib(pods.memory_gib), gpu_amounts(pods)),
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "startupProbe": {
            **ready,
            **deadline,
            "failureThreshold": math.ceil(service.readiness_deadline_seconds / _PROBE_SECONDS),
        },
        "readinessProbe": {**ready, **deadline, "failureThreshold": 2},
        # Slower than the front's own, so that a front that hangs is started anew, and not the server.
        "livenessProbe": {
            **_probe(service.liveness_path or service.readiness_path),
            "periodSeconds": 10,
            "timeoutSeconds": _PROBE_SECONDS,
            "failureThreshold": 6,
        },
        "lifecycle": {"preStop": {"sleep": {"seconds": PREPARING_SECONDS}}},
        "volumeMounts": [
            _mount("specification", SPECIFICATION_FOLDER, read_only=True),
            _mount("model", MODEL_FOLDER, read_only=True),
            _mount("temporary", TEMPORARY_FOLDER),
            _mount("shared-memory", SHARED_MEMORY_FOLDER),
        ],
    }


def front_container(service: ServiceSpecification, image: str) -> dict[str, Any]:
    """Envoy, between the network and the server."""
    alive = {**_probe(FRONT_PATH), "timeoutSeconds": _PROBE_SECONDS}
    return {
        "name": FRONT,
        "image": image,
        "restartPolicy": "Always",
        "command": ["envoy"],
        "args": front_arguments(f"{FRONT_FILES.configuration}/{BOOTSTRAP_FILE}"),
        "ports": [
            {"name": "clients", "containerPort": PORTS.clients},
            {"name": "health", "containerPort": PORTS.health},
            {"name": "metrics", "containerPort": PORTS.metrics},
        ],
        "resources": _resources(
            quantities.cpus(FRONT_CPUS), quantities.gib(front_memory_gib(service.limits)), storage_gib=0.25
        ),
        "securityContext": container_security(),
        "startupProbe": {**alive, "periodSeconds": 1, "failureThreshold": 30},
        # The clients' port is open as soon as the issuer's keys have been fetched, or cannot be.
        "readinessProbe": {"tcpSocket": {"port": PORTS.clients}, "periodSeconds": _PROBE_SECONDS},
        "livenessProbe": {**alive, "periodSeconds": 10, "failureThreshold": 3},
        "volumeMounts": [
            _mount("front", FRONT_FILES.configuration, read_only=True),
            *(
                _mount(volume, folder, read_only=True)
                for volume, folder in front_secrets(service.authentication).items()
            ),
        ],
    }


def front_secrets(authentication: AuthenticationSettings) -> dict[str, str]:
    """The volumes of certificates that the front reads, with their folders."""
    found = {
        "certificate": (authentication.certificate_secret, FRONT_FILES.certificate),
        "client-ca": (authentication.client_ca_secret, FRONT_FILES.client_ca),
        "jwks-ca": (authentication.jwks_ca_config_map, FRONT_FILES.jwks_ca),
    }
    return {volume: folder for volume, (source, folder) in found.items() if source}


def gpu_amounts(pods: ServicePodSettings) -> dict[str, str]:
    """The GPUs, or the slice of one, that the server asks for."""
    if pods.mig_profile:
        return {f"nvidia.com/mig-{pods.mig_profile}": "1"}
    return {GPU_RESOURCE: str(pods.gpus)} if pods.gpus else {}


def _command(service: ServiceSpecification, stage: tuple[str, ...]) -> list[str]:
    document = f"{SPECIFICATION_FOLDER}/{SPECIFICATION_FILE}"
    return ["python3", "-m", service.entry_point.module, *stage, *service.arguments, document]


def _environment(variables: Mapping[str, pulumi.Input[str]]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in variables.items()]


def _resources(
    cpus: str, memory: str, more: Mapping[str, str] | None = None, *, storage_gib: float = _EPHEMERAL_GIB
) -> dict[str, Any]:
    """Requests that are the limits: what is counted on is there, and nobody else's."""
    amounts = {"cpu": cpus, "memory": memory, "ephemeral-storage": quantities.gib(storage_gib), **(more or {})}
    return {"requests": amounts, "limits": amounts}


def _probe(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": PORTS.health}}


def _mount(volume: str, folder: str, *, read_only: bool = False) -> dict[str, Any]:
    return {"name": volume, "mountPath": folder, **({"readOnly": True} if read_only else {})}
