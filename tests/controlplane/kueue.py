"""What the Kueue manager needs to run as a process beside a control plane, not as pods in a cluster.

Its webhooks are reached by address instead of by a service. Its own certificate rotation stays on, since without it
Kueue reads its certificates from a folder of the system, but finds a certificate that needs no rotation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.controlplane.certificates import Certificate, encoded

NAMESPACE = "kueue-system"
SERVICE_NAME = f"kueue-webhook-service.{NAMESPACE}.svc"
AUTHORITY_NAME = "kueue-ca"
"""What an authority has to be called, or Kueue replaces it by its own."""

_SECRET = "kueue-webhook-server-cert"
_GROUPS = ("kueue.x-k8s.io", "batch")
# config/components/crd/kustomization.yaml of Kueue.
_CONVERTED = ("clusterqueues", "cohorts", "localqueues", "multikueueclusters", "workloads")


@dataclass(frozen=True)
class Ports:
    """The ports of 127.0.0.1 that Kueue listens on."""

    webhook: int
    health: int


def kueue_configuration(certificates: Path, ports: Ports) -> dict[str, Any]:
    """Kueue's configuration: Jobs only, no metrics, no visibility API; `certificates` is the webhooks' folder."""
    return {
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "namespace": NAMESPACE,
        "health": {"healthProbeBindAddress": f"127.0.0.1:{ports.health}"},
        "metrics": {"bindAddress": "0"},
        "webhook": {"host": "127.0.0.1", "port": ports.webhook, "certDir": str(certificates)},
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {"enable": True, "webhookSecretName": _SECRET},
        "integrations": {"frameworks": ["batch/job"]},
        "featureGates": {"VisibilityOnDemand": False},
    }


def namespace_and_secret(authority: Certificate, serving: Certificate) -> list[dict[str, Any]]:
    """Kueue's namespace and the secret in which it looks for the certificate of its webhooks."""
    data = {
        "ca.crt": authority.certificate,
        "ca.key": authority.key,
        "tls.crt": serving.certificate,
        "tls.key": serving.key,
    }
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": _SECRET, "namespace": NAMESPACE},
            "data": {name: encoded(content) for name, content in data.items()},
        },
    ]


def conversions(authority: bytes, ports: Ports) -> dict[str, dict[str, Any]]:
    """What makes Kueue convert between the versions of its kinds: what to add to the definition of this name."""
    webhook = {"clientConfig": _client(ports, "/convert", authority), "conversionReviewVersions": ["v1"]}
    conversion = {"conversion": {"strategy": "Webhook", "webhook": webhook}}
    return {f"{plural}.kueue.x-k8s.io": conversion for plural in _CONVERTED}


def webhooks(published: Sequence[dict[str, Any]], authority: bytes, ports: Ports) -> Iterator[dict[str, Any]]:
    """Kueue's webhook configurations, as it publishes them, for its own kinds and Jobs, at its address here."""
    for document in published:
        kept = [
            webhook | {"clientConfig": _client(ports, webhook["clientConfig"]["service"]["path"], authority)}
            for webhook in document["webhooks"]
            if all(group in _GROUPS for rule in webhook["rules"] for group in rule["apiGroups"])
        ]
        name = f"kueue-{document['metadata']['name']}"
        yield document | {"metadata": {"name": name}, "webhooks": kept}


def _client(ports: Ports, path: str, authority: bytes) -> dict[str, Any]:
    return {"url": f"https://127.0.0.1:{ports.webhook}{path}", "caBundle": encoded(authority)}
