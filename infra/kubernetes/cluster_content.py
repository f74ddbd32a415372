"""All that is in a cluster, put together: what there is before any workload, and what runs workloads.

It is the same in every cloud, but for what the cloud hands over.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.kubernetes.charts.cluster_facts import mirrored
from infra.kubernetes.cloud_side import CloudSide
from infra.kubernetes.cluster import KubernetesCluster, KubernetesClusterArguments
from infra.kubernetes.drain import Drain, DrainArguments
from infra.kubernetes.foundation import Foundation, FoundationArguments
from infra.kubernetes.indexed_job import JobSurroundings
from infra.kubernetes.service.surroundings import ServiceSurroundings
from infra.kubernetes.settings import KubernetesSettings


@dataclass(frozen=True, kw_only=True)
class ClusterContentArguments:
    """What the content is made from."""

    side: CloudSide
    settings: KubernetesSettings
    front_image: str
    """What stands before the inference service, by its digest."""
    production: bool
    labels: Mapping[str, str]
    """Labels of every object."""
    annotations: Mapping[str, str]
    """What is told of namespaces beside: owner, cost centre, expiry."""


class ClusterContent(pulumi.ComponentResource):
    """Everything in the cluster."""

    cluster: KubernetesCluster

    def __init__(self, name: str, args: ClusterContentArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:kubernetes:ClusterContent", name, None, opts)
        side, settings = args.side, args.settings
        arguments = FoundationArguments(
            side=side,
            settings=settings,
            production=args.production,
            labels=args.labels,
            annotations=args.annotations,
        )
        foundation = Foundation("foundation", arguments, pulumi.ResourceOptions(parent=self))
        prepared = [*foundation.ready, *side.before_workloads]
        drain = Drain(
            "drain",
            DrainArguments(
                provider=side.drain_provider,
                cluster=side.cluster_id,
                name=side.cluster_name,
                kubeconfig=side.kubeconfig,
                teams=list(settings.all_teams),
            ),
            # Nodes, roles and what deletes disks come before the provider.
            pulumi.ResourceOptions(parent=self, depends_on=[side.provider, *prepared, *foundation.finishing]),
        )
        self.cluster = KubernetesCluster(
            KubernetesClusterArguments(
                provider=side.provider,
                images=side.images,
                without_image=side.without_image,
                after=[*prepared, drain],
                jobs=JobSurroundings(
                    namespace=settings.team,
                    pools=side.pools,
                    queued=settings.addons.queue.enabled,
                    ready_minutes=settings.addons.queue.ready_minutes,
                    environment=side.environment,
                    labels=args.labels,
                ),
                services=ServiceSurroundings(
                    namespace=settings.team,
                    pools=side.pools,
                    front_image=mirrored(args.front_image, side.registries),
                    issuer=side.issuer_url,
                    issuer_keys_path=side.issuer_keys_path,
                    environment=side.environment,
                    labels=args.labels,
                    without_credentials_annotation=side.without_credentials_annotation,
                ),
            )
        )
        self.register_outputs({})
