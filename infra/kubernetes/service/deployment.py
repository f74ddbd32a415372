"""The Deployment of the service: its pods, the nodes that they go to, and how they follow each other.

A new pod is ready before an old one ends, and an old one ends when all of its clients have gone elsewhere: an update
loses no request. It needs room for one pod more, a GPU among it where a pod has one.

Source: Kubernetes, "Deployments", "Pod Topology Spread Constraints", "Volumes" (emptyDir).
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from infra.cluster import ServiceSpecification
from infra.kubernetes import quantities
from infra.kubernetes.charts.pod_values import scraped
from infra.kubernetes.node_pools import node_affinity_of, tolerations_of
from infra.kubernetes.object import Manifest
from infra.kubernetes.placement import Need, need_of_service, pools_for
from infra.kubernetes.pod_security import pod_security
from infra.kubernetes.priority_classes import priority_class
from infra.kubernetes.service.addresses import PORTS
from infra.kubernetes.service.authenticating_front import front_memory_gib
from infra.kubernetes.service.containers import (
    FRONT,
    FRONT_CPUS,
    SERVER,
    fetch_container,
    fetch_memory_gib,
    front_container,
    grace_seconds,
    server_container,
)
from infra.kubernetes.service.front_routes import SERVER_METRICS_PATH
from infra.kubernetes.service.surroundings import ServiceSurroundings, selector_of
from infra.service_settings import AuthenticationSettings, LimitSettings
from infra.workload_settings import ServicePodSettings

SERVING_USER = 1000
"""User of the serving image, and of Envoy here."""
NODE_START_SECONDS = 900
"""Seconds in which a node is there that the first pod has to wait for, its image included."""
_TEMPORARY_GIB = 0.25
_SHARED_MEMORY_GIB = 0.25


def service_need(pods: ServicePodSettings, limits: LimitSettings) -> Need:
    """What one pod asks of a node, its containers beside the server included."""
    memory = max(pods.memory_gib + front_memory_gib(limits), fetch_memory_gib(pods))
    return need_of_service(pods, extra_cpus=FRONT_CPUS, extra_memory_gib=memory - pods.memory_gib)


def deployment(
    name: str,
    service: ServiceSpecification,
    image: pulumi.Input[str],
    around: ServiceSurroundings,
    digests: Mapping[str, pulumi.Input[str]],
) -> Manifest:
    """The Deployment.

    :param digests: Annotations by which pods are made anew when what they read has changed.
    Raises pulumi.RunError where no pool fits.
    """
    annotations = {
        **digests,
        **scraped(PORTS.metrics, SERVER_METRICS_PATH),
        # What is in the volumes is there again as soon as the pod is.
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "true",
    }
    if around.without_credentials_annotation:
        annotations[around.without_credentials_annotation] = f"{FRONT},{SERVER}"
    spec: dict[str, Any] = {
        # Else the number is the autoscaler's, and an update must not take it back.
        **({"replicas": service.scaling.min_pods} if service.scaling.fixed else {}),
        "selector": {"matchLabels": selector_of(name)},
        "minReadySeconds": 5,
        "progressDeadlineSeconds": NODE_START_SECONDS + service.readiness_deadline_seconds,
        "revisionHistoryLimit": 3,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": around.labels_of(name), "annotations": annotations},
            "spec": _pod(name, service, image, around),
        },
    }
    return around.manifest("apps/v1", "Deployment", name, {"spec": spec}, service=name)


def _pod(
    name: str, service: ServiceSpecification, image: pulumi.Input[str], around: ServiceSurroundings
) -> dict[str, Any]:
    pools = pools_for(service_need(service.pods, service.limits), around.pools, f"{name}.pods")
    pod: dict[str, Any] = {
        "serviceAccountName": str(service.identity),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "priorityClassName": priority_class(service.pods.priority),
        "terminationGracePeriodSeconds": grace_seconds(service.limits),
        "securityContext": pod_security(SERVING_USER),
        "affinity": {"nodeAffinity": node_affinity_of(pools)},
        "topologySpreadConstraints": [
            _spread(name, "topology.kubernetes.io/zone"),
            _spread(name, "kubernetes.io/hostname"),
        ],
        "initContainers": [
            fetch_container(service, image, around.environment),
            front_container(service, around.front_image),
        ],
        "containers": [server_container(service, image)],
        "volumes": _volumes(name, service.pods, service.authentication),
    }
    if tolerations := tolerations_of(pools):
        pod["tolerations"] = tolerations
    return pod


def _spread(name: str, topology: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector_of(name)},
        # Pods that an update is about to end do not count.
        "matchLabelKeys": ["pod-template-hash"],
    }


def _volumes(name: str, pods: ServicePodSettings, authentication: AuthenticationSettings) -> list[dict[str, Any]]:
    def empty(volume: str, size: float, **medium: str) -> dict[str, Any]:
        return {"name": volume, "emptyDir": {**medium, "sizeLimit": quantities.gib(size)}}

    def secret(volume: str, source: str, *keys: str) -> list[dict[str, Any]]:
        items = [{"key": key, "path": key} for key in keys]
        # Only the owner and the pod's group: what else runs on the node does not.
        content = {"secretName": source, "defaultMode": 0o440, "items": items}
        return [{"name": volume, "secret": content}] if source else []

    authority = authentication.jwks_ca_config_map
    return [
        {"name": "specification", "configMap": {"name": specification_name(name)}},
        {"name": "front", "configMap": {"name": front_name(name)}},
        empty("model", pods.model_gib, medium="Memory"),
        empty("shared-memory", _SHARED_MEMORY_GIB, medium="Memory"),
        empty("temporary", _TEMPORARY_GIB),
        *secret("certificate", authentication.certificate_secret, "tls.crt", "tls.key"),
        *secret("client-ca", authentication.client_ca_secret, "ca.crt"),
        *([{"name": "jwks-ca", "configMap": {"name": authority}}] if authority else []),
    ]


def specification_name(service: str) -> str:
    """The ConfigMap of what is served."""
    return f"{service}-specification"


def front_name(service: str) -> str:
    """The ConfigMap of the front."""
    return f"{service}-front"
