"""What the services of a team share, and the objects that they are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.kubernetes.charts import gateway, prometheus
from infra.kubernetes.charts.chart import GATEWAY, MONITORING
from infra.kubernetes.node_pools import NodePool
from infra.kubernetes.object import Manifest, namespaced
from infra.kubernetes.service.authentication import KEYS_PATH

SERVICE_LABEL = "trainyard.dev/service"
"""Pods of a service have it, with the service's name."""
CLIENT_LABEL = "trainyard.dev/client"
"""Pods of the service's namespace that have it, with the value true, get through to the service."""


@dataclass(frozen=True, kw_only=True)
class ServiceSurroundings:
    """What the services of a team share."""

    namespace: str
    pools: Sequence[NodePool]
    front_image: str
    """Envoy by its digest, of the version that the tests run: 1.40."""
    issuer: pulumi.Input[str]
    """The issuer of the cluster's own tokens, an https URL."""
    issuer_keys_path: str = KEYS_PATH
    """Where that issuer's public keys are, below its URL."""
    environment: Mapping[str, pulumi.Input[str]]
    """Environment variables of the container that fetches; nothing secret."""
    labels: Mapping[str, str]
    """Labels of every object."""
    metrics_namespace: str = MONITORING
    """Where Prometheus runs."""
    prometheus_url: str = prometheus.ADDRESS
    """Where KEDA asks it."""
    gateway_class: str = gateway.CLASS
    """The platform's own class of gateways."""
    gateway_namespace: str = GATEWAY
    """Where the pods of its gateways run."""
    cluster_domain: str = "cluster.local"
    without_credentials_annotation: str = ""
    """Annotation of a pod with the containers that the cloud gives no credentials, divided by commas; on EKS
    `eks.amazonaws.com/skip-containers`."""

    def manifest(
        self,
        version: str,
        kind: str,
        name: str,
        content: Mapping[str, Any],
        *,
        service: str,
        annotations: Mapping[str, str] | None = None,
    ) -> Manifest:
        """An object of a service.

        :param version: Kubernetes' `apiVersion`.
        """
        return namespaced(version, kind, self.namespace, name, self.labels_of(service), content, annotations)

    def labels_of(self, service: str) -> dict[str, str]:
        """The labels of a service's objects."""
        return {**self.labels, "app.kubernetes.io/name": service, SERVICE_LABEL: service}


def selector_of(service: str) -> dict[str, str]:
    """The label that a service's pods, and no others, have."""
    return {SERVICE_LABEL: service}
