"""The logs: who talked to whom in the network, and what the cluster did, each encrypted by the stack's key and kept for
as long as the settings say.

Everything in a project is logged to one place unless something says otherwise. Here a sink routes what is this stack's,
and nothing else, to log buckets of its own. What they get is left out of the project's bucket `_Default`: that has
another retention and no key of ours, and storing the same entry twice costs twice, $0.50/GiB each (Google Cloud
Observability pricing, 2026). A project has ten such exclusions at most, and a stack makes one. Audit logs of
administrators stay in `_Required` as well, which costs nothing and cannot be changed. Sinks within a project need no
grant (Cloud Logging, "Configure sink permissions").

A deleted log bucket keeps its name for seven days, and neither a new one nor an old one can be had by that name (Cloud
Logging, "Configure log buckets"; Logging API, UpdateBucket). So its name ends in a digest of its key, of which no name
comes twice either: a destroyed stack can be made anew at once.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.gcp.naming import Names
from infra.gcp.settings import ClusterSettings, NetworkSettings

NETWORK_LOGS = ("vpc_flows", "firewall")
"""Logs of Compute Engine about subnets. Sources: VPC, "Access flow logs"; Cloud NGFW, "Use firewall rules logging"."""


@dataclass(frozen=True, kw_only=True)
class LogsArguments:
    """What the logs are made from."""

    names: Names
    network: NetworkSettings
    cluster: ClusterSettings
    logs_key_id: pulumi.Input[str]
    """The key that encrypts them."""
    production: bool
    """Whether Pulumi refuses to delete them."""
    gpu_subnets: Sequence[str] = ()
    """Subnets of GPUs among themselves that keep logs."""


class Logs(pulumi.ComponentResource):
    """Log buckets of the network and of the cluster, and what routes logs to them."""

    def __init__(self, name: str, args: LogsArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:Logs", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        location = args.names.region if args.cluster.location == "regional" else args.network.zones[0]
        filters = {
            "network": network_filter(args.names, args.gpu_subnets),
            "cluster": cluster_filter(args.names, location),
        }
        days = {"network": args.network.flow_log_retention_days, "cluster": args.cluster.log_retention_days}
        routed = [self._route(part, filters[part], days[part]) for part in filters]
        gcp.logging.ProjectExclusion(
            name,
            name=args.names.resource("logs"),
            project=args.names.project_id,
            description=f"{args.names.prefix} has log buckets of its own",
            filter=" OR ".join(f"({filter_})" for filter_ in filters.values()),
            # Until there is another way to them, they stay where they are.
            opts=pulumi.ResourceOptions(parent=self, depends_on=routed),
        )
        self.register_outputs({})

    def _route(self, part: str, filter_: str, days: int) -> gcp.logging.ProjectSink:
        names = self._args.names
        bucket = gcp.logging.ProjectBucketConfig(
            f"{self._name}-{part}",
            project=names.project_id,
            location=names.region,
            bucket_id=pulumi.Output.from_input(self._args.logs_key_id).apply(
                lambda key_id: bucket_id(names, part, key_id)
            ),
            description=f"Logs of the {part} of {names.prefix}",
            retention_days=days,
            cmek_settings=gcp.logging.ProjectBucketConfigCmekSettingsArgs(kms_key_name=self._args.logs_key_id),
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.production),
        )
        return gcp.logging.ProjectSink(
            f"{self._name}-{part}",
            name=names.resource(f"logs-{part}"),
            project=names.project_id,
            description=f"Logs of the {part} of {names.prefix}",
            destination=bucket.id.apply("logging.googleapis.com/{}".format),
            filter=filter_,
            unique_writer_identity=True,
            opts=self._child,
        )


def bucket_id(names: Names, part: str, key_id: str) -> str:
    """The name of a log bucket: at most 100 characters, and another one for each key."""
    return f"{names.prefix}-{part}-{hashlib.sha256(key_id.encode()).hexdigest()[:8]}"


def network_filter(names: Names, gpu_subnets: Sequence[str] = ()) -> str:
    """What the stack's own subnets and NAT gateway log. Source: Cloud Logging, "Logging query language"."""
    logs = " OR ".join(f'"{_log(names, f"compute.googleapis.com%2F{log}")}"' for log in NETWORK_LOGS)
    subnets = " OR ".join(f'"{name}"' for name in (names.resource("nodes"), *gpu_subnets))
    named = f"({subnets})" if gpu_subnets else subnets
    subnet = f'resource.type="gce_subnetwork" AND resource.labels.subnetwork_name={named}'
    nat_log = _log(names, "compute.googleapis.com%2Fnat_flows")
    gateway = f'resource.type="nat_gateway" AND resource.labels.gateway_name="{names.resource("nat")}"'
    region = f'resource.labels.region="{names.region}"'
    return f'(logName=({logs}) AND {subnet}) OR (logName="{nat_log}" AND {gateway} AND {region})'


def cluster_filter(names: Names, location: str) -> str:
    """What the stack's own cluster logs: its control plane, its nodes and what runs on them.

    :param location: The cluster's region, or its zone.
    """
    return f'resource.labels.cluster_name="{names.cluster}" AND resource.labels.location="{location}"'


def _log(names: Names, log: str) -> str:
    return f"projects/{names.project_id}/logs/{log}"
