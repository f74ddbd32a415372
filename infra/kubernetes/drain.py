"""A resource that is nothing but its deletion: it drains the cluster of what Pulumi does not know.

Controllers make things in the cloud by themselves: load balancers for services, disks for claims, nodes for pods. They
have to be deleted while the controllers still run. So everything that finishes such a deletion comes before this
resource, and every workload after it: a destroy ends the workloads, drains the cluster, and only then goes on with
add-ons, nodes, cluster and network. `drain_stages` says what is drained, `drain_run` how it is waited for.

Making it touches nothing, so a preview needs no cluster. A kubeconfig without a credential is a secret among its
properties, since it tells where the control plane is.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult
from typing_extensions import override

LIMIT_MINUTES = 15
"""How long a destroy waits for all of it: several times what a cloud takes to end load balancers, disks and nodes."""
_PROVIDER_KEY = "__provider"


class DrainProvider(ResourceProvider):
    """Remembers the way into a cluster, and drains it on deletion.

    Has no state and lives in an importable module, so Pulumi keeps it as a short reference to this class.
    """

    serialize_as_secret_always = False

    @override
    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(props["cluster"], _outputs(props))

    @override
    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Another cluster is drained of its own; all else is written down, the way to this class included."""
        changed = [name for name, value in news.items() if value != olds.get(name)]
        return DiffResult(
            changes=bool(changed), replaces=["cluster"] if "cluster" in changed else [], delete_before_replace=True
        )

    @override
    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_outputs(news))

    @override
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Raises drain_run.DrainError where the cluster cannot be drained in time."""
        from infra.kubernetes.drain_cluster import LiveCluster
        from infra.kubernetes.drain_run import ClusterGone, Draining

        draining = Draining(
            name=props["name"],
            teams=props["teams"],
            seconds=props["limit_minutes"] * 60,
            is_gone=lambda: self.is_gone(props["cluster"]),
            tell=lambda line: print(line, flush=True),
        )
        try:
            with contextlib.ExitStack() as connections:
                draining.drain(draining.connected(lambda: connections.enter_context(LiveCluster(props["kubeconfig"]))))
        except ClusterGone:
            draining.tell(f"draining {draining.name}: there is no such cluster any more, so there is nothing to drain")

    def is_gone(self, cluster: str) -> bool:
        """Asks the cloud whether there is no such cluster any more; where nobody can be asked, there is one."""
        return False


@dataclass(frozen=True, kw_only=True)
class DrainArguments:
    """Which cluster is drained, and how."""

    provider: DrainProvider
    """Of the cloud, which knows whether there is such a cluster."""
    cluster: pulumi.Input[str]
    """What the cloud knows the cluster by. Another one is another cluster."""
    name: str
    """What people call it."""
    kubeconfig: pulumi.Input[str]
    """The way in, as JSON. It holds no credential."""
    teams: Sequence[str]
    """Namespaces whose workloads are ended."""
    limit_minutes: float = LIMIT_MINUTES


class Drain(Resource, module="kubernetes", name="Drain"):
    """Drains the cluster when it is deleted.

    It has to depend on whatever finishes what it deletes, and workloads have to depend on it.
    """

    def __init__(self, name: str, args: DrainArguments, opts: pulumi.ResourceOptions) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"])
        properties = {
            "cluster": args.cluster,
            "name": args.name,
            "kubeconfig": pulumi.Output.secret(args.kubeconfig),
            "teams": list(args.teams),
            "limit_minutes": args.limit_minutes,
        }
        super().__init__(args.provider, name, properties, pulumi.ResourceOptions.merge(opts, secret))


def _outputs(props: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in props.items() if name != _PROVIDER_KEY}
