"""The network: a VPC, one subnet in the region for nodes, pods and services, and ways out that nothing comes in by.

No machine has a public address. The way out is Cloud NAT, for nodes and pods alone; fully private, there is none, and
not even a route to the internet. Google's own services are reached by Private Google Access, or by an address of the
network (Private Service Connect), and never by NAT. Nothing comes in but from the network itself and, where the single
machine is, SSH by Identity-Aware Proxy; nothing goes out but to the network, to Google's services and, where there is
NAT, by HTTPS. What is denied is logged in full.

GKE makes firewalls of its own, for its nodes alone, at priorities before those that deny here (GKE, "Automatically
created firewall rules"). Health checks of internal load balancers come in by those. The project's default network is
not ours, and nothing is in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.gcp import subnets
from infra.gcp.google_apis import GoogleApis, GoogleApisArguments
from infra.gcp.naming import Names
from infra.gcp.settings import NetworkSettings
from infra.known_output import known_when

MTU = 8244
"""Longest packet in bytes: 8 KiB of data and what is before them, for nodes that train together. TCP to the internet
agrees on less. Sources: VPC, "Maximum transmission unit"; GoogleCloudPlatform/cluster-toolkit, gke-a3-highgpu."""
IDENTITY_AWARE_PROXY = "35.235.240.0/20"
"""Where Identity-Aware Proxy connects from. Source: IAP, "Using IAP for TCP forwarding"."""
SSH_TAG = "iap-ssh"
"""Network tag of the machine that SSH by Identity-Aware Proxy reaches."""
INTERNET = "0.0.0.0/0"
PODS, SERVICES = "pods", "services"
"""Names of the subnet's secondary ranges."""

_ALLOW, _DENY = 1000, 65534
"""Priorities: the last but that of the rules that every network has, which nothing logs."""
_EVERY_PROTOCOL = "all"
_LEAST_PORTS, _MOST_PORTS = 64, 32768
"""Ports of NAT for each node: pods that fetch data sets open many connections at once. Powers of two."""


@dataclass(frozen=True, kw_only=True)
class NetworkArguments:
    """What the network is made from."""

    names: Names
    settings: NetworkSettings
    machine: bool = False
    """Whether there is a single machine, which is reached by Identity-Aware Proxy."""


