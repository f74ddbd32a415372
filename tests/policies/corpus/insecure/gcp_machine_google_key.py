"""A machine whose disk is under a key that nobody but Google can withdraw.

Caught by: gcp-machine-customer-managed-key
"""

import pulumi_gcp as gcp

gcp.compute.Instance(
    "build",
    zone="europe-west4-a",
    machine_type="e2-standard-8",
    boot_disk={"initialize_params": {"image": "debian-cloud/debian-12", "size": 200}},
    network_interfaces=[{"subnetwork": "projects/example-net/regions/europe-west4/subnetworks/build"}],
    metadata={"enable-oslogin": "TRUE"},
    service_account={"email": "build@example-build.iam.gserviceaccount.com", "scopes": ["cloud-platform"]},
    shielded_instance_config={"enable_secure_boot": True},
)
