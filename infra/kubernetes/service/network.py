"""Who gets through to the service's pods: their clients to one port, Prometheus to another, and nobody else.

The kubelet's probes always get through. What the pods may reach themselves is as for every pod of the namespace
(`network_policies`): names, the cloud's services, the identity's credentials; and the issuer's keys, wherever they are.

Source: Kubernetes, "Network Policies".
"""

from typing import Any
from urllib.parse import urlsplit

from infra.kubernetes.network_policies import policy
from infra.kubernetes.object import Manifest
from infra.kubernetes.service.addresses import PORTS
from infra.kubernetes.service.surroundings import CLIENT_LABEL, ServiceSurroundings, selector_of
from infra.service_settings import AuthenticationSettings, ExposureSettings

HTTPS_PORT = 443
"""What every pod of the namespace may reach."""


def network_policy(
    name: str, exposure: ExposureSettings, authentication: AuthenticationSettings, around: ServiceSurroundings
) -> Manifest:
    """Lets clients and Prometheus through."""
    clients: list[dict[str, Any]] = [{"podSelector": {"matchLabels": {CLIENT_LABEL: "true"}}}]
    if exposure.kind != "cluster":
        clients.append(_namespace(exposure.proxy_namespace or around.gateway_namespace))
    keys_port = urlsplit(authentication.jwks_uri or authentication.issuer).port or HTTPS_PORT
    keys = [{"ports": [{"protocol": "TCP", "port": keys_port}]}]
    return policy(
        around.namespace,
        name,
        selector_of(name),
        around.labels_of(name),
        ingress=[_from(clients, PORTS.clients), _from([_namespace(around.metrics_namespace)], PORTS.metrics)],
        egress=keys if authentication.mechanism == "jwt" and keys_port != HTTPS_PORT else None,
    )


def _from(peers: list[dict[str, Any]], port: int) -> dict[str, Any]:
    return {"from": peers, "ports": [{"protocol": "TCP", "port": port}]}


def _namespace(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
