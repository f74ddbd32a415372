"""The image registry: a repository for each image, whose tags never move, whose images are scanned and encrypted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.aws.naming import Names
from infra.aws.settings import RegistrySettings
from infra.known_output import known_after

UNTAGGED_DAYS = 7
"""Days after which an image without a tag, which nothing refers to by name, is removed."""


@dataclass(frozen=True, kw_only=True)
class RegistryArguments:
    """What the registry is made from."""

    names: Names
    settings: RegistrySettings
    images: Sequence[str]
    """What there is a repository for."""
    images_key_arn: pulumi.Input[str]
    delete_with_images: bool
    """Whether a repository that still has images can be deleted."""
    production: bool
    """Whether Pulumi refuses to delete them."""


def lifecycle_policy(settings: RegistrySettings) -> dict[str, Any]:
    """Which images go. Source: Amazon ECR user guide, "Lifecycle policy properties in Amazon ECR"."""
    untagged = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": UNTAGGED_DAYS,
    }
    # The rule for images of any kind has to be the last.
    newest = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": settings.keep_images}
    return {
        "rules": [
            _rule(1, f"Remove what has no tag after {UNTAGGED_DAYS} days", untagged),
            _rule(2, f"Keep the newest {settings.keep_images}", newest),
        ]
    }


def _rule(priority: int, description: str, selection: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rulePriority": priority,
        "description": description,
        "selection": selection,
        "action": {"type": "expire"},
    }


class Registry(pulumi.ComponentResource):
    """The repositories of a stack."""

    urls: Mapping[str, pulumi.Output[str]]
    """`ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME` by image."""
    names: Mapping[str, pulumi.Output[str]]
    """The same, known in a preview: for what does not need the repository there, but later."""

    def __init__(self, name: str, args: RegistryArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Registry", name, None, opts)
        made = {image: self._make_repository(f"{name}-{image}", image, args) for image in args.images}
        self.urls = {image: pulumi.Output.from_input(each.repository_url) for image, each in made.items()}
        self.names = {
            image: known_after(f"{args.names.registry}/{args.names.repository(image)}", each)
            for image, each in made.items()
        }
        self.register_outputs({"urls": self.urls})

    def _make_repository(self, name: str, image: str, args: RegistryArguments) -> aws.ecr.Repository:
        repository = aws.ecr.Repository(
            name,
            name=args.names.repository(image),
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=args.images_key_arn)
            ],
            force_delete=args.delete_with_images,
            opts=pulumi.ResourceOptions(parent=self, protect=args.production),
        )
        aws.ecr.LifecyclePolicy(
            name,
            repository=repository.name,
            policy=json.dumps(lifecycle_policy(args.settings)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return repository