class Network(pulumi.ComponentResource):
    """A VPC with one subnet."""

    network_id: pulumi.Output[str]
    network_name: pulumi.Output[str]
    subnetwork_id: pulumi.Output[str]
    """The subnet, known when it has its way out and its firewalls."""
    pods_range: str = PODS
    """Name of the secondary range of pods."""
    services_range: str = SERVICES
    """Name of the secondary range of Kubernetes services."""
    cidr: str
    """The whole range, of which the others are parts."""
    nodes_cidr: str
    pods_cidr: str
    services_cidr: str

    def __init__(self, name: str, args: NetworkArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:Network", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        network = subnets.parse_network(args.settings.cidr)
        ranges = subnets.plan_ranges(network)
        self.cidr, self.nodes_cidr, self.pods_cidr = str(network), str(ranges.nodes), str(ranges.pods)
        self.services_cidr = str(ranges.services)
        self._vpc = self._make_vpc()
        self.network_id, self.network_name = self._vpc.id, self._vpc.name
        subnetwork = self._make_subnetwork()
        endpoint = str(ranges.google_apis) if args.settings.private_service_connect else ""
        ready = [
            *self._make_firewalls(),
            *(self._make_way_out(subnetwork) if args.settings.nat == "single" else []),
            *(self._make_way_to_google(endpoint) if endpoint or args.settings.nat == "none" else []),
        ]
        # Whatever is started in the subnet waits for its ways out: a node without one never joins its cluster.
        self.subnetwork_id = known_when(subnetwork.id, ready)
        self.register_outputs({"network_id": self.network_id})

    def _make_vpc(self) -> gcp.compute.Network:
        names = self._args.names
        return gcp.compute.Network(
            f"{self._name}-vpc",
            name=names.prefix,
            project=names.project_id,
            description="Everything of the stack that has an address",
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
            # The route to the internet is made where there is NAT to use it.
            delete_default_routes_on_create=True,
            mtu=MTU,
            opts=self._child,
        )

    def _make_subnetwork(self) -> gcp.compute.Subnetwork:
        names, settings = self._args.names, self._args.settings
        return gcp.compute.Subnetwork(
            f"{self._name}-nodes",
            name=names.resource("nodes"),
            project=names.project_id,
            region=names.region,
            network=self.network_id,
            description="Nodes, pods and services",
            ip_cidr_range=self.nodes_cidr,
            secondary_ip_ranges=[
                gcp.compute.SubnetworkSecondaryIpRangeArgs(range_name=range_name, ip_cidr_range=cidr)
                for range_name, cidr in ((PODS, self.pods_cidr), (SERVICES, self.services_cidr))
            ],
            private_ip_google_access=True,
            stack_type="IPV4_ONLY",
            # CIS Google Cloud 3.8, but for its interval of 5 s, which makes up to six times the records that cost.
            log_config=gcp.compute.SubnetworkLogConfigArgs(
                aggregation_interval="INTERVAL_30_SEC",
                flow_sampling=settings.flow_log_sampling,
                metadata="INCLUDE_ALL_METADATA",
            ),
            opts=self._child,
        )

    def _make_way_out(self, subnetwork: gcp.compute.Subnetwork) -> list[pulumi.Resource]:
        names = self._args.names
        route = gcp.compute.Route(
            f"{self._name}-internet",
            name=names.resource("internet"),
            project=names.project_id,
            description="The way to NAT, for those who have no public address",
            network=self.network_id,
            dest_range=INTERNET,
            next_hop_gateway="default-internet-gateway",
            opts=self._child,
        )
        router = gcp.compute.Router(
            f"{self._name}-nat",
            name=names.resource("nat"),
            project=names.project_id,
            region=names.region,
            network=self.network_id,
            description="Has the NAT gateway",
            opts=self._child,
        )
        gateway = gcp.compute.RouterNat(
            f"{self._name}-nat",
            name=names.resource("nat"),
            project=names.project_id,
            region=names.region,
            router=router.name,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
            subnetworks=[
                gcp.compute.RouterNatSubnetworkArgs(
                    name=subnetwork.id,
                    source_ip_ranges_to_nats=["PRIMARY_IP_RANGE", "LIST_OF_SECONDARY_IP_RANGES"],
                    secondary_ip_range_names=[PODS],
                )
            ],
            enable_dynamic_port_allocation=True,
            enable_endpoint_independent_mapping=False,
            min_ports_per_vm=_LEAST_PORTS,
            max_ports_per_vm=_MOST_PORTS,
            # Who talked to whom is in the flow logs; this tells what found no port.
            log_config=gcp.compute.RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
            opts=self._child,
        )
        return [route, gateway]

    def _make_way_to_google(self, endpoint: str) -> list[pulumi.Resource]:
        apis = GoogleApis(
            f"{self._name}-google",
            GoogleApisArguments(names=self._args.names, network_id=self.network_id, endpoint=endpoint),
            self._child,
        )
        allowed = self._make_firewall(
            "google-apis",
            "Google's own services",
            direction="EGRESS",
            ranges=apis.ranges,
            ports=["443"],
        )
        return [*apis.ready, allowed]

    def _make_firewalls(self) -> list[pulumi.Resource]:
        inside = [self.nodes_cidr, self.pods_cidr]
        firewalls = [
            self._make_firewall("deny-in", "Nobody else comes in", direction="INGRESS", ranges=[INTERNET], deny=True),
            self._make_firewall("deny-out", "Nothing else goes out", direction="EGRESS", ranges=[INTERNET], deny=True),
            self._make_firewall("inside-in", "Nodes and pods reach each other", direction="INGRESS", ranges=inside),
            self._make_firewall(
                "inside-out",
                "Nodes and pods reach each other, and the control plane, which has an address among them",
                direction="EGRESS",
                ranges=inside,
            ),
        ]
        if self._args.settings.nat == "single":
            firewalls.append(
                self._make_firewall("web-out", "HTTPS goes out", direction="EGRESS", ranges=[INTERNET], ports=["443"])
            )
        if self._args.machine:
            firewalls.append(
                self._make_firewall(
                    "machine-ssh",
                    "SSH by Identity-Aware Proxy reaches the machine",
                    direction="INGRESS",
                    ranges=[IDENTITY_AWARE_PROXY],
                    ports=["22"],
                    tags=[SSH_TAG],
                )
            )
        return firewalls

    def _make_firewall(
        self,
        part: str,
        description: str,
        *,
        direction: str,
        ranges: Sequence[str],
        ports: Sequence[str] = (),
        deny: bool = False,
        tags: Sequence[str] = (),
    ) -> pulumi.Resource:
        """A firewall for the whole network, or for who has a tag.

        :param ranges: Where packets come from or go to.
        :param ports: TCP ports; none: every protocol.
        """
        names, inward = self._args.names, direction == "INGRESS"
        protocol = "tcp" if ports else _EVERY_PROTOCOL
        allows = [gcp.compute.FirewallAllowArgs(protocol=protocol, ports=list(ports) or None)]
        return gcp.compute.Firewall(
            f"{self._name}-{part}",
            name=names.resource(part),
            project=names.project_id,
            network=self.network_id,
            description=description,
            direction=direction,
            priority=_DENY if deny else _ALLOW,
            source_ranges=list(ranges) if inward else None,
            destination_ranges=None if inward else list(ranges),
            allows=None if deny else allows,
            denies=[gcp.compute.FirewallDenyArgs(protocol=protocol)] if deny else None,
            target_tags=list(tags) or None,
            log_config=gcp.compute.FirewallLogConfigArgs(
                # What is allowed is told by flow logs in full.
                metadata="INCLUDE_ALL_METADATA" if deny else "EXCLUDE_ALL_METADATA"
            ),
            opts=self._child,
        )
