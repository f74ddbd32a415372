"""Trainyard: a platform, a model trained on it, and the service that serves the model."""

from collections.abc import Mapping
from typing import Any

import pulumi

from infra.platform import Platform, create_data, create_platform
from infra.settings import Settings, load_settings
from workloads.serving.component import SERVER, InferenceService
from workloads.training.component import TRAINER, TrainingJob, job_name


def export(outputs: Mapping[str, pulumi.Input[Any]]) -> None:
    """What people and other stacks need to know of this one."""
    for name, value in outputs.items():
        pulumi.export(name, value)


def deploy(settings: Settings) -> None:
    """The platform, and what runs on it as far as it can."""
    job = job_name(settings.training)
    platform = create_platform(settings, workload=job)
    export(
        {
            "datasets_uri": platform.datasets_uri,
            "checkpoints_uri": platform.checkpoints_uri,
            "models_uri": platform.models_uri,
            "logs_uri": platform.logs_uri,
            "encryption_key_uri": platform.encryption_key_uri,
            "job": job,
            **({"expires_at": settings.expires_at} if settings.expires_at else {}),
            **platform.outputs,
        }
    )
    obstacle = (
        platform.cluster.obstacle(TRAINER) if settings.training.enabled else "trainyard:training.enabled is false"
    )
    if obstacle:
        pulumi.log.warn(f"Training and inference service are left out: {obstacle}")
        return
    training = TrainingJob("training", settings.training, platform)
    export({"manifest_uri": training.manifest_uri, "run": training.run})
    serve(settings, platform, job, training)


def serve(settings: Settings, platform: Platform, job: str, training: TrainingJob) -> None:
    """The inference service, once the training has finished."""
    obstacle = platform.cluster.obstacle(SERVER) if settings.serving.enabled else None
    if obstacle is not None:
        pulumi.log.warn(f"The inference service is left out: {obstacle}")
    elif settings.serving.enabled:
        serving = InferenceService(
            "serving",
            settings.serving,
            platform,
            job=job,
            run=training.run,
            manifest_uri=training.manifest_uri,
            after=[training.finished],
        )
        export(
            {
                "http_url": serving.http_url,
                "grpc_url": serving.grpc_url,
                "metrics_url": serving.metrics_url,
                "releases": serving.releases,
            }
        )
        if serving.token is not None:
            pulumi.export("service_token", serving.token)


def main() -> None:
    """All of a stack, or its data alone."""
    settings = load_settings()
    if settings.part == "data":
        export(create_data(settings))
    else:
        deploy(settings)


main()
