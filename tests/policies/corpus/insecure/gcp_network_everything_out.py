"""A network that says what comes in, and not what goes out.

Caught by: gcp-network-egress-denied
"""

import pulumi_gcp as gcp

network = gcp.compute.Network("training", auto_create_subnetworks=False)
gcp.compute.Firewall(
    "deny-in",
    network=network.id,
    description="Nobody comes in.",
    priority=65534,
    source_ranges=["0.0.0.0/0"],
    denies=[{"protocol": "all"}],
    log_config={"metadata": "INCLUDE_ALL_METADATA"},
)
