"""The inference service: a Triton server with the trained model, ready when it answers KServe v2 requests."""

from collections.abc import Sequence
from typing import Any

import pulumi

from infra.platform import (
    TRAINED,
    EntryPoint,
    Identity,
    Platform,
    ReleaseSettings,
    ServiceSpecification,
    ServingSettings,
)

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
ENGINES_DEADLINE_SECONDS = 1800
"""Likewise where TensorRT builds engines before, which takes seconds to minutes for each release."""
ENGINE_DIRECTORY = "/dev/shm/trainyard-engines"  # noqa: S108  # of a pod's own, in memory, and its owner's only
"""Where a pod keeps TensorRT's engines, so that a server started anew in it need not build them again."""


def service_specification(
    settings: ServingSettings, *, job: str, run: str, manifest_uri: str, encryption_key_uri: str
) -> dict[str, Any]:
    """What the service has to do; ports and working folder are the platform's to add.

    :param job: Name of the job that has trained the models, and of service and model.
    :param run: The run that the stack has trained.
    :param manifest_uri: Its manifest. Those of the job's earlier runs lie beside it, in a folder for each.
    """
    runs, _, manifest = manifest_uri.rsplit("/", 2)

    def run_of(release: ReleaseSettings) -> str:
        return run if release.run == TRAINED else release.run

    releases = settings.releases or (ReleaseSettings(),)
    return {
        "service": job,
        "job": job,
        "releases": [
            {
                "version": release.version,
                "manifest_uri": f"{runs}/{run_of(release)}/{manifest}",
                # Told beside the manifest: who can write to the bucket can put another run's manifest there.
                "run": run_of(release),
                "variant": release.variant,
                "percent": release.percent,
            }
            for release in releases
        ],
        "encryption_key_uri": encryption_key_uri,
        "model_name": job,
        "max_batch_size": settings.max_batch_size,
        "queue_delay_microseconds": settings.queue_delay_microseconds,
        "max_queue_size": settings.max_queue_size,
        "queue_timeout_microseconds": settings.queue_timeout_microseconds,
        "response_cache_bytes": settings.response_cache_bytes,
        "accelerator": settings.accelerator,
        "precision": settings.precision,
        "accelerator_workspace_mib": settings.accelerator_workspace_mib,
        "engine_dir": ENGINE_DIRECTORY if settings.accelerator == "tensorrt" else None,
        "executions_at_once": settings.executions_at_once,
        "images": settings.images,
    }


class InferenceService(pulumi.ComponentResource):
    """Serves the model that the stack has trained, and those of the job's earlier runs that the settings name."""

    http_url: pulumi.Output[str]
    """Where KServe v2 over HTTP is spoken, known when the service is ready."""
    grpc_url: pulumi.Output[str]
    """`HOST:PORT` where KServe v2 over gRPC is spoken."""
    metrics_url: pulumi.Output[str]
    """Where Prometheus metrics are read."""
    token: pulumi.Output[str] | None
    """What clients show to the service's front on one machine, a secret; None where others give it to them."""
    releases: pulumi.Output[list[dict[str, Any]]]
    """What is served: version, run, variant and share of each release, and the URI of its manifest."""

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
        """:param job: Name of the job that has trained the models; clients call the model so.
        :param run: The name of the run that the stack has trained.
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
                readiness_deadline_seconds=(
                    READINESS_DEADLINE_SECONDS if settings.accelerator == "none" else ENGINES_DEADLINE_SECONDS
                ),
            ),
            pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        scheme = "https" if service.encrypted else "http"
        self.http_url = service.endpoints.apply(lambda endpoints: f"{scheme}://{endpoints['http']}")
        self.grpc_url = service.endpoints.apply(lambda endpoints: endpoints["grpc"])
        self.metrics_url = service.endpoints.apply(lambda endpoints: f"http://{endpoints['metrics']}/metrics")
        self.token = service.token
        self.releases = document.apply(lambda told: told["releases"])
        outputs = {"http_url": self.http_url, "grpc_url": self.grpc_url, "metrics_url": self.metrics_url}
        self.register_outputs({**outputs, "releases": self.releases})
