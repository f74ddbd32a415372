"""A pool on spot for a trial: empty by itself, with a budget, and emptied by the cloud when the trial is over."""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/disks"

pool = gcp.container.NodePool(
    "training",
    cluster="projects/example-training/locations/europe-west4/clusters/training",
    location="europe-west4-a",
    autoscaling={"min_node_count": 0, "max_node_count": 8},
    node_config={
        "machine_type": "a2-highgpu-1g",
        "spot": True,
        "service_account": "nodes@example-training.iam.gserviceaccount.com",
        "boot_disk_kms_key": KEY,
        "shielded_instance_config": {"enable_secure_boot": True},
    },
    network_config={"enable_private_nodes": True},
)

gcp.billing.Budget(
    "training",
    billing_account="012345-6789AB-CDEF01",
    amount={"specified_amount": {"currency_code": "USD", "units": "3000"}},
    threshold_rules=[{"threshold_percent": 0.8}],
)

gcp.cloudscheduler.Job(
    "teardown",
    region="europe-west4",
    description="Empties the pool when the trial is over.",
    schedule="0 18 31 3 *",
    time_zone="Etc/UTC",
    http_target={
        "http_method": "POST",
        "uri": pool.id.apply(lambda path: f"https://container.googleapis.com/v1/{path}:setSize"),
        "oauth_token": {"service_account_email": "teardown@example-training.iam.gserviceaccount.com"},
    },
)
