"""The networks of a pool whose GPUs reach those of other nodes past the kernel, by GPUDirect.

Each further network card of a machine has a network of its own, or a subnet of its own: TCPX (A3 High) four networks,
TCPXO (A3 Mega) eight; RDMA (A3 Ultra, A4) one network for ordinary traffic, and one for RDMA over Converged Ethernet
with a subnet for each of eight cards. Nothing else is in them, there is no way out, and only they reach each other.

In the cluster each has an object, which pods name: `cluster_objects`. NCCL's plugin comes with the workload's image or
from Google's installer. Sources: GKE, "Maximize GPU network bandwidth in Standard mode clusters"; VPC, "RDMA network
profiles"; GoogleCloudPlatform/cluster-toolkit, examples gke-a3-highgpu, gke-a3-megagpu and gke-a3-ultragpu (2026).
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_gcp as gcp

from infra.gcp.machine_settings import GpuPoolSettings
from infra.gcp.naming import Names

GpuDirect = Literal["tcpx", "tcpxo", "rdma"]

RANGE = ipaddress.IPv4Network("198.18.0.0/16")
"""What the subnets are cut from, the same for each pool: its networks are joined with nothing. It is for tests of
networks, so it is no part of the network of the nodes. Source: RFC 2544; VPC, "Valid IPv4 ranges"."""
SUBNET_PREFIX = 20
"""Length of each subnet's range: a subnet has 4,092 addresses for machines, more than a pool has nodes."""
CARDS = {"tcpx": 4, "tcpxo": 8, "rdma": 8}
"""Further network cards that GPUs use."""
MTU = {"tcpx": 8244, "tcpxo": 8244, "rdma": 8896}
"""Longest packet in bytes: as Google's examples have it, and for RDMA the most that a network carries."""


@dataclass(frozen=True)
class PlannedNetwork:
    """A network of a pool, before it is there."""

    part: str
    """What its name ends in."""
    subnets: tuple[str, ...]
    """The range of each of its subnets."""
    rdma: bool = False
    """Whether it is for RDMA, and so for nothing else."""


def planned(kind: GpuDirect) -> tuple[PlannedNetwork, ...]:
    """The networks of a pool."""
    ranges = [str(each) for each in RANGE.subnets(new_prefix=SUBNET_PREFIX)]
    if kind == "rdma":
        cards = tuple(ranges[1 : 1 + CARDS[kind]])
        return PlannedNetwork("gvnic", (ranges[0],)), PlannedNetwork("rdma", cards, rdma=True)
    return tuple(PlannedNetwork(f"gpu-{index}", (ranges[index],)) for index in range(CARDS[kind]))


