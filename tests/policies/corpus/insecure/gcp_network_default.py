"""A firewall in the network that came with the project.

Caught by: gcp-network-not-default
"""

import pulumi_gcp as gcp

gcp.compute.Firewall(
    "build",
    network="default",
    description="Lets a build machine in.",
    source_ranges=["203.0.113.7/32"],
    allows=[{"protocol": "tcp", "ports": ["22"]}],
    log_config={"metadata": "INCLUDE_ALL_METADATA"},
)
