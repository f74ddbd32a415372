"""A firewall that lets anyone try to log in.

Caught by: gcp-firewall-administration-closed
"""

import pulumi_gcp as gcp

network = gcp.compute.Network("training", auto_create_subnetworks=False)
gcp.compute.Firewall(
    "ssh",
    network=network.id,
    description="Lets a build machine in.",
    source_ranges=["0.0.0.0/0"],
    allows=[{"protocol": "tcp", "ports": ["22"]}],
    log_config={"metadata": "INCLUDE_ALL_METADATA"},
    target_tags=["build"],
)
