"""The platform on Google Cloud: network, keys, buckets, cluster, pools of nodes, registry and identities, joined.

Everything is made from settings alone, so a preview needs neither credentials nor the network. What is in the cluster
is made by `infra.kubernetes`, which is handed what only Google Cloud knows of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from infra.gcp import image_cache, kubernetes_side
from infra.gcp.budget import Budget, BudgetArguments
from infra.gcp.cluster import Cluster, ClusterArguments
from infra.gcp.cluster_drain import GkeDrainProvider
from infra.gcp.expiry import Expiry, ExpiryArguments
from infra.gcp.foundation import Foundation
from infra.gcp.gpu_networks import network_manifests
from infra.gcp.gpu_pools import GpuPools
from infra.gcp.identity import Identities, IdentitiesArguments
from infra.gcp.kubernetes_provider import cluster_kubeconfig, kubernetes_provider
from infra.gcp.labels import labelled, labels_of
from infra.gcp.machine import Machine, MachineArguments
from infra.gcp.naming import Names
from infra.gcp.node_pool import PoolSurroundings, has_long_notice
from infra.gcp.node_service_account import NodeServiceAccount, NodeServiceAccountArguments
from infra.gcp.pool_facts import node_pools
from infra.gcp.registry import Registry, RegistryArguments
from infra.gcp.settings import GcpSettings
from infra.gcp.system_pool import SystemPool
from infra.gcp.teams import Teams, TeamsArguments
from infra.images import Images, ImagesArguments
from infra.kubernetes.cloud_side import CloudSide
from infra.kubernetes.cluster_content import ClusterContent, ClusterContentArguments
from infra.kubernetes.teams import refuse_taken_prefix
from infra.platform import Identity, Platform
from infra.platform_arguments import PlatformArguments

IMAGES = ("training", "serving")
"""What there is a repository for."""


class GcpPlatform(pulumi.ComponentResource):
    """Everything that a workload needs, on Google Cloud."""

    side: CloudSide
    """What is handed to the Kubernetes half."""

    def __init__(
        self, name: str, args: PlatformArguments[GcpSettings], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        labels = labels_of(args.tags)
        super().__init__("trainyard:gcp:Platform", name, None, pulumi.ResourceOptions.merge(opts, labelled(labels)))
        self._args, self._settings = args, args.settings
        settings = args.settings
        self._names = Names(args.project, args.stack, settings.project_id, settings.project_number, settings.region)
        # A stack that gets a later moment keeps its nodes, and what trains on them.
        self._lasting_labels = {label: value for label, value in labels.items() if label != "expires_at"}
        self._teams = [team for team in args.kubernetes.all_teams if team != args.kubernetes.team]
        refuse_taken_prefix(args.workload, self._teams)
        self._base = Foundation(
            names=self._names,
            settings=settings,
            production=args.production,
            expires=bool(args.expires_at),
            parent=self,
        )
        self._child = pulumi.ResourceOptions(parent=self, depends_on=self._base.services)
        self._make_images()
        self._make_cluster()
        self._make_pools()
        self._make_identities()
        self._make_surroundings()
        self._expiry = self._make_expiry()
        self._let_workflows_start()
        self.side = self._cloud_side()
        self._content = ClusterContent("kubernetes", self._content_arguments(), self._child)
        self.register_outputs({})

    def platform(self) -> Platform:
        """What workloads see of it."""
        data = self._base.data
        return Platform(
            cluster=self._content.cluster,
            datasets_uri=data.uris["datasets"],
            checkpoints_uri=data.uris["checkpoints"],
            models_uri=data.uris["models"],
            logs_uri=data.uris["logs"],
            encryption_key_uri=data.key_id.apply("gcp-kms://{}".format),
            service_accounts=self._identities.emails,
            outputs=self._outputs(),
        )

    def _make_images(self) -> None:
        names, settings = self._names, self._settings
        self._registry = Registry(
            "registry",
            RegistryArguments(
                names=names,
                settings=settings.registry,
                images=IMAGES,
                images_key_id=self._base.keys.ids["images"],
                delete_with_images=settings.storage.delete_with_objects,
                production=self._args.production,
            ),
            self._child,
        )
        self._cached = self._make_image_cache()
        self._images = Images(
            "images",
            ImagesArguments(
                cloud="gcp",
                settings=settings.images,
                repository_urls=self._registry.urls,
                repository_names=self._registry.names,
            ),
            self._child,
        )

    def _make_image_cache(self) -> Mapping[str, pulumi.Output[str]]:
        """The repositories of others' images that nodes pull from, by what grants on them are called."""
        settings = self._settings
        if not settings.registry.pull_through:
            return {}
        arguments = image_cache.ImageCacheArguments(
            names=self._names,
            settings=settings.registry,
            network=settings.network,
            images_key_id=self._base.keys.ids["images"],
        )
        cache = image_cache.ImageCache("image-cache", arguments, self._child)
        return {f"cached-{short}": repository for short, repository in cache.repositories.items()}

    def _make_cluster(self) -> None:
        names, settings, network, github = self._names, self._settings, self._base.network, self._base.github
        self._node_account = NodeServiceAccount(
            "node",
            NodeServiceAccountArguments(
                names=names,
                repositories={**self._registry.repositories, **self._cached},
                image_streaming=any(pool.image_streaming for pool in settings.gpu_pools.values()),
            ),
            self._child,
        )
        self._cluster = Cluster(
            "cluster",
            ClusterArguments(
                names=names,
                settings=settings.cluster,
                zones=settings.network.zones,
                network_id=network.network_id,
                subnetwork_id=network.subnetwork_id,
                pods_range=network.pods_range,
                services_range=network.services_range,
                secrets_key_id=self._base.keys.ids["secrets"],
                volumes_key_id=self._base.keys.ids["volumes"],
                node_email=self._node_account.email,
                production=self._args.production,
                multi_networking=any(pool.gpudirect != "none" for pool in settings.gpu_pools.values()),
                admins={"github": pulumi.Output.concat("serviceAccount:", github.deploy_email)} if github else {},
            ),
            # Its first logs are kept where they belong.
            pulumi.ResourceOptions(parent=self, depends_on=[*self._base.services, self._base.logs]),
        )

    def _make_pools(self) -> None:
        settings = self._settings
        surroundings = PoolSurroundings(
            names=self._names,
            cluster_name=self._cluster.cluster_name,
            location=self._cluster.location,
            zones=settings.network.zones,
            node_email=self._node_account.email,
            volumes_key_id=self._base.keys.ids["volumes"],
            labels=self._lasting_labels,
            extends_notice=has_long_notice(settings.cluster.version),
        )
        self._system_pool = SystemPool("system", settings.system_pool, surroundings, self._child)
        self._gpu_pools = GpuPools("gpu", settings.gpu_pools, surroundings, self._child)

    def _make_identities(self) -> None:
        names, data = self._names, self._base.data
        self._identities = Identities(
            "identity",
            IdentitiesArguments(
                names=names,
                namespace=self._args.kubernetes.team,
                prefix=f"{self._args.workload}/",
                bucket_names=data.bucket_names,
                envelope_key_id=data.key_id,
                cluster_name=self._cluster.cluster_name,
            ),
            self._child,
        )
        self._other_teams = Teams("teams", self._teams_arguments(), self._child) if self._teams else None

    def _teams_arguments(self) -> TeamsArguments:
        data = self._base.data
        return TeamsArguments(
            teams=self._teams,
            keys=self._base.keys_arguments,
            key_ring_id=self._base.keys.key_ring_id,
            bucket_names=data.bucket_names,
            cluster_name=self._cluster.cluster_name,
        )

    def _make_surroundings(self) -> None:
        settings = self._settings
        if settings.budget.monthly_usd:
            arguments = BudgetArguments(names=self._names, settings=settings.budget, labels=self._lasting_labels)
            Budget("budget", arguments, self._child)
        self._machine = self._make_machine() if settings.machine.machine_type else None

    def _make_machine(self) -> Machine:
        machine = self._settings.machine
        return Machine(
            "machine",
            MachineArguments(
                names=self._names,
                settings=machine,
                zone=machine.zone or self._settings.network.zones[0],
                subnetwork_id=self._base.network.subnetwork_id,
                volumes_key_id=self._base.keys.ids["volumes"],
                service_account_email=self._identities.emails[Identity.TRAINING],
                production=self._args.production,
            ),
            self._child,
        )

    def _make_expiry(self) -> list[Expiry]:
        """What is ended when the stack expires is there by now; what asks for nodes waits for what ends them."""
        pools, machine = self._gpu_pools.node_pools, self._machine
        if not self._args.expires_at or not (pools or machine):
            return []
        arguments = ExpiryArguments(
            names=self._names,
            expires_at=self._args.expires_at,
            cluster_name=self._cluster.cluster_name,
            location=self._cluster.location,
            node_pools=pools,
            machine_name=machine.instance_name if machine else None,
            machine_zone=machine.zone if machine else "",
        )
        return [Expiry("expiry", arguments, self._child)]

    def _let_workflows_start(self) -> None:
        """Nodes, a machine and schedules act as accounts of the stack, which who starts them has to be let."""
        github = self._base.github
        if github is None:
            return
        github.let_deploy_act_as("node", self._node_account.email)
        if self._machine:
            github.let_deploy_act_as("machine", self._identities.emails[Identity.TRAINING])
        for expiry in self._expiry:
            github.let_deploy_act_as("expiry", expiry.email)

    def _content_arguments(self) -> ClusterContentArguments:
        kubernetes, settings = self._args.kubernetes, self._settings
        addons = kubernetes_side.sharing_of_pools(kubernetes.addons, settings.gpu_pools)
        return ClusterContentArguments(
            side=self.side,
            settings=kubernetes.model_copy(update={"addons": addons}),
            front_image=self._args.front_image,
            production=self._args.production,
            labels={"app.kubernetes.io/part-of": self._args.project, "trainyard.dev/stack": self._args.stack},
            annotations={f"trainyard.dev/{tag.replace('_', '-')}": value for tag, value in self._args.tags.items()},
        )

    def _cloud_side(self) -> CloudSide:
        names, settings, cluster = self._names, self._settings, self._cluster
        teams: Sequence[pulumi.Resource] = [self._other_teams] if self._other_teams else []
        disk = settings.system_pool.disk_type
        return CloudSide(
            provider=kubernetes_provider(cluster, parent=self, after=[*cluster.access, self._system_pool]),
            kubeconfig=cluster_kubeconfig(cluster),
            cluster_id=cluster.cluster_id,
            drain_provider=GkeDrainProvider(),
            cluster_name=names.cluster,
            kubernetes_version=settings.cluster.version,
            issuer_url=cluster.issuer_url,
            issuer_keys_path=kubernetes_side.ISSUER_KEYS_PATH,
            pools=node_pools(settings),
            images={f"trainyard-{image}": reference for image, reference in self._images.references.items()},
            environment=kubernetes_side.pod_environment(names),
            service_accounts=kubernetes_side.service_account_annotations(
                names, self._args.kubernetes.team, self._teams
            ),
            team_members=kubernetes_side.team_members(settings.cluster.team_members),
            addon_annotations={},
            identity_agents=kubernetes_side.IDENTITY_AGENTS,
            registries=image_cache.registries(names, settings.network) if settings.registry.pull_through else {},
            without_image=kubernetes_side.WITHOUT_IMAGE,
            without_credentials_annotation=kubernetes_side.WITHOUT_CREDENTIALS_ANNOTATION,
            provided=kubernetes_side.PROVIDED,
            critical_pods_by_quota=True,
            gpu_driver_folder=kubernetes_side.GPU_DRIVER_FOLDER,
            aws=None,
            storage_class=kubernetes_side.storage_class(names, self._base.keys.ids["volumes"], disk),
            load_balancer_annotations=kubernetes_side.load_balancer_annotations(),
            autoscaler_manifests=tuple(network_manifests(names, settings.gpu_pools)),
            before_addons=[],
            before_workloads=[self._identities, *teams, self._gpu_pools, *self._expiry],
        )

    def _outputs(self) -> dict[str, pulumi.Input[Any]]:
        """What a person needs to use the platform by hand, and CI to act as its identities."""
        outputs: dict[str, pulumi.Input[Any]] = {
            "project_id": self._names.project_id,
            "region": self._names.region,
            "network_id": self._base.network.network_id,
            "cluster_name": self._cluster.cluster_name,
            "cluster_location": self._cluster.location,
            "kubeconfig": cluster_kubeconfig(self._cluster),
            "key_id": self._base.data.key_id,
            "service_account_emails": {each.value: email for each, email in self._identities.emails.items()},
            "repository_urls": self._registry.urls,
            "image_references": self._images.references,
        }
        if self._other_teams:
            outputs["team_key_ids"] = self._other_teams.key_ids
            outputs["team_service_account_emails"] = {
                team: {each.value: email for each, email in emails.items()}
                for team, emails in self._other_teams.emails.items()
            }
        if self._base.github:
            outputs["github_provider_name"] = self._base.github.provider_name
            outputs["github_preview_service_account_email"] = self._base.github.preview_email
            outputs["github_deploy_service_account_email"] = self._base.github.deploy_email
        if self._machine:
            outputs["machine_instance_name"] = self._machine.instance_name
            outputs["machine_ssh_command"] = pulumi.Output.concat(
                "gcloud compute ssh ", self._machine.instance_name, " --tunnel-through-iap",
                " --zone ", self._machine.zone, " --project ", self._names.project_id,
            )  # fmt: skip
        return outputs
