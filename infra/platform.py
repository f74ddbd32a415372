"""What any cloud hands to a workload, and the choice of the cloud.

Workloads import this module and nothing else of `infra`.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.cluster import Cluster, EntryPoint, Job, JobSpecification, Service, ServiceSpecification
from infra.platform_arguments import CloudSettings, PlatformArguments
from infra.settings import Settings
from infra.workload_settings import TRAINED, ReleaseSettings, ServingSettings, TrainingSettings

__all__ = [
    "TRAINED",
    "Cluster",
    "EntryPoint",
    "Identity",
    "Job",
    "JobSpecification",
    "Platform",
    "ReleaseSettings",
    "Service",
    "ServiceSpecification",
    "ServingSettings",
    "TrainingSettings",
    "create_data",
    "create_platform",
    "tags_for",
]


class Identity(enum.StrEnum):
    """Who acts: each may do what its work needs and nothing more."""

    LOADER = "loader"
    """Writes data sets."""
    TRAINING = "training"
    """Reads data sets, reads and writes checkpoints, writes models."""
    SERVING = "serving"
    """Reads models."""


@dataclass(frozen=True)
class Platform:
    """What a workload sees of a cloud."""

    cluster: Cluster
    """Where to run."""
    datasets_uri: pulumi.Output[str]
    """URI of the bucket of data sets, such as `s3://NAME`."""
    checkpoints_uri: pulumi.Output[str]
    """URI of the bucket of checkpoints."""
    models_uri: pulumi.Output[str]
    """URI of the bucket of released models."""
    logs_uri: pulumi.Output[str]
    """URI of the bucket of logs."""
    encryption_key_uri: pulumi.Output[str]
    """URI, as Tink writes it, of the key-encryption key for envelope encryption."""
    service_accounts: Mapping[Identity, pulumi.Output[str]]
    """The cloud's name (ARN, e-mail address) of each identity."""
    outputs: Mapping[str, pulumi.Input[Any]]
    """What a person needs to use the platform by hand, for the stack's outputs; credentials are secrets."""


def tags_for(settings: Settings, *, project: str, stack: str) -> dict[str, str]:
    """The tags of every resource of a stack."""
    tags = {"project": project, "stack": stack, "owner": settings.owner, "cost_centre": settings.cost_centre}
    return tags | ({"expires_at": settings.expires_at} if settings.expires_at else {})


def create_platform(settings: Settings, *, workload: str) -> Platform:
    """Provisions the platform of the chosen cloud. Raises pulumi.RunError for what that cloud cannot.

    :param workload: Name of what will run on it: the prefix in every bucket that its identities may use.
    """
    project, stack = pulumi.get_project(), pulumi.get_stack()
    tags = tags_for(settings, project=project, stack=stack)
    match settings.cloud:
        case "local":
            from infra.local.platform import LocalPlatform

            if settings.serving.enabled and settings.serving.authentication.mechanism == "mtls":
                raise pulumi.RunError(
                    'trainyard:serving.authentication.mechanism = "mtls": must be jwt or none where trainyard:cloud is '
                    "local: nobody issues certificates on one machine"
                )
            local = LocalPlatform(
                "local", project=project, stack=stack, workload=workload, settings=settings.local, tags=tags
            )
            return local.platform()
        case "aws":
            from infra.aws.platform import AwsPlatform

            return AwsPlatform("aws", _arguments(settings, settings.aws, workload, tags)).platform()
        case "gcp":
            from infra.gcp.platform import GcpPlatform

            return GcpPlatform("gcp", _arguments(settings, settings.gcp, workload, tags)).platform()


def _arguments(
    settings: Settings, cloud: CloudSettings, workload: str, tags: Mapping[str, str]
) -> PlatformArguments[CloudSettings]:
    return PlatformArguments(
        project=pulumi.get_project(),
        stack=pulumi.get_stack(),
        workload=workload,
        settings=cloud,
        kubernetes=settings.kubernetes,
        front_image=settings.serving.front_image,
        production=settings.environment == "prod",
        tags=tags,
        expires_at=settings.expires_at,
    )


def create_data(settings: Settings) -> Mapping[str, pulumi.Input[Any]]:
    """Provisions the buckets and their key alone (the setting `part` = data): what others need to use them, by name of
    output. Raises pulumi.RunError for a cloud that cannot.
    """
    project, stack = pulumi.get_project(), pulumi.get_stack()
    tags, production = tags_for(settings, project=project, stack=stack), settings.environment == "prod"
    match settings.cloud:
        case "aws":
            from infra.aws.data import create_data_part as create_on_aws

            return create_on_aws(settings.aws, project=project, stack=stack, production=production, tags=tags)
        case "gcp":
            from infra.gcp.data import create_data_part as create_on_gcp

            return create_on_gcp(settings.gcp, project=project, stack=stack, production=production, tags=tags)
        case cloud:
            raise pulumi.RunError(f'trainyard:part = "data": must be all where trainyard:cloud is {cloud}')
