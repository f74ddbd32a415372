"""A pool of nodes of the GKE cluster: what every node is protected by, how it is bought, and how many there may be.

A node has no public address and no SSH key of a person; it starts signed software only, its boot disk is encrypted by
the stack's key, and a pod that asks it for its identity gets the pod's own (GKE's metadata server). Capacity is one
switch: on demand, spot, reserved (a reservation by name), or flex-start, of which Dynamic Workload Scheduler gives
nodes when it has them. GKE itself counts the pool's nodes, installs NVIDIA's driver and offers the GPUs to pods.

Its name has an end by the provider, as node groups on AWS have. What cannot be changed of a pool (its GPUs and how they
are shared, how it is bought, its Local SSDs and networks) makes another one beside the old one, which goes when the new
one is there. What can (the machine type with the same GPUs, the disk, labels and taints) GKE brings to the nodes one by
one, as in an upgrade. No label of nodes depends on the name.

Sources: GKE, "Harden your cluster's security", "Run GPUs in GKE Standard node pools", "About obtaining accelerators
with flex-start", "Define compact placement for GKE nodes", "About Local SSD storage for GKE".
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.gcp.gpu_networks import GpuNetworks
from infra.gcp.machine_settings import GpuPoolSettings
from infra.gcp.machine_types import MachineFacts
from infra.gcp.naming import Names
from infra.gcp.pool_facts import local_ssds_of, scratch_ssds
from infra.kubernetes import node_pools

TAINT_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "NoExecute": "NO_EXECUTE", "PreferNoSchedule": "PREFER_NO_SCHEDULE"}
"""The effect of a taint as GKE writes it, by Kubernetes' way."""
SHARING_STRATEGIES = {"time_sharing": "TIME_SHARING", "mps": "MPS"}
"""Source: GKE API, GPUSharingStrategy."""
LOCATION_POLICIES: Mapping[node_pools.CapacityKind, str] = {
    "on_demand": "BALANCED",
    "spot": "ANY",
    "reserved": "ANY",
    "flex_start": "ANY",
}
"""Where new nodes are put: evenly, or where there are any. ANY looks for unused reservations and for spot machines that
are less likely to be taken. Source: GKE API, LocationPolicy."""
RESERVATION_KEY = "compute.googleapis.com/reservation-name"
"""By this a node finds the reservation that has the name. Source: GKE, "Consuming reserved zonal resources"."""
SPOT_NOTICE_SECONDS, SYSTEM_NOTICE_SECONDS = 120, 15
"""How long pods of a spot node that is taken have, as on AWS, and what of it is for those of the system, which end
last. Source: GKE, "Spot VMs" (termination and graceful shutdown), from version 1.35.0-gke.1171000."""
POD_PIDS = 16_384
"""Processes and threads that a pod may have. Loaders of data on machines with 8 GPUs have thousands; a fork bomb has
more. CIS GKE 1.6.0 asks for a limit."""
PODS_OF_NODE = (64, 110, 256)
"""How many pods a GPU node may have: each step takes twice the addresses of the network."""
DAEMON_PODS = 24
"""Pods that GKE and the add-ons have on a GPU node. GKE's own are about 16."""


@dataclass(frozen=True, kw_only=True)
class PoolSurroundings:
    """What all pools of a cluster share."""

    names: Names
    cluster_name: pulumi.Input[str]
    location: str
    """The cluster's region, or its zone."""
    zones: tuple[str, ...]
    """The network's zones."""
    node_email: pulumi.Input[str]
    """The service account that nodes run under."""
    volumes_key_id: pulumi.Input[str]
    labels: Mapping[str, str]
    """Labels of machines and disks, by which cost and audit find them: GKE hands no others on."""
    extends_notice: bool = False
    """Whether the cluster's version lets pods of a spot node that is taken have more than GKE's 15 seconds."""


@dataclass(frozen=True, kw_only=True)
class NodePoolArguments:
    """What a pool is made from."""

    surroundings: PoolSurroundings
    offer: node_pools.NodePool
    """What the pool is, whatever cloud it is in: its name, labels and taints, how many nodes, and where."""
    machine: MachineFacts
    disk_type: str
    disk_gib: int
    image_streaming: bool
    gpus: GpuPoolSettings | None = None
    """What only pools with GPUs are told."""


