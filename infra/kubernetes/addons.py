"""The add-ons of a cluster as Helm releases, in the order in which they need each other.

The provider renders a chart when it deploys, so a preview shows chart, version and values, and reads no chart. A
release is made when its pods are ready. One that fails is taken back, so that the next `up` starts anew. Charts come
from their makers' repositories to whoever deploys; images come to the nodes, by a mirror where there is one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs

from infra.kubernetes.addon_settings import ADDONS, AddonName, AddonSettings
from infra.kubernetes.charts import gateway, selection
from infra.kubernetes.charts.chart import RELEASE_SECONDS, Chart, Level
from infra.kubernetes.charts.cluster_facts import ClusterFacts
from infra.kubernetes.object import KubernetesObject


@dataclass(frozen=True, kw_only=True)
class AddonsArguments:
    """What add-ons are made from."""

    provider: pulumi.ProviderResource
    """Leads to the cluster."""
    settings: AddonSettings
    facts: ClusterFacts


def addon_namespaces(args: AddonsArguments) -> Mapping[str, Level]:
    """The namespaces that have to be there before the add-ons, with what pods are held to in each."""
    return selection.namespaces(args.settings, args.facts)


class Addons(pulumi.ComponentResource):
    """A release for each chart of each add-on that is wanted.

    Raises pulumi.RunError for a Kubernetes version that there is no node autoscaler for.
    """

    def __init__(self, name: str, args: AddonsArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:kubernetes:Addons", name, None, opts)
        self._name, self._args = name, args
        self._made: dict[AddonName, list[pulumi.Resource]] = {}
        try:
            wanted = selection.addons(args.settings, args.facts)
        except ValueError as error:
            raise pulumi.RunError(f"The add-ons cannot be installed: {error}.") from None
        for addon in wanted:
            # Others may need a node that only the autoscaler starts.
            first = self.after("node_autoscaler")
            made: list[pulumi.Resource] = []
            for chart in addon.charts:
                made.append(self._release(chart, [*first, *made]))
            if addon.name == "gateway":
                made.append(self._gateway_class(made))
            self._made[addon.name] = made
        self.register_outputs({})

    def after(self, addon: AddonName) -> Sequence[pulumi.Resource]:
        """What an object of an add-on's own kind has to wait for, or what counts on it; nothing if it is not installed.

        Raises ValueError if there is no such add-on.
        """
        if addon not in ADDONS:
            raise ValueError(f"{addon} is no add-on; must be one of {', '.join(ADDONS)}")
        return self._made.get(addon, [])

    def _release(self, chart: Chart, after: Sequence[pulumi.Resource]) -> Release:
        return Release(
            f"{self._name}-{chart.release}",
            name=chart.release,
            chart=chart.chart,
            version=chart.version,
            repository_opts=RepositoryOptsArgs(repo=chart.repository) if chart.repository else None,
            namespace=chart.namespace,
            create_namespace=False,
            values=chart.values,
            skip_crds=chart.skip_crds,
            atomic=True,
            cleanup_on_fail=True,
            skip_await=False,
            timeout=RELEASE_SECONDS,
            max_history=5,
            opts=self._options(after),
        )

    def _gateway_class(self, after: Sequence[pulumi.Resource]) -> KubernetesObject:
        return KubernetesObject(f"{self._name}-gateway-class", gateway.class_manifest(), self._options(after))

    def _options(self, after: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=self._args.provider, depends_on=list(after))
