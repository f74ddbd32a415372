"""The inference service: a Triton server with the trained model, ready when it answers KServe v2 requests."""

from collections.abc import Sequence
from typing import Any

import pulumi

from infra.platform import EntryPoint, Identity, Platform, ServiceSpecification, ServingSettings

SERVER = EntryPoint(
    "trainyard-serving",
    "trainyard_serving",
    ("trainyard_serving", "trainyard_artifacts"),
    obstacle="trainyard_serving.triton:triton_unavailable_reason",
    shared_memory="trainyard_serving.triton:shared_memory_prefix",
)
READY_PATH = "/v2/health/ready"
LIVE_PATH = "/v2/health/live"
FETCH_ARGUMENTS = ("--fetch-only",)
SERVE_ARGUMENTS = ("--serve-fetched",)
READINESS_DEADLINE_SECONDS = 180


def service_specification(
    settings: ServingSettings, *, job: str, run: str, manifest_uri: str, encryption_key_uri: str
) -> dict[str, Any]:
    """What the service has to do; ports and working folder are the platform's to add.

    :param job: Name of the job that has trained the model, and of service and model.
    """
    return {
        "service": job,
        "manifest_uri": manifest_uri,
        # Told beside the manifest: who can write to the bucket can put another run's manifest there.
        "job": job,
        "run": run,
        "encryption_key_uri": encryption_key_uri,
        "model_name": job,
        "max_batch_size": settings.max_batch_size,
        "queue_delay_microseconds": settings.queue_delay_microseconds,
        "max_queue_size": settings.max_queue_size,
        "queue_timeout_microseconds": settings.queue_timeout_microseconds,
        "response_cache_bytes": settings.response_cache_bytes,
    }


class InferenceService(pulumi.ComponentResource):
    """Serves the model of one run."""

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
        *,
        job: str,
        run: pulumi.Input[str],
        manifest_uri: pulumi.Input[str],
        after: Sequence[pulumi.Input[pulumi.Resource]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """:param job: Name of the job that has trained the model; clients call the model so.
        :param run: The run's name.
        :param manifest_uri: URI of the run's manifest.
        :param after: What has to be done before the manifest is there.
        """
        super().__init__("trainyard:serving:InferenceService", name, None, opts)
        document = pulumi.Output.all(
            run=run, manifest_uri=manifest_uri, encryption_key_uri=platform.encryption_key_uri
        ).apply(lambda model: service_specification(settings, job=job, **model))
        service = platform.cluster.run_service(
            name,
            ServiceSpecification(
                SERVER,
                document,
                Identity.SERVING,
                ports={"http": settings.http_port, "grpc": settings.grpc_port, "metrics": settings.metrics_port},
                readiness_path=READY_PATH,
                liveness_path=LIVE_PATH,
                fetch_arguments=FETCH_ARGUMENTS,
                serve_arguments=SERVE_ARGUMENTS,
                pods=settings.pods,
                scaling=settings.scaling,
                exposure=settings.exposure,
                authentication=settings.authentication,
                limits=settings.limits,
                readiness_deadline_seconds=READINESS_DEADLINE_SECONDS,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        scheme = "https" if service.encrypted else "http"
        self.http_url = service.endpoints.apply(lambda endpoints: f"{scheme}://{endpoints['http']}")
        self.grpc_url = service.endpoints.apply(lambda endpoints: endpoints["grpc"])
        self.metrics_url = service.endpoints.apply(lambda endpoints: f"http://{endpoints['metrics']}/metrics")
        outputs = {"http_url": self.http_url, "grpc_url": self.grpc_url, "metrics_url": self.metrics_url}
        self.register_outputs(outputs)
