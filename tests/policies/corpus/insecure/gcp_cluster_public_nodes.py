"""An Autopilot cluster whose nodes have public addresses.

Caught by: gcp-cluster-private-nodes
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/cluster"

gcp.container.Cluster(
    "serving",
    location="europe-west4",
    network="projects/example-net/global/networks/shared",
    subnetwork="projects/example-net/regions/europe-west4/subnetworks/training",
    database_encryption={"state": "ENCRYPTED", "key_name": KEY},
    binary_authorization={"evaluation_mode": "PROJECT_SINGLETON_POLICY_ENFORCE"},
    enable_autopilot=True,
    cluster_autoscaling={
        "auto_provisioning_defaults": {"service_account": "nodes@example-training.iam.gserviceaccount.com"}
    },
    control_plane_endpoints_config={"ip_endpoints_config": {"enabled": False}},
)
