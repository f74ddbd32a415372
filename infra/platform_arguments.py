"""What the platform of any cloud is made from, its own settings among it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from infra.cloud_settings import CloudGroup
from infra.kubernetes.settings import KubernetesSettings

CloudSettings = TypeVar("CloudSettings", bound=CloudGroup)


@dataclass(frozen=True, kw_only=True)
class PlatformArguments(Generic[CloudSettings]):
    """What a platform with a cluster is made from."""

    project: str
    stack: str
    workload: str
    """Name of what runs on the platform: its identities may use this prefix in the buckets."""
    settings: CloudSettings
    kubernetes: KubernetesSettings
    front_image: str
    """The image of what stands before the inference service, by its digest."""
    production: bool
    """Whether what holds data, and the cluster, is protected from deletion."""
    tags: Mapping[str, str]
    """What every resource is marked with."""
    expires_at: str = ""
    """The moment, with its zone, at which the cloud ends what is dear; empty: never."""
