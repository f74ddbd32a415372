"""A cluster that runs every image.

Caught by: gcp-cluster-binary-authorization
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/cluster"

gcp.container.Cluster(
    "serving",
    location="europe-west4",
    network="projects/example-net/global/networks/shared",
    subnetwork="projects/example-net/regions/europe-west4/subnetworks/training",
    private_cluster_config={"enable_private_nodes": True, "enable_private_endpoint": True},
    database_encryption={"state": "ENCRYPTED", "key_name": KEY},
    binary_authorization={"evaluation_mode": "DISABLED"},
    enable_autopilot=True,
    cluster_autoscaling={
        "auto_provisioning_defaults": {"service_account": "nodes@example-training.iam.gserviceaccount.com"}
    },
)
