"""Services with different settings, for tests of what is made of them."""

from collections.abc import Mapping
from typing import Any

from infra.cluster import ServiceSpecification
from infra.kubernetes.object import Manifest
from infra.kubernetes.service.manifests import service_manifests
from infra.kubernetes.service.surroundings import ServiceSurroundings
from infra.workload_settings import ServingSettings
from tests.infra.kubernetes.manifests import resolved
from tests.infra.kubernetes.pools import POOLS
from workloads.serving.component import (
    FETCH_ARGUMENTS,
    LIVE_PATH,
    READY_PATH,
    SERVE_ARGUMENTS,
    SERVER,
    service_specification,
)

NAME = "serving"
IMAGE = f"registry.example.com/trainyard/serving@sha256:{'1' * 64}"
ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
KEY = "aws-kms://arn:aws:kms:eu-west-1:123456789012:key/b416a86a-7f4b-459f-887b-45d34490660f"
AROUND = ServiceSurroundings(
    namespace="research",
    pools=POOLS,
    front_image=f"registry.example.com/envoyproxy/envoy@sha256:{'2' * 64}",
    issuer=ISSUER,
    environment={"AWS_REGION": "eu-west-1"},
    labels={"app.kubernetes.io/part-of": "trainyard"},
    without_credentials_annotation="eks.amazonaws.com/skip-containers",
)
OUTSIDE = {"host": "digits.example.com", "certificate_secret": "digits-tls"}

TABLE: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "gpu": {
        "pods": {"gpus": 1, "cpus": 2, "memory_gib": 8, "model_gib": 2, "capacity": "spot"},
        "scaling": {"metric": "gpu", "min_pods": 2, "max_pods": 8},
    },
    "slice": {
        "pods": {"mig_profile": "1g.5gb", "pool": "large", "capacity": "spot", "memory_gib": 8},
        "scaling": {"to_zero": True, "metric": "gpu", "demand_query": "sum(rate(asked_total[1m]))"},
    },
    "fixed": {"scaling": {"min_pods": 2, "max_pods": 2}, "authentication": {"mechanism": "none"}},
    "mtls": {
        "scaling": {"metric": "cpu"},
        "authentication": {
            "mechanism": "mtls",
            "client_ca_secret": "clients",
            "certificate_secret": "serving-tls",
            "subjects": ["spiffe://example.com/ns/research/sa/caller"],
        },
        "limits": {"inference": "grpc"},
    },
    "gateway": {
        "exposure": {"kind": "gateway", **OUTSIDE},
        "scaling": {"to_zero": True},
        "authentication": {"certificate_secret": "serving-tls"},
    },
    "ingress": {
        "exposure": {"kind": "ingress", "class_name": "internal", "proxy_namespace": "ingress", **OUTSIDE},
        "authentication": {
            "issuer": "https://idp.example.com/realms/ml",
            "jwks_uri": "https://idp.example.com/realms/ml/protocol/openid-connect/certs",
            "jwks_ca_config_map": "idp-ca",
            "audiences": ["digits", "others"],
            "subjects": ["4a1c", "9f3e"],
        },
        "limits": {"request_mib": 0.5, "timeout_seconds": 120, "concurrent_requests": 4, "connections": 50},
    },
}


def specification(name: str = "default", **changes: Any) -> ServiceSpecification:
    """The service of a row of the table."""
    settings = ServingSettings.model_validate({**TABLE[name], **changes})
    document = service_specification(
        settings,
        job="digits",
        run="0123456789ab",
        manifest_uri="s3://stack-models/digits/0123456789ab/manifest.json",
        encryption_key_uri=KEY,
    )
    return ServiceSpecification(
        SERVER,
        document,
        "serving",
        ports={"http": 0, "grpc": 0, "metrics": 0},
        readiness_path=READY_PATH,
        liveness_path=LIVE_PATH,
        fetch_arguments=FETCH_ARGUMENTS,
        serve_arguments=SERVE_ARGUMENTS,
        readiness_deadline_seconds=180,
        pods=settings.pods,
        scaling=settings.scaling,
        exposure=settings.exposure,
        authentication=settings.authentication,
        limits=settings.limits,
    )


def manifests(name: str = "default", around: ServiceSurroundings = AROUND, **changes: Any) -> list[Manifest]:
    """Its objects, with everything known."""
    return resolved(lambda: service_manifests(NAME, specification(name, **changes), IMAGE, around))


def one_of(found: list[Manifest], kind: str) -> dict[str, Any]:
    """The `spec` of the only object of a kind."""
    (manifest,) = [each for each in found if each["kind"] == kind]
    return dict(manifest["spec"])


def pod_of(found: list[Manifest]) -> dict[str, Any]:
    """The `spec` of the service's pods."""
    return dict(one_of(found, "Deployment")["template"]["spec"])


def containers_of(found: list[Manifest]) -> dict[str, dict[str, Any]]:
    """Every container of a pod by name, in the order in which they start."""
    pod = pod_of(found)
    return {each["name"]: each for each in [*pod["initContainers"], *pod["containers"]]}
