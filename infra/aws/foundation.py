"""What everything else on AWS stands on: keys, buckets, the network with its ways to AWS, and GitHub's roles."""

import pulumi

from infra.aws.endpoints import Endpoints, EndpointsArguments
from infra.aws.github import GitHubRoles, GitHubRolesArguments
from infra.aws.keys import Keys, KeysArguments
from infra.aws.naming import Names
from infra.aws.network import Network, NetworkArguments
from infra.aws.settings import AwsSettings
from infra.aws.storage import Storage, StorageArguments


class Foundation:
    """The parts, each a component below the platform."""

    keys: Keys
    keys_arguments: KeysArguments
    """How keys are made, for those that others make."""
    storage: Storage
    network: Network
    endpoints: Endpoints
    github: GitHubRoles | None

    def __init__(
        self,
        *,
        names: Names,
        settings: AwsSettings,
        production: bool,
        opts: pulumi.ResourceOptions,
    ) -> None:
        boundary = settings.identity.permissions_boundary_arn
        self.keys_arguments = KeysArguments(names=names, settings=settings.keys, production=production)
        self.keys = Keys("keys", self.keys_arguments, opts)
        self.storage = Storage(
            "storage",
            StorageArguments(
                names=names,
                settings=settings.storage,
                data_key_arn=self.keys.arns["data"],
                production=production,
            ),
            opts,
        )
        self.network = Network(
            "network",
            NetworkArguments(
                names=names,
                settings=settings.network,
                logs_key_arn=self.keys.arns["logs"],
                permissions_boundary_arn=boundary,
            ),
            opts,
        )
        self.endpoints = Endpoints(
            "endpoints",
            EndpointsArguments(
                names=names,
                settings=settings.network,
                vpc_id=self.network.vpc_id,
                cidr=self.network.cidr,
                subnet_ids=self.network.private_subnet_ids,
                route_table_ids=self.network.private_route_table_ids,
            ),
            opts,
        )
        github = GitHubRolesArguments(
            names=names,
            settings=settings.identity.github,
            permissions_boundary_arn=boundary,
            pull_through=settings.registry.pull_through,
        )
        self.github = GitHubRoles("github", github, opts) if settings.identity.github.repository else None
