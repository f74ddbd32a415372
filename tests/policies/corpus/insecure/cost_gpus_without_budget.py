"""A pool of GPU nodes and nobody who hears of the bill.

Caught by: cost-budget-alarm
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/disks"

gcp.container.NodePool(
    "serving",
    cluster="projects/example-training/locations/europe-west4/clusters/training",
    location="europe-west4-a",
    autoscaling={"min_node_count": 0, "max_node_count": 10},
    node_config={
        "machine_type": "g2-standard-8",
        "service_account": "nodes@example-training.iam.gserviceaccount.com",
        "boot_disk_kms_key": KEY,
        "shielded_instance_config": {"enable_secure_boot": True},
    },
    network_config={"enable_private_nodes": True},
)
