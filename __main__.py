"""Trainyard: a platform, a model trained on it, and the service that serves the model."""

import pulumi

from infra.platform import create_platform
from infra.settings import load_settings
from workloads.serving.component import SERVER, InferenceService
from workloads.training.component import TRAINER, TrainingJob, job_name

settings = load_settings()
job = job_name(settings.training)
platform = create_platform(settings, workload=job)

for name, uri in {
    "datasets_uri": platform.datasets_uri,
    "checkpoints_uri": platform.checkpoints_uri,
    "models_uri": platform.models_uri,
    "logs_uri": platform.logs_uri,
    "encryption_key_uri": platform.encryption_key_uri,
    "job": job,
    **platform.outputs,
}.items():
    pulumi.export(name, uri)

obstacle = platform.cluster.obstacle(TRAINER) if settings.training.enabled else "trainyard:training.enabled is false"
if obstacle:
    pulumi.log.warn(f"Training and inference service are left out: {obstacle}")
else:
    training = TrainingJob("training", settings.training, platform)
    pulumi.export("manifest_uri", training.manifest_uri)
    pulumi.export("run", training.run)

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
        pulumi.export("http_url", serving.http_url)
        pulumi.export("grpc_url", serving.grpc_url)
        pulumi.export("metrics_url", serving.metrics_url)
        pulumi.export("releases", serving.releases)
        if serving.token is not None:
            pulumi.export("service_token", serving.token)
