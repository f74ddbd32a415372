"""Nodes that are upgraded when somebody has the time.

Caught by: gcp-nodes-maintained
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/disks"

gcp.container.NodePool(
    "prepare",
    cluster="projects/example-training/locations/europe-west4/clusters/training",
    location="europe-west4",
    autoscaling={"min_node_count": 0, "max_node_count": 1},
    node_config={
        "machine_type": "e2-standard-4",
        "service_account": "nodes@example-training.iam.gserviceaccount.com",
        "boot_disk_kms_key": KEY,
        "shielded_instance_config": {"enable_secure_boot": True},
    },
    management={"auto_repair": True, "auto_upgrade": False},
)
