"""Everything that a service is on Kubernetes, in the order in which it is applied. Pure.

What a pod reads (its specification, the front's configuration) is in ConfigMaps, and their digests are annotations of
the pods: what changes there makes new pods, one after the other.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
import yaml

from infra.cluster import ServiceSpecification
from infra.kubernetes.object import Manifest
from infra.kubernetes.service.addresses import (
    BOOTSTRAP_FILE,
    FRONT_FILES,
    LOOPBACK,
    MODEL_FOLDER,
    PORTS,
    SPECIFICATION_FILE,
    TEMPORARY_FOLDER,
)
from infra.kubernetes.service.authenticating_front import Front, bootstrap, front_memory_gib
from infra.kubernetes.service.authentication import Clients, secret_files
from infra.kubernetes.service.containers import gpu_amounts
from infra.kubernetes.service.deployment import deployment, front_name, specification_name
from infra.kubernetes.service.exposure import outside, services
from infra.kubernetes.service.network import network_policy
from infra.kubernetes.service.scaling import autoscaler, disruption_budget
from infra.kubernetes.service.surroundings import ServiceSurroundings
from infra.kubernetes.specification import DIGEST_ANNOTATION, document_text, text_digest

FRONT_DIGEST = "trainyard.dev/front-digest"


def service_manifests(
    name: str, service: ServiceSpecification, image: pulumi.Input[str], around: ServiceSurroundings
) -> list[Manifest]:
    """The objects of a service in apply order.

    :param image: The server's image by its digest.
    Raises pulumi.RunError where the pods fit on no pool of nodes.
    """
    document = pulumi.Output.from_input(service.document).apply(
        lambda known: document_text(pod_document(known, service))
    )
    front = pulumi.Output.from_input(around.issuer).apply(
        lambda issuer: front_text(bootstrap(front_of(service, around, issuer)))
    )
    secrets = {file: front_text(content) for file, content in secret_files(service.authentication, FRONT_FILES).items()}
    digests = {
        DIGEST_ANNOTATION: document.apply(text_digest),
        FRONT_DIGEST: front.apply(lambda text: text_digest(text + "".join(secrets.values()))),
    }
    return [
        around.manifest(
            "v1", "ConfigMap", specification_name(name), {"data": {SPECIFICATION_FILE: document}}, service=name
        ),
        around.manifest(
            "v1", "ConfigMap", front_name(name), {"data": {BOOTSTRAP_FILE: front, **secrets}}, service=name
        ),
        network_policy(name, service.exposure, service.authentication, around),
        disruption_budget(name, around),
        *services(name, service, around),
        deployment(name, service, image, around, digests),
        *autoscaler(name, service, around),
        *outside(name, service, around),
    ]


def pod_document(document: Mapping[str, Any], service: ServiceSpecification) -> dict[str, Any]:
    """The document with what a pod adds to it: where to listen, and where everything is."""
    return {
        **document,
        "http_port": PORTS.http,
        "grpc_port": PORTS.grpc,
        "metrics_port": PORTS.server_metrics,
        "listen_address": LOOPBACK,
        "work_dir": MODEL_FOLDER,
        "runtime_dir": f"{TEMPORARY_FOLDER}/server",
        "device": "gpu" if gpu_amounts(service.pods) else "cpu",
        "drain_seconds": service.limits.timeout_seconds,
    }


def front_of(service: ServiceSpecification, around: ServiceSurroundings, issuer: str) -> Front:
    """The front of a service's pods.

    :param issuer: The issuer of the cluster's own tokens, known.
    """
    return Front(
        clients=Clients(
            settings=service.authentication,
            cluster_issuer=issuer,
            cluster_keys_path=around.issuer_keys_path,
            namespace=around.namespace,
        ),
        limits=service.limits,
        readiness_path=service.readiness_path,
        liveness_path=service.liveness_path or service.readiness_path,
        memory_mib=round(front_memory_gib(service.limits) * 1024),
        behind_proxy=service.exposure.kind != "cluster",
    )


def front_text(configuration: Mapping[str, Any]) -> str:
    """A file of the front, as its ConfigMap has it: in the order in which it was put together."""
    return yaml.dump(configuration, Dumper=_WithoutReferences, sort_keys=False, width=110)


class _WithoutReferences(yaml.SafeDumper):
    """Writes again what is there twice, rather than refer to it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