class GpuNetworks(pulumi.ComponentResource):
    """The networks of one pool."""

    attachments: Sequence[gcp.container.NodePoolNetworkConfigAdditionalNodeNetworkConfigArgs]
    """What the pool's nodes are joined to, in order, by names."""

    def __init__(
        self,
        name: str,
        *,
        names: Names,
        pool: str,
        kind: GpuDirect,
        zone: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("trainyard:gcp:GpuNetworks", name, None, opts)
        self._name, self._names, self._pool, self._kind, self._zone = name, names, pool, kind, zone
        self._child = pulumi.ResourceOptions(parent=self)
        self.attachments = [attachment for network in planned(kind) for attachment in self._make_network(network)]
        self.register_outputs({})

    def _make_network(
        self, planned: PlannedNetwork
    ) -> list[gcp.container.NodePoolNetworkConfigAdditionalNodeNetworkConfigArgs]:
        names, resource = self._names, f"{self._name}-{planned.part}"
        network = gcp.compute.Network(
            resource,
            name=network_name(names, self._pool, planned),
            description=f"GPUs of the pool {self._pool} of {names.cluster} among themselves",
            project=names.project_id,
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
            mtu=MTU[self._kind],
            delete_default_routes_on_create=not planned.rdma or None,
            network_profile=f"projects/{names.project_id}/global/networkProfiles/{self._zone}-vpc-roce"
            if planned.rdma
            else None,
            opts=self._child,
        )
        subnets = [self._make_subnet(resource, network, planned, index) for index in range(len(planned.subnets))]
        known: list[pulumi.Output[Any]] = [network.name]
        if not planned.rdma:
            known.append(self._make_firewall(resource, network, planned).id)
        ready = pulumi.Output.all(*known).apply(lambda known: str(known[0]))
        return [
            gcp.container.NodePoolNetworkConfigAdditionalNodeNetworkConfigArgs(network=ready, subnetwork=subnet.name)
            for subnet in subnets
        ]

    def _make_subnet(
        self, resource: str, network: gcp.compute.Network, planned: PlannedNetwork, index: int
    ) -> gcp.compute.Subnetwork:
        names = self._names
        return gcp.compute.Subnetwork(
            f"{resource}-{index}",
            name=subnet_name(names, self._pool, planned, index),
            project=names.project_id,
            region=names.region,
            network=network.id,
            ip_cidr_range=planned.subnets[index],
            description=f"A network card of the nodes of the pool {self._pool}",
            # RDMA passes whatever could log it, and is no way to Google's services.
            private_ip_google_access=None if planned.rdma else True,
            log_config=None
            if planned.rdma
            else gcp.compute.SubnetworkLogConfigArgs(
                # Seldom: it is the same few nodes all the time, and a lot that they send.
                aggregation_interval="INTERVAL_10_MIN",
                flow_sampling=0.1,
                metadata="EXCLUDE_ALL_METADATA",
            ),
            opts=self._child,
        )

    def _make_firewall(
        self, resource: str, network: gcp.compute.Network, planned: PlannedNetwork
    ) -> gcp.compute.Firewall:
        """Lets the network's machines reach each other. A network for RDMA takes no such rules and needs none."""
        return gcp.compute.Firewall(
            resource,
            name=network_name(self._names, self._pool, planned),
            description="From the other nodes of the pool",
            project=self._names.project_id,
            network=network.id,
            direction="INGRESS",
            source_ranges=list(planned.subnets),
            allows=[gcp.compute.FirewallAllowArgs(protocol=protocol) for protocol in ("tcp", "udp", "icmp")],
            log_config=gcp.compute.FirewallLogConfigArgs(metadata="INCLUDE_ALL_METADATA"),
            opts=self._child,
        )


def network_name(names: Names, pool: str, planned: PlannedNetwork) -> str:
    """The name of one of a pool's networks."""
    return names.resource(f"{pool}-{planned.part}")


def subnet_name(names: Names, pool: str, planned: PlannedNetwork, index: int) -> str:
    """The name of one of its subnets."""
    return names.resource(f"{pool}-{planned.part}-{index}")


def logged_subnets(names: Names, pools: Mapping[str, GpuPoolSettings]) -> list[str]:
    """The names of the subnets of all pools that keep flow logs."""
    return [
        subnet_name(names, pool, network, index)
        for pool, settings in pools.items()
        if settings.gpudirect != "none"
        for network in planned(settings.gpudirect)
        if not network.rdma
        for index in range(len(network.subnets))
    ]


def network_manifests(names: Names, pools: Mapping[str, GpuPoolSettings]) -> list[dict[str, Any]]:
    """The objects of the cluster by which pods name the networks of all pools."""
    return [
        manifest
        for pool, settings in pools.items()
        if settings.gpudirect != "none"
        for manifest in cluster_objects(names, pool, settings.gpudirect)
    ]


def cluster_objects(names: Names, pool: str, kind: GpuDirect) -> list[dict[str, Any]]:
    """The objects by which pods name the networks of a pool, in the order of its nodes' cards.

    Source: GKE, "Set up multi-network support for Pods".
    """
    found = []
    for network in planned(kind):
        for index in range(len(network.subnets)):
            name = f"{pool}-{network.part}-{index}" if len(network.subnets) > 1 else f"{pool}-{network.part}"
            parameters = {
                "vpc": network_name(names, pool, network),
                "vpcSubnet": subnet_name(names, pool, network, index),
                "deviceMode": "RDMA" if network.rdma else "NetDevice",
            }
            reference = {"group": "networking.gke.io", "kind": "GKENetworkParamSet", "name": name}
            found += [
                _object("GKENetworkParamSet", name, parameters),
                _object("Network", name, {"type": "Device", "parametersRef": reference}),
            ]
    return found


def _object(kind: str, name: str, specification: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.gke.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": specification,
    }
