"""Flow logs of Google Cloud that are kept for ten years, beside a cluster.

Caught by: cost-logs-forgotten
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/logs"

gcp.logging.ProjectBucketConfig(
    "flows",
    project="example-training",
    location="europe-west4",
    bucket_id="flows",
    retention_days=3650,
    cmek_settings={"kms_key_name": KEY},
)
gcp.compute.Instance(
    "build",
    zone="europe-west4-a",
    machine_type="e2-standard-8",
    boot_disk={"initialize_params": {"image": "debian-cloud/debian-12"}, "kms_key_self_link": KEY},
    network_interfaces=[{"subnetwork": "projects/example-net/regions/europe-west4/subnetworks/build"}],
    metadata={"enable-oslogin": "TRUE"},
    service_account={"email": "build@example-build.iam.gserviceaccount.com", "scopes": ["cloud-platform"]},
    shielded_instance_config={"enable_secure_boot": True},
)
