"""A network whose machines reach every port of everybody.

Caught by: gcp-firewall-egress-by-port
"""

import pulumi_gcp as gcp

network = gcp.compute.Network("training", auto_create_subnetworks=False)
gcp.compute.Firewall(
    "out",
    network=network.id,
    description="Downloads of models and packages.",
    direction="EGRESS",
    destination_ranges=["0.0.0.0/0"],
    allows=[{"protocol": "tcp"}],
    log_config={"metadata": "INCLUDE_ALL_METADATA"},
)
