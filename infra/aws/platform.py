"""The platform on AWS: network, keys, buckets, cluster, pools of nodes, registry and identities, joined.

Everything is made from settings alone, so a preview needs neither credentials nor the network. What is in the cluster
is made by `infra.kubernetes`, which is handed what only AWS knows of it.
"""

import json
from collections.abc import Sequence
from typing import Any

import pulumi

from infra.aws import cluster_autoscaler, image_cache, interruptions, karpenter_policies
from infra.aws.addons import AddonsArguments, NetworkAddons, WorkloadAddons, WorkloadAddonsArguments
from infra.aws.budget import Budget, BudgetArguments
from infra.aws.cluster import Cluster, ClusterArguments
from infra.aws.cluster_drain import EksDrainProvider
from infra.aws.expiry import Expiry, ExpiryArguments
from infra.aws.foundation import Foundation
from infra.aws.github_policies import DEPLOY
from infra.aws.gpu_pools import GpuPools
from infra.aws.identity import Identities, IdentitiesArguments
from infra.aws.interruptions import Interruptions, InterruptionsArguments
from infra.aws.karpenter import karpenter_manifests
from infra.aws.kubernetes_provider import cluster_kubeconfig, kubernetes_provider
from infra.aws.kubernetes_side import (
    ISSUER_KEYS_PATH,
    WITHOUT_CREDENTIALS_ANNOTATION,
    WITHOUT_IMAGE,
    identity_agents,
    load_balancer_annotations,
    pod_environment,
    role_annotations,
    service_account_annotations,
    storage_class,
)
from infra.aws.machine import Machine, MachineArguments
from infra.aws.naming import Names
from infra.aws.node_autoscaling import AutoscalingArguments, ClusterAutoscaler, Karpenter
from infra.aws.node_pool import PoolSurroundings
from infra.aws.node_role import NodeRole, NodeRoleArguments
from infra.aws.pool_facts import node_pools
from infra.aws.registry import Registry, RegistryArguments
from infra.aws.settings import AwsSettings
from infra.aws.system_pool import SystemPool
from infra.aws.tagging import tagged
from infra.aws.teams import Teams, TeamsArguments
from infra.images import Images, ImagesArguments
from infra.kubernetes.charts.cluster_facts import AwsFacts
from infra.kubernetes.cloud_side import CloudSide
from infra.kubernetes.cluster_content import ClusterContent, ClusterContentArguments
from infra.kubernetes.teams import refuse_taken_prefix
from infra.platform import Identity, Platform
from infra.platform_arguments import PlatformArguments

IMAGES = ("training", "serving")
"""What there is a repository for."""


