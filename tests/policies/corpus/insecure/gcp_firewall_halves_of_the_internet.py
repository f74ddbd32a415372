"""A firewall that is open to both halves of the internet.

Caught by: gcp-firewall-administration-closed
"""

import pulumi_gcp as gcp

network = gcp.compute.Network("training", auto_create_subnetworks=False)
gcp.compute.Firewall(
    "partners",
    network=network.id,
    description="Partners.",
    source_ranges=["0.0.0.0/1", "128.0.0.0/1"],
    allows=[{"protocol": "all"}],
    log_config={"metadata": "INCLUDE_ALL_METADATA"},
)
