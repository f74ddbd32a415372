"""A firewall of which nobody knows what it is for.

Caught by: gcp-firewall-described
"""

import pulumi_gcp as gcp

network = gcp.compute.Network("training", auto_create_subnetworks=False)
gcp.compute.Firewall(
    "build",
    network=network.id,
    source_ranges=["203.0.113.7/32"],
    allows=[{"protocol": "tcp", "ports": ["22"]}],
    log_config={"metadata": "INCLUDE_ALL_METADATA"},
)
