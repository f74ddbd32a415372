"""A large pool of GPUs on Google Cloud, and a budget that tells nobody.

Caught by: cost-budget-alarm
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/serving/cryptoKeys/disks"

gcp.container.NodePool(
    "serving",
    cluster="projects/example-serving/locations/europe-west4/clusters/serving",
    location="europe-west4-a",
    autoscaling={"min_node_count": 0, "max_node_count": 8},
    node_config={
        "machine_type": "g2-standard-8",
        "service_account": "nodes@example-serving.iam.gserviceaccount.com",
        "boot_disk_kms_key": KEY,
        "shielded_instance_config": {"enable_secure_boot": True},
    },
    network_config={"enable_private_nodes": True},
)
gcp.billing.Budget(
    "serving",
    billing_account="012345-6789AB-CDEF01",
    amount={"specified_amount": {"currency_code": "USD", "units": "3000"}},
    threshold_rules=[{"threshold_percent": 0.8}],
    all_updates_rule={"disable_default_iam_recipients": True},
)
