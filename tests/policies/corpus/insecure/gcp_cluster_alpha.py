"""A cluster with features that are not finished.

Caught by: gcp-cluster-no-alpha
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/cluster"

gcp.container.Cluster(
    "training",
    location="europe-west4",
    network="projects/example-net/global/networks/shared",
    subnetwork="projects/example-net/regions/europe-west4/subnetworks/training",
    remove_default_node_pool=True,
    initial_node_count=1,
    datapath_provider="ADVANCED_DATAPATH",
    enable_intranode_visibility=True,
    private_cluster_config={"enable_private_nodes": True, "enable_private_endpoint": True},
    workload_identity_config={"workload_pool": "example-training.svc.id.goog"},
    database_encryption={"state": "ENCRYPTED", "key_name": KEY},
    binary_authorization={"evaluation_mode": "PROJECT_SINGLETON_POLICY_ENFORCE"},
    release_channel={"channel": "REGULAR"},
    enable_kubernetes_alpha=True,
)
