"""What everything else on AWS stands on: keys, buckets, the network with its ways to AWS, and GitHub's roles."""

from typing import get_args

import pulumi

from infra.aws.data import Data, data_of_stack, own_data
from infra.aws.endpoints import Endpoints, EndpointsArguments
from infra.aws.github import GitHubRoles, GitHubRolesArguments
from infra.aws.keys import Keys, KeysArguments, Purpose
from infra.aws.naming import Names
from infra.aws.network import Network, NetworkArguments
from infra.aws.settings import AwsSettings


class Foundation:
    """The parts, each a component below the platform."""

    keys: Keys
    keys_arguments: KeysArguments
    """How keys are made, for those that others make."""
    data: Data
    """The buckets, which may be another stack's."""
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
        elsewhere = bool(settings.storage.from_stack)
        self.keys_arguments = KeysArguments(
            names=names,
            settings=settings.keys,
            production=production,
            purposes=tuple(each for each in get_args(Purpose) if each != "data" or not elsewhere),
        )
        self.keys = Keys("keys", self.keys_arguments, opts)
        self.data = (
            data_of_stack(names, settings.storage)
            if elsewhere
            else own_data(names, settings.storage, self.keys, production=production, opts=opts)
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
