"""A machine that starts whatever is on its disk.

Caught by: gcp-machine-shielded
"""

import pulumi_gcp as gcp

gcp.compute.Instance(
    "build",
    zone="europe-west4-a",
    machine_type="e2-standard-8",
    boot_disk={"initialize_params": {"image": "debian-cloud/debian-12"}},
    network_interfaces=[{"subnetwork": "projects/example-net/regions/europe-west4/subnetworks/build"}],
    metadata={"enable-oslogin": "TRUE"},
    service_account={"email": "build@example-build.iam.gserviceaccount.com", "scopes": ["cloud-platform"]},
)
