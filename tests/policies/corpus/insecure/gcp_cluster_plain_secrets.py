"""A cluster whose database has secrets in plain.

Caught by: gcp-cluster-secrets-encrypted
"""

import pulumi_gcp as gcp

gcp.container.Cluster(
    "serving",
    location="europe-west4",
    network="projects/example-net/global/networks/shared",
    subnetwork="projects/example-net/regions/europe-west4/subnetworks/training",
    private_cluster_config={"enable_private_nodes": True, "enable_private_endpoint": True},
    binary_authorization={"evaluation_mode": "PROJECT_SINGLETON_POLICY_ENFORCE"},
    enable_autopilot=True,
    cluster_autoscaling={
        "auto_provisioning_defaults": {"service_account": "nodes@example-training.iam.gserviceaccount.com"}
    },
)
