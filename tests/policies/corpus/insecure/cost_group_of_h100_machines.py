"""Machines with H100 in a managed instance group.

Caught by: cost-gpu-models-allowed
"""

import pulumi_gcp as gcp

LABELS = {"project": "training", "stack": "dev", "owner": "ml-platform", "cost_centre": "research"}
KEY = "projects/example-keys/locations/us-central1/keyRings/training/cryptoKeys/disks"

template = gcp.compute.InstanceTemplate(
    "training",
    machine_type="a3-highgpu-8g",
    disks=[
        {
            "source_image": "debian-cloud/debian-12",
            "boot": True,
            "disk_encryption_key": {"kms_key_self_link": KEY},
        }
    ],
    network_interfaces=[{"subnetwork": "projects/example-training/regions/us-central1/subnetworks/training"}],
    scheduling={"provisioning_model": "SPOT", "preemptible": True, "automatic_restart": False},
    metadata={"block-project-ssh-keys": "TRUE"},
    shielded_instance_config={"enable_secure_boot": True},
    labels=LABELS,
)
group = gcp.compute.InstanceGroupManager(
    "training",
    zone="us-central1-a",
    base_instance_name="training",
    versions=[{"instance_template": template.id}],
)
gcp.compute.Autoscaler(
    "training", zone="us-central1-a", target=group.id, autoscaling_policy={"min_replicas": 0, "max_replicas": 1}
)
gcp.billing.Budget(
    "training",
    billing_account="000000-000000-000000",
    amount={"specified_amount": {"currency_code": "USD", "units": "20000"}},
    threshold_rules=[{"threshold_percent": 1.0, "spend_basis": "FORECASTED_SPEND"}],
)
