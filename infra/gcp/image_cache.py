"""Images of others, pulled through the project's own registry: each is fetched from its upstream registry once, and
then lies beside the stack's own, encrypted by the same key.

Artifact Registry fetches them, so nodes without a way to the internet have them, too, by the way to Google's own
services. Only registries that ask for no credential. Docker Hub lets whoever shows none fetch little at a time, and who
that is are Google's addresses: an image from there may have to be tried again.

Unlike on AWS, the repositories are the stack's, and go with it; and who reads one may have an image fetched
(Artifact Registry, "Remote repository overview"), so nodes need no right but to read.

Sources: Artifact Registry, "Remote repository overview", "Create remote repositories" and "Configure cleanup
policies". They name Docker Hub, GitHub's registry and Kubernetes's; quay.io is fetched from by others
(hashicorp/terraform-provider-google issue 20278). That NVIDIA's can be, nobody says: see `WITHOUT_WAY_OUT`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.gcp.naming import Names
from infra.gcp.settings import NetworkSettings, RegistrySettings

UPSTREAMS: Mapping[str, str] = {
    "docker": "docker.io",
    "github": "ghcr.io",
    "k8s": "registry.k8s.io",
    "quay": "quay.io",
}
"""Upstream registries by a short name."""
WITHOUT_WAY_OUT: Mapping[str, str] = {"nvidia": "nvcr.io"}
"""Those that are tried where nodes reach no other: what cannot be fetched so could not be pulled at all. It is not
known whether Artifact Registry can, so it is not asked to find out when the repository is made, which would end `up`;
with a way out, nodes pull from there themselves."""
KEPT_DAYS = 90
"""Days after which an image goes. One that is still needed is fetched again."""

_DOCKER_HUB = "docker.io"
_SECONDS_A_DAY = 86_400


def upstreams(network: NetworkSettings) -> dict[str, str]:
    """The upstream registries by a short name, of a stack with such a network."""
    return {**UPSTREAMS, **(WITHOUT_WAY_OUT if network.nat == "none" else {})}


def registries(names: Names, network: NetworkSettings) -> dict[str, str]:
    """Where the images of an upstream registry are pulled from instead: `HOST/PREFIX` by the registry's host."""
    place = f"{names.registry}/{names.project_id}"
    return {host: f"{place}/{names.cached_repository(short)}" for short, host in upstreams(network).items()}


def cleanup_policies() -> list[gcp.artifactregistry.RepositoryCleanupPolicyArgs]:
    """What goes: everything that was fetched long ago."""
    return [
        gcp.artifactregistry.RepositoryCleanupPolicyArgs(
            id="delete-old",
            action="DELETE",
            condition=gcp.artifactregistry.RepositoryCleanupPolicyConditionArgs(
                tag_state="ANY", older_than=f"{KEPT_DAYS * _SECONDS_A_DAY}s"
            ),
        )
    ]


def upstream_config(host: str) -> gcp.artifactregistry.RepositoryRemoteRepositoryConfigArgs:
    """Where a repository fetches from. Docker Hub is one that Artifact Registry knows."""
    description, unproven = f"Images from {host}", host in WITHOUT_WAY_OUT.values()
    if host == _DOCKER_HUB:
        return gcp.artifactregistry.RepositoryRemoteRepositoryConfigArgs(
            description=description,
            docker_repository=gcp.artifactregistry.RepositoryRemoteRepositoryConfigDockerRepositoryArgs(
                public_repository="DOCKER_HUB"
            ),
        )
    return gcp.artifactregistry.RepositoryRemoteRepositoryConfigArgs(
        description=description,
        common_repository=gcp.artifactregistry.RepositoryRemoteRepositoryConfigCommonRepositoryArgs(
            uri=f"https://{host}"
        ),
        disable_upstream_validation=True if unproven else None,
    )


@dataclass(frozen=True, kw_only=True)
class ImageCacheArguments:
    """What the cache is made from."""

    names: Names
    settings: RegistrySettings
    network: NetworkSettings
    images_key_id: pulumi.Input[str]
    """The key that encrypts the images, known when Artifact Registry may use it."""


class ImageCache(pulumi.ComponentResource):
    """A repository for each upstream registry."""

    repositories: Mapping[str, pulumi.Output[str]]
    """The identifier of each repository by the short name of its upstream, for grants on it."""

    def __init__(self, name: str, args: ImageCacheArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:ImageCache", name, None, opts)
        self.repositories = {
            short: self._make_repository(f"{name}-{short}", short, host, args).repository_id
            for short, host in upstreams(args.network).items()
        }
        self.register_outputs({})

    def _make_repository(
        self, name: str, short: str, host: str, args: ImageCacheArguments
    ) -> gcp.artifactregistry.Repository:
        return gcp.artifactregistry.Repository(
            name,
            repository_id=args.names.cached_repository(short),
            project=args.names.project_id,
            location=args.names.region,
            format="DOCKER",
            mode="REMOTE_REPOSITORY",
            description=f"{args.names.prefix}: images from {host}",
            remote_repository_config=upstream_config(host),
            kms_key_name=args.images_key_id,
            vulnerability_scanning_config=gcp.artifactregistry.RepositoryVulnerabilityScanningConfigArgs(
                enablement_config="INHERITED" if args.settings.scanning else "DISABLED"
            ),
            cleanup_policies=cleanup_policies(),
            # Left out, the provider sends a dry run, which deletes nothing.
            cleanup_policy_dry_run=False,
            # Nothing is lost with it: upstream has it.
            deletion_policy="DELETE",
            opts=pulumi.ResourceOptions(parent=self),
        )
