"""What everything else on Google Cloud stands on: the APIs, keys, buckets, the network, where logs are kept, and
GitHub's identities."""

from typing import get_args

import pulumi

from infra.gcp.data import Data, data_of_stack, own_data
from infra.gcp.github import GitHubIdentities, GitHubIdentitiesArguments
from infra.gcp.gpu_networks import logged_subnets
from infra.gcp.keys import Keys, KeysArguments, Purpose
from infra.gcp.logs import Logs, LogsArguments
from infra.gcp.naming import Names
from infra.gcp.network import Network, NetworkArguments
from infra.gcp.services import Services, ServicesArguments, apis_of
from infra.gcp.settings import GcpSettings


class Foundation:
    """The parts, each a component below the platform."""

    services: list[pulumi.Resource]
    """What switches the APIs on, which all else waits for; none where somebody else does."""
    keys: Keys
    keys_arguments: KeysArguments
    """How keys are made, for those that others make."""
    data: Data
    """The buckets, which may be another stack's."""
    network: Network
    logs: Logs
    github: GitHubIdentities | None

    def __init__(
        self, *, names: Names, settings: GcpSettings, production: bool, expires: bool, parent: pulumi.Resource
    ) -> None:
        self.services = self._switch_on(names, settings, expires, parent)
        opts = pulumi.ResourceOptions(parent=parent, depends_on=self.services)
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
            NetworkArguments(names=names, settings=settings.network, machine=bool(settings.machine.machine_type)),
            opts,
        )
        self.logs = Logs(
            "logs",
            LogsArguments(
                names=names,
                network=settings.network,
                cluster=settings.cluster,
                logs_key_id=self.keys.ids["logs"],
                production=production,
                gpu_subnets=logged_subnets(names, settings.gpu_pools),
            ),
            opts,
        )
        github = GitHubIdentitiesArguments(
            names=names,
            settings=settings.identity.github,
            apis=apis_of(settings, expires=expires),
            empties_buckets=settings.storage.delete_with_objects,
        )
        self.github = GitHubIdentities("github", github, opts) if settings.identity.github.repository else None

    @staticmethod
    def _switch_on(
        names: Names, settings: GcpSettings, expires: bool, parent: pulumi.Resource
    ) -> list[pulumi.Resource]:
        if not settings.enable_services:
            return []
        arguments = ServicesArguments(project_id=names.project_id, apis=apis_of(settings, expires=expires))
        return [Services("services", arguments, pulumi.ResourceOptions(parent=parent))]
