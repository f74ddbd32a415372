"""Images of others, pulled through the account's own registry: each is fetched from its upstream registry once, and
then lies beside the stack's own, encrypted by the same key.

Only registries that ask for no credential. NVIDIA's (nvcr.io) is none that ECR can pull through, and Docker Hub's and
GitHub's want one; images from there are pulled as before.

ECR makes the repositories itself when something is first pulled, by a template, so they are not in Pulumi's state and
`destroy` leaves them. What is in them goes by itself; docs/aws.md has the command that removes them at once.

Sources: Amazon ECR user guide, "Sync an upstream registry with an Amazon ECR private registry", "IAM permissions
required to sync an upstream registry" and "Templates to control repositories created during a pull through cache
action".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.aws.naming import Names
from infra.aws.settings import IdentitySettings

UPSTREAMS = {"k8s": "registry.k8s.io", "ecr": "public.ecr.aws", "quay": "quay.io"}
"""Upstream registries by a short name."""
KEPT_DAYS = 90
"""Days after which an image goes. One that is still needed is fetched again."""


def registries(names: Names) -> dict[str, str]:
    """Where the images of an upstream registry are pulled from instead: `HOST/PREFIX` by the registry's host."""
    return {host: f"{names.registry}/{names.cached_repository(short)}" for short, host in UPSTREAMS.items()}


def import_policy(names: Names) -> dict[str, Any]:
    """What nodes need to pull an image through for the first time."""
    return _document(
        {
            "Sid": "PullThrough",
            "Effect": "Allow",
            "Action": ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"],
            "Resource": [_repositories(names, short) for short in UPSTREAMS],
        }
    )


def creation_policy(names: Names, images_key_arn: str) -> dict[str, Any]:
    """What ECR does in the stack's name when it makes a repository."""
    return _document(
        {
            "Sid": "MakeRepositories",
            "Effect": "Allow",
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage", "ecr:TagResource"],
            "Resource": [_repositories(names, short) for short in UPSTREAMS],
        },
        {
            "Sid": "UseKeyOfImages",
            "Effect": "Allow",
            "Action": ["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"],
            "Resource": images_key_arn,
        },
    )


def creation_trust() -> dict[str, Any]:
    """ECR may take the role. Its guide has no condition here."""
    return _document(
        {"Sid": "Ecr", "Effect": "Allow", "Principal": {"Service": "ecr.amazonaws.com"}, "Action": "sts:AssumeRole"}
    )


def lifecycle_policy() -> dict[str, Any]:
    """What goes: everything that was fetched long ago."""
    selection = {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": KEPT_DAYS}
    return {
        "rules": [
            {
                "rulePriority": 1,
                "description": f"Remove what was fetched {KEPT_DAYS} days ago",
                "selection": selection,
                "action": {"type": "expire"},
            }
        ]
    }


def _repositories(names: Names, short: str) -> str:
    return names.arn("ecr", f"repository/{names.cached_repository(short)}/*")


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


@dataclass(frozen=True, kw_only=True)
class ImageCacheArguments:
    """What the cache is made from."""

    names: Names
    identity: IdentitySettings
    images_key_arn: pulumi.Input[str]
    tags: Mapping[str, str]
    """Tags of the repositories that ECR makes. None that changes: it would not reach those that are there."""


class ImageCache(pulumi.ComponentResource):
    """A rule and a template for each upstream registry, and the role by which ECR makes repositories."""

    def __init__(self, name: str, args: ImageCacheArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:ImageCache", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        role_arn = self._make_role()
        for short, host in UPSTREAMS.items():
            self._make_rule(f"{name}-{short}", args.names.cached_repository(short), host, role_arn)
        self.register_outputs({})

    def _make_role(self) -> pulumi.Output[str]:
        args = self._args
        role = aws.iam.Role(
            self._name,
            name=args.names.role("image-cache"),
            description="Makes the repositories of images that are pulled through",
            assume_role_policy=json.dumps(creation_trust()),
            permissions_boundary=args.identity.permissions_boundary_arn or None,
            opts=self._child,
        )
        policy = pulumi.Output.from_input(args.images_key_arn).apply(
            lambda key_arn: json.dumps(creation_policy(args.names, key_arn))
        )
        granted = aws.iam.RolePolicy(self._name, role=role.name, policy=policy, opts=self._child)
        return pulumi.Output.all(role.arn, granted.id).apply(lambda known: str(known[0]))

    def _make_rule(self, name: str, prefix: str, host: str, role_arn: pulumi.Output[str]) -> None:
        args = self._args
        template = aws.ecr.RepositoryCreationTemplate(
            name,
            prefix=prefix,
            description=f"Images from {host}",
            applied_fors=["PULL_THROUGH_CACHE"],
            custom_role_arn=role_arn,
            encryption_configurations=[
                aws.ecr.RepositoryCreationTemplateEncryptionConfigurationArgs(
                    encryption_type="KMS", kms_key=args.images_key_arn
                )
            ],
            # A tag moves when it does upstream; what runs is pinned by the charts and by digests.
            image_tag_mutability="MUTABLE",
            lifecycle_policy=json.dumps(lifecycle_policy()),
            resource_tags=dict(args.tags),
            opts=self._child,
        )
        aws.ecr.PullThroughCacheRule(
            name,
            ecr_repository_prefix=prefix,
            upstream_registry_url=host,
            # Nothing is pulled through before it is known how its repository is made.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[template]),
        )
