"""The platform on AWS: network, keys, buckets, cluster, pools of nodes, registry and identities, joined.

Everything is made from settings alone, so a preview needs neither credentials nor the network. What runs on the cluster
is not provisioned here: see `infra.cluster`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.aws.addons import AddonsArguments, NetworkAddons, WorkloadAddons, WorkloadAddonsArguments
from infra.aws.budget import Budget, BudgetArguments
from infra.aws.cluster import Cluster, ClusterArguments
from infra.aws.endpoints import Endpoints, EndpointsArguments
from infra.aws.github import GitHubRoles, GitHubRolesArguments
from infra.aws.github_policies import DEPLOY
from infra.aws.gpu_pools import GpuPools
from infra.aws.identity import Identities, IdentitiesArguments
from infra.aws.images import Images, ImagesArguments
from infra.aws.interruptions import Interruptions, InterruptionsArguments, consumer_policy
from infra.aws.keys import Keys, KeysArguments
from infra.aws.kubeconfig import kubeconfig
from infra.aws.machine import Machine, MachineArguments
from infra.aws.naming import Names
from infra.aws.network import Network, NetworkArguments
from infra.aws.node_pool import PoolSurroundings
from infra.aws.node_role import NodeRole, NodeRoleArguments
from infra.aws.pod_role import PodRole, PodRoleArguments
from infra.aws.registry import Registry, RegistryArguments
from infra.aws.settings import AwsSettings
from infra.aws.storage import Storage, StorageArguments
from infra.aws.system_pool import SystemPool
from infra.aws.tagging import tagged
from infra.cluster import WithoutWorkloads
from infra.platform import Identity, Platform

IMAGES = ("training", "serving")
"""What there is a repository for."""
WORKLOADS_TO_COME = "jobs and services on a Kubernetes cluster are not built yet"


@dataclass(frozen=True, kw_only=True)
class AwsPlatformArguments:
    """What the platform is made from."""

    project: str
    stack: str
    workload: str
    """Name of what runs on the platform: its identities may use this prefix in the buckets."""
    settings: AwsSettings
    production: bool
    """Whether what holds data, and the cluster, is protected from deletion."""
    tags: Mapping[str, str]
    """Tags of every resource."""


class AwsPlatform(pulumi.ComponentResource):
    """Everything that a workload needs, on AWS."""

    def __init__(self, name: str, args: AwsPlatformArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        with_tags = pulumi.ResourceOptions.merge(opts, tagged(args.tags))
        super().__init__("trainyard:aws:Platform", name, None, with_tags)
        self._args, self._settings = args, args.settings
        self._names = Names(args.project, args.stack, args.settings.account_id, args.settings.region)
        self._child = pulumi.ResourceOptions(parent=self)
        self._make_foundation()
        self._make_cluster()
        self._make_pools()
        self._make_identities()
        self._make_surroundings()
        self.register_outputs({})

    def platform(self) -> Platform:
        """What workloads see of it."""
        return Platform(
            cluster=WithoutWorkloads(WORKLOADS_TO_COME),
            datasets_uri=self._storage.uris["datasets"],
            checkpoints_uri=self._storage.uris["checkpoints"],
            models_uri=self._storage.uris["models"],
            logs_uri=self._storage.uris["logs"],
            encryption_key_uri=self._keys.arns["data"].apply("aws-kms://{}".format),
            service_accounts=self._identities.role_arns,
            outputs=self._outputs(),
        )

    def _make_foundation(self) -> None:
        names, settings = self._names, self._settings
        boundary = settings.identity.permissions_boundary_arn
        self._keys = Keys(
            "keys",
            KeysArguments(names=names, settings=settings.keys, production=self._args.production),
            self._child,
        )
        self._storage = Storage(
            "storage",
            StorageArguments(
                names=names,
                settings=settings.storage,
                data_key_arn=self._keys.arns["data"],
                production=self._args.production,
            ),
            self._child,
        )
        self._network = Network(
            "network",
            NetworkArguments(
                names=names,
                settings=settings.network,
                logs_key_arn=self._keys.arns["logs"],
                permissions_boundary_arn=boundary,
            ),
            self._child,
        )
        self._endpoints = Endpoints(
            "endpoints",
            EndpointsArguments(
                names=names,
                settings=settings.network,
                vpc_id=self._network.vpc_id,
                cidr=self._network.cidr,
                subnet_ids=self._network.private_subnet_ids,
                route_table_ids=self._network.private_route_table_ids,
            ),
            self._child,
        )
        self._github = (
            GitHubRoles(
                "github",
                GitHubRolesArguments(names=names, settings=settings.identity.github, permissions_boundary_arn=boundary),
                self._child,
            )
            if settings.identity.github.repository
            else None
        )

    def _make_cluster(self) -> None:
        self._cluster = Cluster(
            "cluster",
            ClusterArguments(
                names=self._names,
                settings=self._settings.cluster,
                identity=self._settings.identity,
                subnet_ids=self._network.private_subnet_ids,
                service_cidr=self._network.service_cidr,
                secrets_key_arn=self._keys.arns["secrets"],
                logs_key_arn=self._keys.arns["logs"],
                production=self._args.production,
                admins={self._names.role(DEPLOY): self._github.deploy_role_arn} if self._github else {},
            ),
            # Nodes of a network without NAT reach AWS by the endpoints only; a way down before a way up.
            pulumi.ResourceOptions(parent=self, depends_on=[self._endpoints]),
        )
        self._network_addons = NetworkAddons("addons", self._addons_arguments(), self._child)

    def _addons_arguments(self) -> AddonsArguments:
        return AddonsArguments(
            names=self._names,
            identity=self._settings.identity,
            cluster_name=self._cluster.cluster_name,
            oidc=self._cluster.oidc,
        )

    def _make_pools(self) -> None:
        names, settings = self._names, self._settings
        role = NodeRole("node", NodeRoleArguments(names=names, settings=settings.identity), self._child)
        surroundings = PoolSurroundings(
            names=names,
            cluster_name=self._cluster.cluster_name,
            cluster_version=settings.cluster.version,
            cluster_security_group_id=self._cluster.security_group_id,
            vpc_id=self._network.vpc_id,
            subnet_ids=self._network.private_subnet_ids,
            node_role_arn=role.arn,
            volumes_key_arn=self._keys.arns["volumes"],
            # A stack that gets a later moment keeps its nodes, and what trains on them.
            tags={tag: value for tag, value in self._args.tags.items() if tag != "expires_at"},
        )
        # A node is ready when its pods have a network.
        after_network = pulumi.ResourceOptions(parent=self, depends_on=[self._network_addons])
        system = SystemPool("system", settings.system_pool, surroundings, after_network)
        addons = self._addons_arguments()
        WorkloadAddons(
            "workload-addons",
            WorkloadAddonsArguments(**vars(addons), volumes_key_arn=self._keys.arns["volumes"]),
            pulumi.ResourceOptions(parent=self, depends_on=[system]),
        )
        GpuPools("gpu", settings.gpu_pools, surroundings, after_network)

    def _make_identities(self) -> None:
        self._identities = Identities(
            "identity",
            IdentitiesArguments(
                names=self._names,
                settings=self._settings.identity,
                workload=self._args.workload,
                bucket_arns=self._storage.arns,
                data_key_arn=self._keys.arns["data"],
                cluster_name=self._cluster.cluster_name,
                oidc=self._cluster.oidc,
            ),
            self._child,
        )

    def _make_surroundings(self) -> None:
        names, settings = self._names, self._settings
        self._registry = Registry(
            "registry",
            RegistryArguments(
                names=names,
                settings=settings.registry,
                images=IMAGES,
                images_key_arn=self._keys.arns["images"],
                delete_with_images=settings.storage.delete_with_objects,
                production=self._args.production,
            ),
            self._child,
        )
        self._images = Images(
            "images",
            ImagesArguments(settings=settings.images, repository_urls=self._registry.urls),
            self._child,
        )
        self._interruptions = self._make_interruptions() if settings.interruptions.enabled else None
        if settings.budget.monthly_usd:
            Budget("budget", BudgetArguments(names=names, settings=settings.budget), self._child)
        self._machine = self._make_machine() if settings.machine.instance_type else None

    def _make_interruptions(self) -> Interruptions:
        interruptions = Interruptions("interruptions", InterruptionsArguments(names=self._names), self._child)
        account = "aws-node-termination-handler"
        PodRole(
            "interruptions-handler",
            PodRoleArguments(
                names=self._names,
                settings=self._settings.identity,
                purpose="interruptions",
                namespace="kube-system",
                service_account=account,
                cluster_name=self._cluster.cluster_name,
                policy=json.dumps(consumer_policy(self._names)),
                oidc=self._cluster.oidc,
            ),
            pulumi.ResourceOptions(parent=interruptions),
        )
        return interruptions

    def _make_machine(self) -> Machine:
        machine, network = self._settings.machine, self._network
        return Machine(
            "machine",
            MachineArguments(
                names=self._names,
                settings=machine,
                identity=self._settings.identity,
                vpc_id=network.vpc_id,
                subnet_id=network.private_subnet_ids[machine.zone or self._settings.network.zones[0]],
                volumes_key_arn=self._keys.arns["volumes"],
                policy=self._identities.policies[Identity.TRAINING],
                production=self._args.production,
                tags=self._args.tags,
            ),
            # Session Manager reaches it by the endpoints where there is no other way.
            pulumi.ResourceOptions(parent=self, depends_on=[self._endpoints]),
        )

    def _outputs(self) -> dict[str, pulumi.Input[Any]]:
        """What a person needs to use the platform by hand, and CI to use its roles."""
        cluster = self._cluster
        connection = pulumi.Output.all(cluster.cluster_name, cluster.endpoint, cluster.certificate_authority_data)
        region = self._names.region
        kubeconfig_text = connection.apply(
            lambda known: kubeconfig(
                cluster_name=known[0], endpoint=known[1], certificate_authority_data=known[2], region=region
            )
        )
        outputs: dict[str, pulumi.Input[Any]] = {
            "account_id": self._names.account_id,
            "region": region,
            "vpc_id": self._network.vpc_id,
            "cluster_name": cluster.cluster_name,
            # No credential is in it. It tells where the control plane is, which is nobody else's business.
            "kubeconfig": pulumi.Output.secret(kubeconfig_text),
            "key_arn": self._keys.arns["data"],
            "role_arns": {identity.value: arn for identity, arn in self._identities.role_arns.items()},
            "repository_urls": self._registry.urls,
            "image_references": self._images.references,
        }
        if self._github:
            outputs["github_preview_role_arn"] = self._github.preview_role_arn
            outputs["github_deploy_role_arn"] = self._github.deploy_role_arn
        if self._interruptions:
            outputs["interruption_queue_url"] = self._interruptions.queue_url
        if self._machine:
            outputs["machine_instance_id"] = self._machine.instance_id
            outputs["machine_session_command"] = pulumi.Output.concat(
                "aws ssm start-session --region ", region, " --target ", self._machine.instance_id
            )
        return outputs
