"""How a network reaches Google's own services without their names of the internet: by addresses that Google keeps for
it, or by one of the network's own (Private Service Connect), and by private zones whose names lead there.

The addresses are those of `private.googleapis.com`, which answers for all services. Those of
`restricted.googleapis.com`, which answers for those that VPC Service Controls protect, are for projects within such a
perimeter, which is the organization's. Source: VPC, "Private Google Access", domain options.
"""

import hashlib
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.gcp.naming import Names

VIRTUAL_RANGE = "199.36.153.8/30"
"""The addresses of private.googleapis.com, which the internet does not route."""
VIRTUAL_ADDRESSES = ("199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11")

ZONES = {
    "googleapis": ("googleapis.com.", "the APIs"),
    "registries": ("pkg.dev.", "images in Artifact Registry"),
    "old-registries": ("gcr.io.", "images that GKE itself runs"),
    "control-planes": ("gke.goog.", "control planes of GKE by their names"),
}
"""The zones by part of their name: what is in them, and what for."""
_TTL_S = 300


@dataclass(frozen=True, kw_only=True)
class GoogleApisArguments:
    """How Google's services are reached."""

    names: Names
    network_id: pulumi.Input[str]
    endpoint: str = ""
    """An address of the network in none of its subnets, for Private Service Connect; empty: by Google's addresses."""


class GoogleApis(pulumi.ComponentResource):
    """The private zones, and the address that their names lead to."""

    ready: list[pulumi.Resource]
    """What whoever needs Google's services waits for."""
    ranges: list[str]
    """The ranges that their traffic goes to."""

    def __init__(self, name: str, args: GoogleApisArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:GoogleApis", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self.ranges = [f"{args.endpoint}/32"] if args.endpoint else [VIRTUAL_RANGE]
        self.ready = [self._make_endpoint()] if args.endpoint else [self._make_route()]
        for part, (domain, purpose) in ZONES.items():
            self.ready += self._make_zone(part, domain, purpose)
        self.register_outputs({})

    def _make_endpoint(self) -> pulumi.Resource:
        names = self._args.names
        address = gcp.compute.GlobalAddress(
            f"{self._name}-endpoint",
            name=names.resource("google-apis"),
            project=names.project_id,
            description="Google's own services, by Private Service Connect",
            address_type="INTERNAL",
            purpose="PRIVATE_SERVICE_CONNECT",
            network=self._args.network_id,
            address=self._args.endpoint,
            opts=self._child,
        )
        return gcp.compute.GlobalForwardingRule(
            f"{self._name}-endpoint",
            name=endpoint_name(names),
            project=names.project_id,
            target="all-apis",
            network=self._args.network_id,
            ip_address=address.id,
            # None: a scheme is for load balancers.
            load_balancing_scheme="",
            # Left out, the directory that it is registered in is in us-central1.
            service_directory_registrations=gcp.compute.GlobalForwardingRuleServiceDirectoryRegistrationsArgs(
                service_directory_region=names.region
            ),
            opts=self._child,
        )

    def _make_route(self) -> pulumi.Resource:
        names = self._args.names
        # The gateway of the internet by its name only: traffic to this range does not leave Google's network.
        return gcp.compute.Route(
            f"{self._name}-route",
            name=names.resource("google-apis"),
            project=names.project_id,
            description="Google's own services, by their private addresses",
            network=self._args.network_id,
            dest_range=VIRTUAL_RANGE,
            next_hop_gateway="default-internet-gateway",
            opts=self._child,
        )

    def _make_zone(self, part: str, domain: str, purpose: str) -> list[pulumi.Resource]:
        names = self._args.names
        zone = gcp.dns.ManagedZone(
            f"{self._name}-{part}",
            name=names.resource(part),
            project=names.project_id,
            dns_name=domain,
            description=f"Leads to {purpose} without the internet",
            visibility="private",
            private_visibility_config=gcp.dns.ManagedZonePrivateVisibilityConfigArgs(
                networks=[
                    gcp.dns.ManagedZonePrivateVisibilityConfigNetworkArgs(network_url=self._args.network_id),
                ]
            ),
            opts=self._child,
        )
        own, every = (
            gcp.dns.RecordSet(
                f"{self._name}-{part}-{which}",
                project=names.project_id,
                managed_zone=zone.name,
                name=name,
                type=kind,
                ttl=_TTL_S,
                rrdatas=values,
                opts=pulumi.ResourceOptions(parent=zone),
            )
            for which, name, kind, values in (
                ("own", domain, "A", [self._args.endpoint] if self._args.endpoint else list(VIRTUAL_ADDRESSES)),
                ("every", f"*.{domain}", "CNAME", [domain]),
            )
        )
        return [own, every]


def endpoint_name(names: Names) -> str:
    """What the endpoint of Private Service Connect is called: 1 to 20 of a-z and 0-9, and not as that of another stack.

    Source: VPC, "Access Google APIs through endpoints".
    """
    return f"trainyard{hashlib.sha256(names.prefix.encode()).hexdigest()[:8]}"
