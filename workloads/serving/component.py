"""The inference service: a Triton server with the trained model, ready when it answers KServe v2 requests."""

from typing import Any

import pulumi

from infra.platform import EntryPoint, Identity, Platform, ServiceSpecification, ServingSettings

SERVICE = "digits"
"""Name of the service and of the model that it serves."""
SERVER = EntryPoint(
    "trainyard-serving",
    "trainyard_serving",
    ("trainyard_serving", "trainyard_artifacts"),
    obstacle="trainyard_serving.triton:triton_unavailable_reason",
)
READY_PATH = "/v2/health/ready"
READINESS_DEADLINE_SECONDS = 180


def service_specification(settings: ServingSettings, manifest_uri: str) -> dict[str, Any]:
    """What the service has to do; ports and working folder are the platform's to add."""
    return {
        "service": SERVICE,
        "manifest_uri": manifest_uri,
        "model_name": SERVICE,
        "max_batch_size": settings.max_batch_size,
        "queue_delay_microseconds": settings.queue_delay_microseconds,
    }


class InferenceService(pulumi.ComponentResource):
    """Serves the model of a manifest."""

    http_url: pulumi.Output[str]
    """Where KServe v2 over HTTP is spoken, known when the service is ready."""
    grpc_url: pulumi.Output[str]
    """`HOST:PORT` where KServe v2 over gRPC is spoken."""
    metrics_url: pulumi.Output[str]
    """Where Prometheus metrics are read."""

    def __init__(
        self,
        name: str,
        settings: ServingSettings,
        platform: Platform,
        manifest_uri: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("trainyard:serving:InferenceService", name, None, opts)
        service = platform.cluster.run_service(
            name,
            ServiceSpecification(
                SERVER,
                pulumi.Output.from_input(manifest_uri).apply(lambda uri: service_specification(settings, uri)),
                Identity.SERVING,
                ports={"http": settings.http_port, "grpc": settings.grpc_port, "metrics": settings.metrics_port},
                readiness_path=READY_PATH,
                readiness_deadline_seconds=READINESS_DEADLINE_SECONDS,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.http_url = service.endpoints.apply(lambda endpoints: f"http://{endpoints['http']}")
        self.grpc_url = service.endpoints.apply(lambda endpoints: endpoints["grpc"])
        self.metrics_url = service.endpoints.apply(lambda endpoints: f"http://{endpoints['metrics']}/metrics")
        outputs = {"http_url": self.http_url, "grpc_url": self.grpc_url, "metrics_url": self.metrics_url}
        self.register_outputs(outputs)
