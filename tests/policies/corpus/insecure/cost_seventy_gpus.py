"""A pool for serving that may grow to seventy GPUs.

Caught by: cost-gpu-count-ceiling
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/disks"

gcp.container.NodePool(
    "serving",
    cluster="projects/example-training/locations/europe-west4/clusters/training",
    location="europe-west4-a",
    autoscaling={"min_node_count": 0, "max_node_count": 70},
    node_config={
        "machine_type": "g2-standard-8",
        "service_account": "nodes@example-training.iam.gserviceaccount.com",
        "boot_disk_kms_key": KEY,
        "shielded_instance_config": {"enable_secure_boot": True},
    },
    network_config={"enable_private_nodes": True},
)

gcp.billing.Budget(
    "training",
    billing_account="012345-6789AB-CDEF01",
    amount={"specified_amount": {"currency_code": "USD", "units": "20000"}},
    threshold_rules=[{"threshold_percent": 0.8}],
)
