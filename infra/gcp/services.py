"""The APIs of Google Cloud that the platform uses, each by name and with its reason, and switching them on.

Nothing switches them off again: they belong to the project, and what else is in it may use them. Cloud Resource Manager
and Service Usage have to be on before, for they are what switches on (docs/gcp.md). The default network that Compute
Engine's API gives a project is not ours and not used: delete it, or forbid it for the organization
(`constraints/compute.skipDefaultNetworkCreation`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.gcp.settings import GcpSettings

DATA_APIS: Mapping[str, str] = {
    "cloudkms.googleapis.com": "the keys",
    "iam.googleapis.com": "the grants on buckets and keys, and who holds them",
    "storage.googleapis.com": "the buckets",
}
"""What a stack of buckets alone uses."""

CLUSTER_APIS: Mapping[str, str] = {
    "artifactregistry.googleapis.com": "the image registry",
    "compute.googleapis.com": "the network, and the machines of the nodes",
    "container.googleapis.com": "the cluster",
    "containersecurity.googleapis.com": "what GKE finds wrong with the cluster and what runs on it",
    "iamcredentials.googleapis.com": "pods that act as service accounts",
    "logging.googleapis.com": "the log buckets, and what routes logs to them",
    "monitoring.googleapis.com": "metrics of the cluster, and who is told of the budget",
    "sts.googleapis.com": "pods and workflows that show a token of their own for one of Google's",
}
"""What every stack with a cluster uses beside them."""


def apis_of(settings: GcpSettings, *, data_alone: bool = False, expires: bool = False) -> tuple[str, ...]:
    """The APIs that a stack uses, in the order of the alphabet.

    :param data_alone: Whether it has buckets and nothing else.
    :param expires: Whether it ends what is dear at a moment.
    """
    if data_alone:
        return tuple(sorted(DATA_APIS))
    by_setting = {
        "billingbudgets.googleapis.com": settings.budget.monthly_usd > 0,
        "binaryauthorization.googleapis.com": settings.cluster.binary_authorization,
        "cloudscheduler.googleapis.com": expires,
        # Source: GKE, "Use Image streaming to pull container images".
        "containerfilesystem.googleapis.com": any(pool.image_streaming for pool in settings.gpu_pools.values()),
        # It scans every image that is pushed, which costs.
        "containerscanning.googleapis.com": settings.registry.scanning,
        # Names of Google's services that lead to an address of the network.
        "dns.googleapis.com": settings.network.private_service_connect or settings.network.nat == "none",
        # The way to the machine.
        "iap.googleapis.com": bool(settings.machine.machine_type),
        # Where endpoints are registered. Source: VPC, "Access Google APIs through endpoints".
        "servicedirectory.googleapis.com": settings.network.private_service_connect,
    }
    used = {*DATA_APIS, *CLUSTER_APIS, *(api for api, needed in by_setting.items() if needed)}
    return tuple(sorted(used))


@dataclass(frozen=True, kw_only=True)
class ServicesArguments:
    """What is switched on."""

    project_id: str
    apis: Sequence[str]
    """Names of APIs, such as compute.googleapis.com."""


class Services(pulumi.ComponentResource):
    """The APIs of a project; whatever uses them waits for this component."""

    def __init__(self, name: str, args: ServicesArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:Services", name, None, opts)
        for api in args.apis:
            gcp.projects.Service(
                f"{name}-{api.partition('.')[0]}",
                project=args.project_id,
                service=api,
                disable_on_destroy=False,
                disable_dependent_services=False,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
