"""The image registry: a repository for each image, whose tags never move, whose images are scanned and encrypted.

Where tags never move, Artifact Registry deletes no image that has one, by no cleanup policy either ("Update repository
settings"): what goes by itself is what has none, and the rest is deleted by hand, with tags that may move for as long.

It deletes a repository with the images in it, and keeps none to be had back. So what AWS refuses, to delete one that is
not empty, has to be refused here: by Pulumi's protection in production, and, where images are not to go with their
repository, by the provider.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.gcp.naming import Names
from infra.gcp.settings import RegistrySettings
from infra.known_output import known_after

UNTAGGED_DAYS = 7
"""Days after which an image without a tag, which nothing refers to by name, is removed."""

_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class RegistryArguments:
    """What the registry is made from."""

    names: Names
    settings: RegistrySettings
    images: Sequence[str]
    """What there is a repository for."""
    images_key_id: pulumi.Input[str]
    """The key that encrypts the images, known when Artifact Registry may use it."""
    delete_with_images: bool
    """Whether a repository can be deleted, with the images that it has."""
    production: bool
    """Whether Pulumi refuses to delete them."""


def cleanup_policies(settings: RegistrySettings) -> list[gcp.artifactregistry.RepositoryCleanupPolicyArgs]:
    """Which images go: those without a tag after some days, but for the newest.

    What is to be kept counts before what is to be deleted. Source: Artifact Registry, "Configure cleanup policies".
    """
    policy = gcp.artifactregistry.RepositoryCleanupPolicyArgs
    return [
        policy(
            id="keep-newest",
            action="KEEP",
            most_recent_versions=gcp.artifactregistry.RepositoryCleanupPolicyMostRecentVersionsArgs(
                keep_count=settings.keep_images
            ),
        ),
        policy(
            id="delete-untagged",
            action="DELETE",
            condition=gcp.artifactregistry.RepositoryCleanupPolicyConditionArgs(
                tag_state="UNTAGGED", older_than=f"{UNTAGGED_DAYS * _SECONDS_A_DAY}s"
            ),
        ),
    ]


class Registry(pulumi.ComponentResource):
    """The repositories of a stack."""

    urls: Mapping[str, pulumi.Output[str]]
    """`REGION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE` by image: a repository holds images of several names."""
    names: Mapping[str, pulumi.Output[str]]
    """The same, known in a preview: for what does not need the repository there, but later."""
    repositories: Mapping[str, pulumi.Output[str]]
    """The identifier of each image's repository, for grants on it."""

    def __init__(self, name: str, args: RegistryArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:Registry", name, None, opts)
        made = {image: self._make_repository(f"{name}-{image}", image, args) for image in args.images}
        texts = {image: image_name(args.names, image) for image in args.images}
        self.urls = {image: _when_made(each, texts[image]) for image, each in made.items()}
        self.names = {image: known_after(texts[image], each) for image, each in made.items()}
        self.repositories = {image: each.repository_id for image, each in made.items()}
        self.register_outputs({"urls": self.urls})

    def _make_repository(self, name: str, image: str, args: RegistryArguments) -> gcp.artifactregistry.Repository:
        scanning = "INHERITED" if args.settings.scanning else "DISABLED"
        return gcp.artifactregistry.Repository(
            name,
            repository_id=args.names.repository(image),
            project=args.names.project_id,
            location=args.names.region,
            format="DOCKER",
            mode="STANDARD_REPOSITORY",
            description=f"{args.names.prefix}: images of {image}",
            docker_config=gcp.artifactregistry.RepositoryDockerConfigArgs(immutable_tags=True),
            kms_key_name=args.images_key_id,
            vulnerability_scanning_config=gcp.artifactregistry.RepositoryVulnerabilityScanningConfigArgs(
                enablement_config=scanning
            ),
            cleanup_policies=cleanup_policies(args.settings),
            # Left out, the provider sends a dry run, which deletes nothing.
            cleanup_policy_dry_run=False,
            deletion_policy="DELETE" if args.delete_with_images else "PREVENT",
            opts=pulumi.ResourceOptions(parent=self, protect=args.production),
        )


def _when_made(repository: gcp.artifactregistry.Repository, text: str) -> pulumi.Output[str]:
    return repository.id.apply(lambda _: text)


def image_name(names: Names, image: str) -> str:
    """An image in its repository, without tag or digest."""
    return f"{names.registry}/{names.project_id}/{names.repository(image)}/{image}"
