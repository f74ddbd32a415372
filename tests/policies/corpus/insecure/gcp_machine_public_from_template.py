"""A machine from a template that gets a public address after all.

Caught by: gcp-machine-no-public-address
"""

import pulumi_gcp as gcp

gcp.compute.InstanceFromTemplate(
    "build",
    zone="europe-west4-a",
    source_instance_template="projects/example-build/global/instanceTemplates/build",
    machine_type="e2-standard-4",
    network_interfaces=[
        {
            "subnetwork": "projects/example-build/regions/europe-west4/subnetworks/build",
            "access_configs": [{"network_tier": "PREMIUM"}],
        }
    ],
)