class NodePool(pulumi.ComponentResource):
    """Nodes of one kind, from none to a given number."""

    node_pool: gcp.container.NodePool

    def __init__(self, name: str, args: NodePoolArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:NodePool", name, None, opts)
        self._name, self._args, self._around, self._offer = name, args, args.surroundings, args.offer
        self._gpus = args.gpus
        self._networks = self._make_networks()
        self.node_pool = self._make_pool()
        self.register_outputs({})

    def _make_networks(self) -> GpuNetworks | None:
        if self._gpus is None or self._gpus.gpudirect == "none":
            return None
        return GpuNetworks(
            f"{self._name}-net",
            names=self._around.names,
            pool=self._offer.name,
            kind=self._gpus.gpudirect,
            zone=self._offer.zones[0],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _make_pool(self) -> gcp.container.NodePool:
        offer, flex_start = self._offer, self._offer.capacity == "flex_start"
        return gcp.container.NodePool(
            self._name,
            cluster=self._around.cluster_name,
            location=self._around.location,
            project=self._around.names.project_id,
            node_locations=list(offer.zones),
            initial_node_count=initial_nodes_of_zone(offer),
            autoscaling=gcp.container.NodePoolAutoscalingArgs(
                total_min_node_count=offer.min_nodes,
                total_max_node_count=offer.max_nodes,
                location_policy=LOCATION_POLICIES[offer.capacity],
            ),
            max_pods_per_node=most_pods(offer),
            # GKE takes no pool of flex-start that repairs nodes: they live for days, and another may not be had.
            management=gcp.container.NodePoolManagementArgs(auto_repair=not flex_start, auto_upgrade=True),
            upgrade_settings=self._upgrade_settings(),
            placement_policy=gcp.container.NodePoolPlacementPolicyArgs(type="COMPACT")
            if is_placed_together(offer)
            else None,
            network_config=gcp.container.NodePoolNetworkConfigArgs(
                enable_private_nodes=True,
                additional_node_network_configs=self._networks.attachments if self._networks else None,
            ),
            node_config=self._node_config(),
            # How many nodes there are is the autoscaler's business; it counts for a new pool only.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["initialNodeCount"]),
        )

    def _upgrade_settings(self) -> gcp.container.NodePoolUpgradeSettingsArgs | None:
        """One node at a time. Where another one may not be had, the old one goes first.

        Nodes of flex-start are upgraded by going when their time is over: GKE's own strategy for them.
        """
        if self._offer.capacity == "flex_start":
            return None
        surge = self._offer.capacity == "on_demand"
        return gcp.container.NodePoolUpgradeSettingsArgs(
            strategy="SURGE", max_surge=int(surge), max_unavailable=int(not surge)
        )

    def _node_config(self) -> gcp.container.NodePoolNodeConfigArgs:
        args, offer, around = self._args, self._offer, self._around
        scratch = scratch_ssds(args.machine, self._gpus) if self._gpus else 0
        # What pods' files do not lie on is left to pods as it is; without a word, GKE would choose.
        raw = local_ssds_of(args.machine, self._gpus) - scratch if self._gpus else 0
        extended = around.extends_notice and offer.capacity == "spot"
        return gcp.container.NodePoolNodeConfigArgs(
            machine_type=args.machine.name,
            guest_accelerators=self._accelerators(),
            spot=offer.capacity == "spot" or None,
            flex_start=offer.capacity == "flex_start" or None,
            max_run_duration=f"{self._gpus.most_hours * 3600}s" if self._gpus and self._gpus.most_hours else None,
            reservation_affinity=self._reservation(),
            image_type="COS_CONTAINERD",
            disk_type=args.disk_type,
            disk_size_gb=args.disk_gib,
            boot_disk_kms_key=around.volumes_key_id,
            ephemeral_storage_local_ssd_config=gcp.container.NodePoolNodeConfigEphemeralStorageLocalSsdConfigArgs(
                local_ssd_count=scratch
            )
            if scratch
            else None,
            local_nvme_ssd_block_config=gcp.container.NodePoolNodeConfigLocalNvmeSsdBlockConfigArgs(local_ssd_count=raw)
            if raw
            else None,
            service_account=around.node_email,
            oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
            shielded_instance_config=gcp.container.NodePoolNodeConfigShieldedInstanceConfigArgs(
                enable_secure_boot=True, enable_integrity_monitoring=True
            ),
            workload_metadata_config=gcp.container.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
            metadata={"disable-legacy-endpoints": "true"},
            kubelet_config=gcp.container.NodePoolNodeConfigKubeletConfigArgs(
                insecure_kubelet_readonly_port_enabled="FALSE",
                pod_pids_limit=POD_PIDS,
                shutdown_grace_period_seconds=SPOT_NOTICE_SECONDS if extended else None,
                shutdown_grace_period_critical_pods_seconds=SYSTEM_NOTICE_SECONDS if extended else None,
            ),
            linux_node_config=gcp.container.NodePoolNodeConfigLinuxNodeConfigArgs(cgroup_mode="CGROUP_MODE_V2"),
            gvnic=gcp.container.NodePoolNodeConfigGvnicArgs(enabled=True),
            # Joins several connections for NCCL, where GPUs do not reach each other past the kernel.
            fast_socket=gcp.container.NodePoolNodeConfigFastSocketArgs(enabled=True)
            if offer.tightly_coupled and not self._networks
            else None,
            gcfs_config=gcp.container.NodePoolNodeConfigGcfsConfigArgs(enabled=args.image_streaming),
            labels=dict(offer.labels),
            resource_labels=dict(around.labels),
            taints=[
                gcp.container.NodePoolNodeConfigTaintArgs(
                    key=taint.key, value=taint.value, effect=TAINT_EFFECTS[taint.effect]
                )
                for taint in offer.taints
            ],
        )

    def _accelerators(self) -> list[gcp.container.NodePoolNodeConfigGuestAcceleratorArgs] | None:
        if self._gpus is None:
            return None
        sharing = self._gpus.sharing
        return [
            gcp.container.NodePoolNodeConfigGuestAcceleratorArgs(
                type=self._args.machine.accelerator,
                count=self._args.machine.gpu_count,
                gpu_driver_installation_config=gcp.container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(
                    gpu_driver_version=self._gpus.driver.upper()
                ),
                gpu_partition_size=sharing.partition or None,
                gpu_sharing_config=gcp.container.NodePoolNodeConfigGuestAcceleratorGpuSharingConfigArgs(
                    gpu_sharing_strategy=SHARING_STRATEGIES[sharing.strategy], max_shared_clients_per_gpu=sharing.pods
                )
                if sharing.strategy != "none"
                else None,
            )
        ]

    def _reservation(self) -> gcp.container.NodePoolNodeConfigReservationAffinityArgs | None:
        """The reservation of a reserved pool. One of flex-start may take none, and one on demand takes what fits."""
        affinity = gcp.container.NodePoolNodeConfigReservationAffinityArgs
        match self._offer.capacity:
            case "reserved":
                return affinity(
                    consume_reservation_type="SPECIFIC_RESERVATION",
                    key=RESERVATION_KEY,
                    values=[self._gpus.reservation if self._gpus else ""],
                )
            case "flex_start":
                return affinity(consume_reservation_type="NO_RESERVATION")
            case _:
                return None


def initial_nodes_of_zone(offer: node_pools.NodePool) -> int:
    """How many nodes each zone begins with: of the fewest that there have to be, as many as go evenly.

    The cluster's own pods get a node more in each zone, where it does not go evenly, rather than none. The autoscaler
    takes away what is not needed, and brings what is missing when a pod asks for it. Source: GKE, "About GKE cluster
    autoscaling" (minimum and maximum node pool size).
    """
    zones = max(len(offer.zones), 1)
    each, left = divmod(offer.min_nodes, zones)
    one_more = left and not offer.gpus and (each + 1) * zones <= offer.max_nodes
    return each + 1 if one_more else each


def most_pods(offer: node_pools.NodePool) -> int | None:
    """How many pods a node may have: one on each GPU, or part of one, and the daemons; None: as the cluster has it."""
    if not offer.gpus:
        return None
    return next((most for most in PODS_OF_NODE if most >= offer.gpus + DAEMON_PODS), PODS_OF_NODE[-1])


def is_placed_together(offer: node_pools.NodePool) -> bool:
    """Whether nodes get a compact placement policy.

    Not those of a reservation, which has been placed when it was made, and takes machines of its own policy only; nor
    those of flex-start, which are placed by who gives them. Source: GKE, "Define compact placement for GKE nodes".
    """
    return offer.tightly_coupled and offer.capacity in ("on_demand", "spot")


def has_long_notice(version: str) -> bool:
    """Whether clusters that begin with a version let pods of a spot node that is taken have `SPOT_NOTICE_SECONDS`.

    :param version: Kubernetes' version, such as 1.35 or 1.35.7-gke.1222000.
    """
    minor = version.split(".")[1]
    return int(minor) >= 35
