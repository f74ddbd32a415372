"""What a cluster has before any workload: namespaces, teams and their limits, who may talk to whom, priorities,
add-ons, and the queues that jobs wait in.

Each step comes after the one before: an add-on's namespace before the add-on, and its own kinds of objects after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from infra.kubernetes.addon_settings import AddonName
from infra.kubernetes.addons import Addons, AddonsArguments, addon_namespaces
from infra.kubernetes.charts.cluster_facts import ClusterFacts
from infra.kubernetes.cloud_side import CloudSide
from infra.kubernetes.network_policies import default_policies
from infra.kubernetes.object import KubernetesObject, Manifest, pulumi_name
from infra.kubernetes.priority_classes import critical_pods_manifest, priority_class_manifests
from infra.kubernetes.queues import queue_manifests
from infra.kubernetes.settings import KubernetesSettings
from infra.kubernetes.teams import TEAM_LABEL, namespace_manifest, reader_role_manifest, team_manifests

FINISHING_ADDONS: tuple[AddonName, ...] = ("node_autoscaler", "queue", "gateway", "scale_to_zero")
"""Add-ons whose objects carry finalizers, or have something made that they end: nodes, load balancers."""


@dataclass(frozen=True, kw_only=True)
class FoundationArguments:
    """What the foundation is made from."""

    side: CloudSide
    settings: KubernetesSettings
    production: bool
    labels: Mapping[str, str]
    """Labels of every object."""
    annotations: Mapping[str, str]
    """What is told of namespaces beside: owner, cost centre, expiry."""


class Foundation(pulumi.ComponentResource):
    """What any workload on the cluster waits for."""

    ready: Sequence[pulumi.Resource]
    """What to depend on to run on the cluster."""
    finishing: Sequence[pulumi.Resource]
    """What finishes the deletion of what is in the cluster: it has to go after that."""

    def __init__(self, name: str, args: FoundationArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:kubernetes:Foundation", name, None, opts)
        self._args, side = args, args.side
        wanted = AddonsArguments(provider=side.provider, settings=args.settings.addons, facts=cluster_facts(args))
        classes = self._make([*priority_class_manifests(args.labels), side.storage_class])
        namespaces = self._make_addon_namespaces(wanted)
        teams = self._make_teams()
        before_addons = [*classes, *namespaces, *side.before_addons]
        addons = Addons("addons", wanted, pulumi.ResourceOptions(parent=self, depends_on=before_addons))
        pools = self._make(side.autoscaler_manifests, after=addons.after("node_autoscaler"))
        queues = self._make_queues(addons, teams) if args.settings.addons.queue.enabled else []
        self.ready = [*classes, *teams, *pools, *queues, *addons.after("device_plugin")]
        self.finishing = [resource for addon in FINISHING_ADDONS for resource in addons.after(addon)]
        self.register_outputs({})

    def _make_addon_namespaces(self, wanted: AddonsArguments) -> list[KubernetesObject]:
        labels, levels = self._args.labels, addon_namespaces(wanted)
        made = self._make([namespace_manifest(space, level, labels) for space, level in levels.items()])
        if self._args.side.critical_pods_by_quota:
            made += self._make([critical_pods_manifest(space, labels) for space in levels], after=made)
        return made

    def _make_teams(self) -> list[KubernetesObject]:
        args = self._args
        made = self._make([reader_role_manifest(args.labels)])
        for team, settings in args.settings.all_teams.items():
            space, *content = team_manifests(
                team,
                settings,
                pools=args.side.pools,
                service_accounts=args.side.service_accounts[team],
                members=args.side.team_members.get(team, ()),
                labels=args.labels,
                annotations=args.annotations,
            )
            policies = default_policies(team, args.side.identity_agents, {**args.labels, TEAM_LABEL: team})
            namespace = self._make([space])
            made += namespace + self._make([*content, *policies], after=namespace)
        return made

    def _make_queues(self, addons: Addons, teams: Sequence[pulumi.Resource]) -> list[KubernetesObject]:
        manifests = queue_manifests(
            self._args.side.pools,
            self._args.settings.all_teams,
            self._args.labels,
            spot_borrows_on_demand=self._args.settings.spot_borrows_on_demand,
        )
        kinds: dict[str, list[Manifest]] = {}
        for manifest in manifests:
            kinds.setdefault(manifest["kind"], []).append(manifest)
        made: list[KubernetesObject] = []
        # A queue names flavours, and a way in names a queue.
        for each in kinds.values():
            made += self._make(each, after=[*addons.after("queue"), *teams, *made])
        return made

    def _make(self, manifests: Sequence[Manifest], after: Sequence[pulumi.Resource] = ()) -> list[KubernetesObject]:
        opts = pulumi.ResourceOptions(parent=self, provider=self._args.side.provider, depends_on=list(after))
        return [KubernetesObject(pulumi_name(manifest), manifest, opts) for manifest in manifests]


def cluster_facts(args: FoundationArguments) -> ClusterFacts:
    """What the charts of add-ons have to know."""
    side = args.side
    return ClusterFacts(
        cluster_name=side.cluster_name,
        kubernetes_version=side.kubernetes_version,
        production=args.production,
        team_namespaces=tuple(args.settings.all_teams),
        storage_class=side.storage_class["metadata"]["name"],
        load_balancer_annotations=side.load_balancer_annotations,
        service_account_annotations=side.addon_annotations,
        registries=side.registries,
        provided=side.provided,
        gpu_driver_folder=side.gpu_driver_folder,
        aws=side.aws,
    )
