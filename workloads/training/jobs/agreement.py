"""Whether a job and the platform that is to run it fit together: all that is wrong, before any of it exists. Pure."""

import math
from collections.abc import Iterator

from trainyard_artifacts.key_uri import AWS_PREFIX, GCP_PREFIX
from trainyard_training.specification import TrainingSpecification
from workloads.training.jobs.limits import LEAST_SECONDS, MANAGED_GRACE_SECONDS, managed_seconds, seconds_for_cost
from workloads.training.jobs.platforms import LocalPlatform, PlatformSpecification, SageMakerPlatform, VertexPlatform

_MOST_SAGEMAKER_SECONDS = 28 * 24 * 3600


def problems(job: TrainingSpecification, platform: PlatformSpecification) -> list[str]:
    """One line for each thing that does not fit, with setting, value and what would be valid; empty: all fits."""
    if isinstance(platform, SageMakerPlatform):
        return [*_managed(job, "SageMaker", "s3://", AWS_PREFIX), *_sagemaker(job, platform)]
    if isinstance(platform, VertexPlatform):
        return [*_managed(job, "Vertex AI", "gs://", GCP_PREFIX), *_vertex(job, platform)]
    return list(_local(job, platform))


def _local(job: TrainingSpecification, _platform: LocalPlatform) -> Iterator[str]:
    resources = job.resources
    if resources.instance_type != "local":
        yield f"resources.instance_type: expected local on this machine, found {resources.instance_type!r}"
    if resources.instance_count != 1:
        yield f"resources.instance_count: this machine is one instance, found {resources.instance_count}"
    if resources.capacity != "on_demand":
        yield f"resources.capacity: expected on_demand on this machine, found {resources.capacity!r}"
    yield from _no_accelerators(job, "this machine uses the GPUs that it has")


def _managed(job: TrainingSpecification, platform: str, scheme: str, key_prefix: str) -> Iterator[str]:
    places = {
        "datasets_uri": job.datasets_uri,
        "checkpoints_uri": job.checkpoints_uri,
        "models_uri": job.models_uri,
        "reporting.logs_uri": job.reporting.logs_uri,
    }
    for setting, uri in places.items():
        if uri is not None and not uri.startswith(scheme):
            yield f"{setting}: the job's identity on {platform} reaches {scheme} only, found {uri!r}"
    if not job.encryption_key_uri.startswith(key_prefix):
        yield f"encryption_key_uri: on {platform} expected {key_prefix}..., found {job.encryption_key_uri!r}"
    if not math.isinf(seconds_for_cost(job)) and managed_seconds(job) < LEAST_SECONDS:
        yield (
            f"maximum_cost_usd: {job.maximum_cost_usd:g} buys {seconds_for_cost(job):.0f} s at"
            f" resources.usd_per_hour {job.resources.usd_per_hour:g}; expected at least"
            f" {LEAST_SECONDS + MANAGED_GRACE_SECONDS} s, {MANAGED_GRACE_SECONDS} of which are for the last checkpoint"
        )


def _sagemaker(job: TrainingSpecification, platform: SageMakerPlatform) -> Iterator[str]:
    if not job.resources.instance_type.startswith("ml."):
        yield (
            "resources.instance_type: expected one of SageMaker's, such as ml.g5.xlarge, found"
            f" {job.resources.instance_type!r}"
        )
    yield from _no_accelerators(job, "on SageMaker the instance type says which GPUs there are")
    if managed_seconds(job) > _MOST_SAGEMAKER_SECONDS:
        yield f"max_runtime_seconds: SageMaker runs a job for 28 days at most, found {job.max_runtime_seconds:g}"
    if bool(platform.subnets) != bool(platform.security_group_ids):
        yield "subnets and security_group_ids: expected both of them or none"
    if platform.max_wait_seconds is not None:
        if job.resources.capacity != "spot":
            yield "max_wait_seconds: only jobs with resources.capacity spot wait, expected null"
        elif platform.max_wait_seconds < managed_seconds(job):
            yield (
                f"max_wait_seconds: expected at least the {managed_seconds(job)} s that the job may run, found"
                f" {platform.max_wait_seconds:g}"
            )


def _vertex(job: TrainingSpecification, _platform: VertexPlatform) -> Iterator[str]:
    resources = job.resources
    if resources.instance_type == "local" or resources.instance_type.startswith("ml."):
        yield (
            "resources.instance_type: expected a machine type of Compute Engine, such as g2-standard-4, found"
            f" {resources.instance_type!r}"
        )
    if (resources.accelerator_type is None) != (resources.accelerator_count == 0):
        yield (
            "resources.accelerator_type and resources.accelerator_count: expected both or none, found"
            f" {resources.accelerator_type!r} and {resources.accelerator_count}"
        )
    if 0 < resources.accelerator_count < resources.processes_per_instance:
        yield (
            f"resources.processes_per_instance: expected at most one for each of the {resources.accelerator_count}"
            f" accelerators, found {resources.processes_per_instance}"
        )


def _no_accelerators(job: TrainingSpecification, why: str) -> Iterator[str]:
    if job.resources.accelerator_type is not None or job.resources.accelerator_count:
        yield (
            f"resources.accelerator_type and resources.accelerator_count: {why}; expected null and 0, found"
            f" {job.resources.accelerator_type!r} and {job.resources.accelerator_count}"
        )
