"""The dead-man switch: at the moment at which the stack expires, Google Cloud itself ends what is dear, with nobody
there.

Cloud Scheduler calls GKE and Compute Engine: autoscaling of each pool of GPU nodes is switched off, its size is set to
none, and the single machine is stopped. It calls again every quarter of an hour for a day, so one call that fails is
not the end: GKE does one thing after the other in a cluster, and refuses what comes meanwhile. Calls to pools are
minutes apart for the same reason. With autoscaling off, nothing starts nodes anew.

What acts is a service account of its own, which may do these calls and no other: on this cluster and this machine
alone, and not before the moment (`expiry_cron.not_before`). A later moment changes schedules in place, and exchanges
the two grants, whose conditions the provider does not change.

Jobs are where the stack is, or in the nearest region that Cloud Scheduler is in. They hold no data of the stack's: its
names, the moment, and whom to call.

Sources: GKE API, projects.locations.clusters.nodePools.setAutoscaling and .setSize; Compute Engine API, instances.stop;
Cloud Scheduler API, projects.locations.jobs; GKE API, "Permissions" (container.clusters.update).
"""

import base64
import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.expiry_moment import utc_moment
from infra.gcp.cluster import this_cluster
from infra.gcp.expiry_cron import TIME_ZONE, not_before, schedules
from infra.gcp.naming import Names
from planning.google_scheduler import region_of_jobs

PURPOSE = "expiry"
"""What the service account and the jobs are named after."""
EMPTY_POOLS = "container.clusters.update"
"""The permission of both calls to GKE."""
STOP_MACHINE = "compute.instances.stop"
RETRIES = 3
"""Attempts after one that failed, two minutes apart at most, before the next call is due."""
APART_MINUTES = 2
"""Between one call to GKE and the next."""
MOST_DELAY_MINUTES = 14
"""Latest call of the first round, in minutes after the moment."""
DAYS = ("day", "next-day")


@dataclass(frozen=True, kw_only=True)
class ExpiryArguments:
    """What is ended, and when."""

    names: Names
    expires_at: str
    """The moment, with its zone."""
    cluster_name: pulumi.Input[str]
    location: str
    """The cluster's region, or its zone."""
    node_pools: Mapping[str, gcp.container.NodePool]
    """GKE's pools of GPU nodes, by the name of the pool."""
    machine_name: pulumi.Input[str] | None = None
    machine_zone: str = ""


@dataclass(frozen=True)
class Call:
    """A request that ends something."""

    of: str
    """What the job is named after."""
    description: str
    """What it does, a sentence without its end."""
    uri: pulumi.Input[str]
    body: Mapping[str, object] | None = None
    """What is sent; None: nothing."""
    delay_minutes: int = 0
    """How long after the moment it is done."""


def calls_to_pool(pool: str, pool_uri: pulumi.Input[str], *, delay_minutes: int) -> Sequence[Call]:
    """Switches autoscaling off, which would bring nodes back, and lets the nodes of every zone go.

    :param pool_uri: Address of GKE's pool in its API.
    """
    off, none = (pulumi.Output.concat(pool_uri, verb) for verb in (":setAutoscaling", ":setSize"))
    return (
        Call(
            f"{pool}-autoscaling",
            f"Switches autoscaling of the pool {pool} off",
            off,
            {"autoscaling": {"enabled": False}},
            min(delay_minutes, MOST_DELAY_MINUTES),
        ),
        Call(
            f"{pool}-size",
            f"Empties the pool {pool}",
            none,
            {"nodeCount": 0},
            min(delay_minutes + APART_MINUTES, MOST_DELAY_MINUTES),
        ),
    )


def call_to_machine(names: Names, zone: str, machine: pulumi.Input[str]) -> Call:
    """Stops the machine. It keeps its disk, and what somebody left there; not what lies on a local SSD, which has to be
    said."""
    uri = f"https://compute.googleapis.com/compute/v1/projects/{names.project_id}/zones/{zone}/instances/"
    return Call("machine", "Stops the single machine", pulumi.Output.concat(uri, machine, "/stop?discardLocalSsd=true"))


