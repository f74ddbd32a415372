"""What breaks each rule for GKE node pools and for machines on Google Cloud."""

from policies.gcp import nodes
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, setting, without

POOL = nodes.NODE_POOL
INSTANCE, TEMPLATE, _ = nodes.MACHINES
POOLS = "gcp-prod"
MACHINES = "corpus/gcp_machine"

MUTATIONS: dict[Rule, Mutation] = {
    nodes.nodes_own_account: Mutation(POOLS, without(POOL, "nodeConfig", "serviceAccount")),
    nodes.nodes_shielded: Mutation(POOLS, without(POOL, "nodeConfig", "shieldedInstanceConfig", "enableSecureBoot")),
    nodes.nodes_maintained: Mutation(POOLS, setting(POOL, False, "management", "autoUpgrade")),
    nodes.nodes_metadata_guarded: Mutation(
        POOLS, setting(POOL, "GCE_METADATA", "nodeConfig", "workloadMetadataConfig", "mode")
    ),
    nodes.nodes_container_optimized: Mutation(POOLS, setting(POOL, "UBUNTU_CONTAINERD", "nodeConfig", "imageType")),
    nodes.nodes_customer_managed_key: Mutation(POOLS, without(POOL, "nodeConfig", "bootDiskKmsKey")),
    nodes.machine_customer_managed_key: Mutation(MACHINES, without(INSTANCE, "bootDisk", "kmsKeySelfLink")),
    nodes.machine_no_public_address: Mutation(
        MACHINES, setting(INSTANCE, [{}], "networkInterfaces", 0, "accessConfigs")
    ),
    nodes.machine_own_account: Mutation(MACHINES, without(INSTANCE, "serviceAccount", "email")),
    nodes.machine_shielded: Mutation(MACHINES, without(INSTANCE, "shieldedInstanceConfig")),
    nodes.machine_login_by_iam: Mutation(
        MACHINES, setting(nodes.PROJECT_METADATA, "FALSE", "metadata", "enable-oslogin")
    ),
    nodes.machine_no_serial_port: Mutation(MACHINES, setting(TEMPLATE, "TRUE", "metadata", "serial-port-enable")),
}