class AwsPlatform(pulumi.ComponentResource):
    """Everything that a workload needs, on AWS."""

    side: CloudSide
    """What is handed to the Kubernetes half."""

    def __init__(
        self, name: str, args: PlatformArguments[AwsSettings], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        with_tags = pulumi.ResourceOptions.merge(opts, tagged(args.tags))
        super().__init__("trainyard:aws:Platform", name, None, with_tags)
        self._args, self._settings = args, args.settings
        self._names = Names(args.project, args.stack, args.settings.account_id, args.settings.region)
        self._child = pulumi.ResourceOptions(parent=self)
        # A stack that gets a later moment keeps its nodes, and what trains on them.
        self._lasting_tags = {tag: value for tag, value in args.tags.items() if tag != "expires_at"}
        self._teams = [team for team in args.kubernetes.all_teams if team != args.kubernetes.team]
        refuse_taken_prefix(args.workload, self._teams)
        self._base = Foundation(
            names=self._names,
            settings=self._settings,
            production=args.production,
            opts=self._child,
        )
        self._make_cluster()
        self._make_pools()
        self._make_identities()
        self._make_images()
        self._make_surroundings()
        self._expiry = self._make_expiry()
        self.side = self._cloud_side()
        self._content = ClusterContent("kubernetes", self._content_arguments(), self._child)
        self.register_outputs({})

    def platform(self) -> Platform:
        """What workloads see of it."""
        return Platform(
            cluster=self._content.cluster,
            datasets_uri=self._base.data.uris["datasets"],
            checkpoints_uri=self._base.data.uris["checkpoints"],
            models_uri=self._base.data.uris["models"],
            logs_uri=self._base.data.uris["logs"],
            encryption_key_uri=self._base.data.key_arn.apply("aws-kms://{}".format),
            service_accounts=self._identities.role_arns,
            outputs=self._outputs(),
        )

    def _make_cluster(self) -> None:
        self._cluster = Cluster(
            "cluster",
            ClusterArguments(
                names=self._names,
                settings=self._settings.cluster,
                identity=self._settings.identity,
                subnet_ids=self._base.network.private_subnet_ids,
                service_cidr=self._base.network.service_cidr,
                secrets_key_arn=self._base.keys.arns["secrets"],
                logs_key_arn=self._base.keys.arns["logs"],
                production=self._args.production,
                admins={self._names.role(DEPLOY): self._base.github.deploy_role_arn} if self._base.github else {},
            ),
            # Nodes of a network without NAT reach AWS by the endpoints only; a way down before a way up.
            pulumi.ResourceOptions(parent=self, depends_on=[self._base.endpoints]),
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
        caches = settings.registry.pull_through
        node_policy = json.dumps(image_cache.import_policy(names)) if caches else None
        role = NodeRole(
            "node", NodeRoleArguments(names=names, settings=settings.identity, policy=node_policy), self._child
        )
        surroundings = PoolSurroundings(
            names=names,
            cluster_name=self._cluster.cluster_name,
            cluster_version=settings.cluster.version,
            cluster_security_group_id=self._cluster.security_group_id,
            vpc_id=self._base.network.vpc_id,
            subnet_ids=self._base.network.private_subnet_ids,
            node_role_arn=role.arn,
            volumes_key_arn=self._base.keys.arns["volumes"],
            tags=self._lasting_tags,
        )
        # A node is ready when its pods have a network.
        after_network = pulumi.ResourceOptions(parent=self, depends_on=[self._network_addons])
        self._system_pool = SystemPool("system", settings.system_pool, surroundings, after_network)
        addons = self._addons_arguments()
        self._workload_addons = WorkloadAddons(
            "workload-addons",
            WorkloadAddonsArguments(**vars(addons), volumes_key_arn=self._base.keys.arns["volumes"]),
            pulumi.ResourceOptions(parent=self, depends_on=[self._system_pool]),
        )
        self._autoscaling = self._make_autoscaling(node_policy)
        self._gpu_pools = (
            [] if self._with_karpenter else [GpuPools("gpu", settings.gpu_pools, surroundings, after_network)]
        )

    def _make_expiry(self) -> list[pulumi.Resource]:
        """What is ended when the stack expires is there by now; what asks for nodes waits for what ends them."""
        groups = {name: group for pools in self._gpu_pools for name, group in pools.node_groups.items()}
        if not self._args.expires_at or not (groups or self._machine or self._with_karpenter):
            return []
        arguments = ExpiryArguments(
            names=self._names,
            expires_at=self._args.expires_at,
            cluster_name=self._cluster.cluster_name,
            node_groups=groups,
            machine_instance_id=self._machine.instance_id if self._machine else None,
            karpenter=self._with_karpenter,
            key_arn=self._base.keys.arns["secrets"],
            permissions_boundary_arn=self._settings.identity.permissions_boundary_arn,
        )
        return [Expiry("expiry", arguments, self._child)]

    @property
    def _with_karpenter(self) -> bool:
        return self._args.kubernetes.addons.node_autoscaler == "karpenter"

    def _make_autoscaling(self, node_policy: str | None) -> list[pulumi.Resource]:
        arguments = AutoscalingArguments(
            names=self._names,
            identity=self._settings.identity,
            cluster_name=self._cluster.cluster_name,
            volumes_key_arn=self._base.keys.arns["volumes"],
            oidc=self._cluster.oidc,
            queue=self._settings.interruptions.enabled,
            node_policy=node_policy,
            expires_at=self._args.expires_at,
        )
        match self._args.kubernetes.addons.node_autoscaler:
            case "karpenter":
                return [Karpenter("karpenter", arguments, self._child)]
            case "cluster_autoscaler":
                return [ClusterAutoscaler("autoscaler", arguments, self._child)]
            case _:
                return []

    def _make_identities(self) -> None:
        self._identities = Identities(
            "identity",
            IdentitiesArguments(
                names=self._names,
                settings=self._settings.identity,
                namespace=self._args.kubernetes.team,
                prefix=f"{self._args.workload}/",
                bucket_arns=self._base.data.arns,
                data_key_arn=self._base.data.key_arn,
                envelope_key_arn=self._base.data.key_arn,
                cluster_name=self._cluster.cluster_name,
                oidc=self._cluster.oidc,
            ),
            self._child,
        )
        self._other_teams = Teams("teams", self._teams_arguments(), self._child) if self._teams else None

    def _teams_arguments(self) -> TeamsArguments:
        return TeamsArguments(
            teams=self._teams,
            keys=self._base.keys_arguments,
            identity=self._settings.identity,
            bucket_arns=self._base.data.arns,
            data_key_arn=self._base.data.key_arn,
            cluster_name=self._cluster.cluster_name,
            oidc=self._cluster.oidc,
        )

    def _make_images(self) -> None:
        names, settings = self._names, self._settings
        self._registry = Registry(
            "registry",
            RegistryArguments(
                names=names,
                settings=settings.registry,
                images=IMAGES,
                images_key_arn=self._base.keys.arns["images"],
                delete_with_images=settings.storage.delete_with_objects,
                production=self._args.production,
            ),
            self._child,
        )
        self._images = Images(
            "images",
            ImagesArguments(
                cloud="aws",
                settings=settings.images,
                repository_urls=self._registry.urls,
                repository_names=self._registry.names,
            ),
            self._child,
        )
        if settings.registry.pull_through:
            image_cache.ImageCache(
                "image-cache",
                image_cache.ImageCacheArguments(
                    names=names,
                    identity=settings.identity,
                    images_key_arn=self._base.keys.arns["images"],
                    tags=self._lasting_tags,
                ),
                self._child,
            )

    def _make_surroundings(self) -> None:
        names, settings = self._names, self._settings
        self._interruptions = self._make_interruptions() if settings.interruptions.enabled else None
        if settings.budget.monthly_usd:
            Budget("budget", BudgetArguments(names=names, settings=settings.budget), self._child)
        self._machine = self._make_machine() if settings.machine.instance_type else None

    def _make_interruptions(self) -> Interruptions:
        addons = self._args.kubernetes.addons
        arguments = InterruptionsArguments(
            names=self._names,
            identity=self._settings.identity,
            cluster_name=self._cluster.cluster_name,
            reader="karpenter" if self._with_karpenter else "handler" if addons.handles_termination else "nobody",
            rebalance=addons.termination_handler.rebalance == "drain",
            oidc=self._cluster.oidc,
        )
        return Interruptions("interruptions", arguments, self._child)

    def _make_machine(self) -> Machine:
        machine, network = self._settings.machine, self._base.network
        return Machine(
            "machine",
            MachineArguments(
                names=self._names,
                settings=machine,
                identity=self._settings.identity,
                vpc_id=network.vpc_id,
                subnet_id=network.private_subnet_ids[machine.zone or self._settings.network.zones[0]],
                volumes_key_arn=self._base.keys.arns["volumes"],
                policy=self._identities.policies[Identity.TRAINING],
                production=self._args.production,
                tags=self._args.tags,
            ),
            # Session Manager reaches it by the endpoints where there is no other way.
            pulumi.ResourceOptions(parent=self, depends_on=[self._base.endpoints]),
        )

    def _content_arguments(self) -> ClusterContentArguments:
        return ClusterContentArguments(
            side=self.side,
            settings=self._args.kubernetes,
            front_image=self._args.front_image,
            production=self._args.production,
            labels={"app.kubernetes.io/part-of": self._args.project, "trainyard.dev/stack": self._args.stack},
            annotations={f"trainyard.dev/{tag.replace('_', '-')}": value for tag, value in self._args.tags.items()},
        )

    def _cloud_side(self) -> CloudSide:
        names, settings, kubernetes = self._names, self._settings, self._args.kubernetes
        teams: Sequence[pulumi.Resource] = [self._other_teams] if self._other_teams else []
        queue = self._interruptions
        purposes = {
            cluster_autoscaler.SERVICE_ACCOUNT: cluster_autoscaler.SERVICE_ACCOUNT,
            karpenter_policies.SERVICE_ACCOUNT: karpenter_policies.SERVICE_ACCOUNT,
            interruptions.SERVICE_ACCOUNT: interruptions.QUEUE,
        }
        provider = kubernetes_provider(
            names,
            self._cluster,
            parent=self,
            after=[*self._cluster.access, self._network_addons, self._system_pool, self._workload_addons],
        )
        return CloudSide(
            provider=provider,
            kubeconfig=cluster_kubeconfig(names, self._cluster),
            cluster_id=self._cluster.cluster_arn,
            drain_provider=EksDrainProvider(),
            cluster_name=names.cluster,
            kubernetes_version=settings.cluster.version,
            issuer_url=self._cluster.issuer_url,
            issuer_keys_path=ISSUER_KEYS_PATH,
            pools=node_pools(settings),
            images={f"trainyard-{image}": reference for image, reference in self._images.references.items()},
            environment=pod_environment(names),
            service_accounts=service_account_annotations(names, settings.identity, kubernetes.team, self._teams),
            # Access entries put them into the teams' groups.
            team_members={},
            addon_annotations={
                account: role_annotations(names, settings.identity, purpose) for account, purpose in purposes.items()
            },
            identity_agents=identity_agents(settings.identity),
            registries=image_cache.registries(names) if settings.registry.pull_through else {},
            without_image=WITHOUT_IMAGE,
            without_credentials_annotation=WITHOUT_CREDENTIALS_ANNOTATION,
            provided=frozenset(),
            critical_pods_by_quota=False,
            gpu_driver_folder="",
            aws=AwsFacts(
                region=names.region,
                interruption_queue=names.queue(interruptions.QUEUE) if queue else "",
                interruption_queue_url=queue.queue_url if queue else "",
                isolated=settings.network.nat == "none",
            ),
            storage_class=storage_class(names),
            load_balancer_annotations=load_balancer_annotations(self._lasting_tags),
            autoscaler_manifests=tuple(karpenter_manifests(names, settings, self._lasting_tags))
            if self._with_karpenter
            else (),
            before_addons=[*self._autoscaling, *([queue] if queue else [])],
            before_workloads=[self._identities, *teams, *self._gpu_pools, *self._expiry],
        )

    def _outputs(self) -> dict[str, pulumi.Input[Any]]:
        """What a person needs to use the platform by hand, and CI to use its roles."""
        outputs: dict[str, pulumi.Input[Any]] = {
            "account_id": self._names.account_id,
            "region": self._names.region,
            "vpc_id": self._base.network.vpc_id,
            "cluster_name": self._cluster.cluster_name,
            "kubeconfig": cluster_kubeconfig(self._names, self._cluster),
            "key_arn": self._base.data.key_arn,
            "role_arns": {identity.value: arn for identity, arn in self._identities.role_arns.items()},
            "repository_urls": self._registry.urls,
            "image_references": self._images.references,
        }
        if self._other_teams:
            outputs["team_key_arns"] = self._other_teams.key_arns
            outputs["team_role_arns"] = {
                team: {identity.value: arn for identity, arn in arns.items()}
                for team, arns in self._other_teams.role_arns.items()
            }
        if self._base.github:
            outputs["github_preview_role_arn"] = self._base.github.preview_role_arn
            outputs["github_deploy_role_arn"] = self._base.github.deploy_role_arn
        if self._interruptions:
            outputs["interruption_queue_url"] = self._interruptions.queue_url
        if self._machine:
            outputs["machine_instance_id"] = self._machine.instance_id
            outputs["machine_session_command"] = pulumi.Output.concat(
                "aws ssm start-session --region ", self._names.region, " --target ", self._machine.instance_id
            )
        return outputs