class Expiry(pulumi.ComponentResource):
    """Jobs for each pool and for the machine, and the service account that they act by."""

    email: pulumi.Output[str]
    """Address of the service account."""

    def __init__(self, name: str, args: ExpiryArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:Expiry", name, None, opts)
        self._name, self._args = name, args
        self._moment = utc_moment(args.expires_at)
        self._child = pulumi.ResourceOptions(parent=self)
        self._account = self._make_account()
        self.email = self._account.email
        granted = self._make_grants()
        for call in self._calls():
            for day, schedule in zip(
                DAYS, schedules(self._moment + datetime.timedelta(minutes=call.delay_minutes)), strict=True
            ):
                self._make_job(call, day, schedule, granted)
        self.register_outputs({})

    def _calls(self) -> list[Call]:
        args, found = self._args, list[Call]()
        cluster = pulumi.Output.concat(
            "https://container.googleapis.com/v1/projects/",
            args.names.project_id,
            "/locations/",
            args.location,
            "/clusters/",
            args.cluster_name,
        )
        for index, (pool, node_pool) in enumerate(args.node_pools.items()):
            uri = pulumi.Output.concat(cluster, "/nodePools/", node_pool.name)
            found += calls_to_pool(pool, uri, delay_minutes=2 * APART_MINUTES * index)
        if args.machine_name is not None:
            found.append(call_to_machine(args.names, args.machine_zone, args.machine_name))
        return found

    def _make_account(self) -> gcp.serviceaccount.Account:
        names = self._args.names
        return gcp.serviceaccount.Account(
            self._name,
            project=names.project_id,
            account_id=names.service_account_id(PURPOSE),
            display_name=f"{names.prefix}: expiry",
            description=f"Ends what is dear of {names.prefix} when it expires",
            opts=self._child,
        )

    def _make_grants(self) -> list[pulumi.Resource]:
        args, granted = self._args, list[pulumi.Resource]()
        cluster_id = args.names.cluster_id(args.location)
        if args.node_pools:
            granted.append(
                gcp.projects.IAMMember(
                    f"{self._name}-pools",
                    project=args.names.project_id,
                    role=self._make_role("pools", EMPTY_POOLS).name,
                    member=self._account.member,
                    condition=gcp.projects.IAMMemberConditionArgs(
                        title="This cluster, when the stack has expired",
                        expression=f"{not_before(self._moment)} && ({this_cluster(cluster_id)})",
                    ),
                    opts=self._child,
                )
            )
        if args.machine_name is not None:
            granted.append(
                gcp.compute.InstanceIAMMember(
                    f"{self._name}-machine",
                    project=args.names.project_id,
                    zone=args.machine_zone,
                    instance_name=args.machine_name,
                    role=self._make_role("machine", STOP_MACHINE).name,
                    member=self._account.member,
                    condition=gcp.compute.InstanceIAMMemberConditionArgs(
                        title="When the stack has expired", expression=not_before(self._moment)
                    ),
                    opts=self._child,
                )
            )
        return granted

    def _make_role(self, of: str, permission: str) -> gcp.projects.IAMCustomRole:
        """A role of one permission. Predefined roles that have it may make and delete clusters and machines as well.

        A role's name is taken for up to 37 days after the role has gone, so its end is another one whenever the stack
        is made anew. Source: IAM, "Create and manage custom roles" (deleting).
        """
        names = self._args.names
        return gcp.projects.IAMCustomRole(
            f"{self._name}-{of}",
            project=names.project_id,
            role_id=self._account.unique_id.apply(
                lambda account: (
                    f"{names.custom_role_id(f'{PURPOSE}-{of}')}_{hashlib.sha256(account.encode()).hexdigest()[:8]}"
                )
            ),
            title=f"{names.prefix}: {PURPOSE}, {of}",
            description=f"Ends what is dear of {names.prefix} when it expires",
            permissions=[permission],
            stage="GA",
            opts=self._child,
        )

    def _make_job(self, call: Call, day: str, schedule: str, granted: Sequence[pulumi.Resource]) -> None:
        names, name = self._args.names, f"{call.of}-{day}"
        gcp.cloudscheduler.Job(
            f"{self._name}-{name}",
            name=names.resource(f"{PURPOSE}-{name}"),
            project=names.project_id,
            region=region_of_jobs(names.region),
            description=f"{call.description} of {names.prefix} when the stack has expired",
            schedule=schedule,
            time_zone=TIME_ZONE,
            attempt_deadline="60s",
            retry_config=gcp.cloudscheduler.JobRetryConfigArgs(
                retry_count=RETRIES, min_backoff_duration="60s", max_backoff_duration="120s", max_doublings=1
            ),
            http_target=gcp.cloudscheduler.JobHttpTargetArgs(
                http_method="POST",
                uri=call.uri,
                **_content(call.body),
                oauth_token=gcp.cloudscheduler.JobHttpTargetOauthTokenArgs(
                    service_account_email=self._account.email,
                    scope="https://www.googleapis.com/auth/cloud-platform",
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(granted)),
        )


def _content(body: Mapping[str, object] | None) -> dict[str, Any]:
    """A body as Cloud Scheduler takes it: bytes, which its API has in Base64."""
    if body is None:
        return {}
    encoded = base64.b64encode(json.dumps(body).encode()).decode()
    return {"headers": {"Content-Type": "application/json"}, "body": encoded}
