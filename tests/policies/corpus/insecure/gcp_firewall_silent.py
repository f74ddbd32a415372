"""A firewall that does not tell whom it let in.

Caught by: gcp-firewall-logged
"""

import pulumi_gcp as gcp

network = gcp.compute.Network("training", auto_create_subnetworks=False)
gcp.compute.Firewall(
    "build",
    network=network.id,
    description="Lets a build machine in.",
    source_ranges=["203.0.113.7/32"],
    allows=[{"protocol": "tcp", "ports": ["22"]}],
)
