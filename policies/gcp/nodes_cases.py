"""Cases of the rules for GKE node pools."""

from typing import Any

from policies.cases import UNKNOWN, Cases, made
from policies.gcp import nodes
from policies.resources import Resource

ACCOUNT = made("gcp:serviceaccount/account:Account", "nodes")
KEY = made("gcp:kms/cryptoKey:CryptoKey", "disks")
EMAIL = "nodes@p.iam.gserviceaccount.com"
COMPUTE = "12345-compute@developer.gserviceaccount.com"


def pool(**config: Any) -> Resource:
    """A node pool of nodes like this."""
    return made(nodes.NODE_POOL, "train", {"cluster": "main", "nodeConfig": config})


def cluster(**properties: Any) -> Resource:
    """A cluster without a default node pool."""
    return made(nodes.CLUSTER, "main", {"removeDefaultNodePool": True, **properties})


def provisioning(**defaults: Any) -> Resource:
    """A cluster that creates node pools of such nodes by itself."""
    return cluster(clusterAutoscaling={"enabled": True, "autoProvisioningDefaults": defaults})


AUTOPILOT = made(nodes.CLUSTER, "main", {"enableAutopilot": True})
SECURE = {"enableSecureBoot": True}

CASES = (
    Cases(
        nodes.nodes_own_account,
        passing=[
            pool(serviceAccount=EMAIL),
            [
                ACCOUNT,
                made(
                    nodes.NODE_POOL,
                    "train",
                    {"nodeConfig": {"serviceAccount": UNKNOWN}},
                    refers={"nodeConfig": ACCOUNT},
                ),
            ],
            cluster(),
            cluster(nodePools=[{"nodeConfig": {"serviceAccount": EMAIL}}]),
            made(nodes.CLUSTER, "main", {"nodeConfig": {"serviceAccount": EMAIL}}),
            provisioning(serviceAccount=EMAIL),
            made(
                nodes.CLUSTER,
                "main",
                {
                    "enableAutopilot": True,
                    "clusterAutoscaling": {"autoProvisioningDefaults": {"serviceAccount": EMAIL}},
                },
            ),
        ],
        failing=[
            (pool(), "The node pool runs under the default"),
            (pool(serviceAccount="default"), "The node pool runs under the default"),
            (pool(serviceAccount=COMPUTE), "The node pool runs under the default"),
            (made(nodes.NODE_POOL, "train", {"cluster": "main"}), "The node pool runs under the default"),
            (made(nodes.CLUSTER, "main", {"location": "europe-west4"}), "The default node pool runs under the default"),
            (cluster(nodePools=[{"nodeConfig": {"serviceAccount": EMAIL}}, {}]), "Node pool 1 runs under the default"),
            (provisioning(), "An automatically created node pool runs under the default"),
            (AUTOPILOT, "The cluster's pool runs under the default"),
        ],
    ),
    Cases(
        nodes.nodes_shielded,
        passing=[
            pool(shieldedInstanceConfig={"enableSecureBoot": True, "enableIntegrityMonitoring": True}),
            provisioning(shieldedInstanceConfig=SECURE),
            cluster(enableShieldedNodes=True),
            AUTOPILOT,
        ],
        failing=[
            (pool(), "does not boot securely"),
            (pool(shieldedInstanceConfig={"enableSecureBoot": False}), "does not boot securely"),
            (
                pool(shieldedInstanceConfig={"enableSecureBoot": True, "enableIntegrityMonitoring": False}),
                "not monitored",
            ),
            (cluster(enableShieldedNodes=False), "The cluster's nodes are not shielded"),
            (provisioning(serviceAccount=EMAIL), "does not boot securely"),
        ],
    ),
    Cases(
        nodes.nodes_maintained,
        passing=[
            pool(),
            made(nodes.NODE_POOL, "train", {"management": {"autoUpgrade": True, "autoRepair": True}}),
            made(nodes.CLUSTER, "main", {"location": "europe-west4"}),
            AUTOPILOT,
        ],
        failing=[
            (made(nodes.NODE_POOL, "train", {"management": {"autoUpgrade": False}}), "The node pool is not upgraded"),
            (made(nodes.NODE_POOL, "train", {"management": {"autoRepair": False}}), "The node pool is not repaired"),
            (cluster(nodePools=[{"management": {"autoUpgrade": False}}]), "Node pool 0 is not upgraded"),
            (provisioning(management={"autoRepair": False}), "An automatically created node pool is not repaired"),
        ],
    ),
    Cases(
        nodes.nodes_metadata_guarded,
        passing=[
            pool(),
            pool(workloadMetadataConfig={"mode": "GKE_METADATA"}, metadata={"disable-legacy-endpoints": "true"}),
            AUTOPILOT,
        ],
        failing=[
            (pool(workloadMetadataConfig={"mode": "GCE_METADATA"}), "shows pods the metadata of the machine"),
            (pool(metadata={"disable-legacy-endpoints": "false"}), "legacy metadata endpoints"),
        ],
    ),
    Cases(
        nodes.nodes_container_optimized,
        passing=[pool(), pool(imageType="cos_containerd"), cluster(), AUTOPILOT],
        failing=[
            (pool(imageType="UBUNTU_CONTAINERD"), "The node pool runs UBUNTU_CONTAINERD"),
            (provisioning(imageType="UBUNTU"), "runs UBUNTU"),
        ],
    ),
    Cases(
        nodes.nodes_customer_managed_key,
        passing=[
            pool(bootDiskKmsKey="projects/p/locations/l/keyRings/r/cryptoKeys/disks"),
            [
                KEY,
                made(nodes.NODE_POOL, "train", {"nodeConfig": {"bootDiskKmsKey": UNKNOWN}}, refers={"nodeConfig": KEY}),
            ],
            AUTOPILOT,
        ],
        failing=[
            (pool(serviceAccount=EMAIL), "has disks without a key"),
            (made(nodes.NODE_POOL, "train", {"cluster": "main"}), "has disks without a key"),
        ],
    ),
)
