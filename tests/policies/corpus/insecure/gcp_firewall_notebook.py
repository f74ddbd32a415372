"""A firewall that lets anyone open the notebooks.

Caught by: gcp-firewall-closed-to-internet
"""

import pulumi_gcp as gcp

network = gcp.compute.Network("training", auto_create_subnetworks=False)
gcp.compute.Firewall(
    "notebooks",
    network=network.id,
    description="Notebooks.",
    source_ranges=["0.0.0.0/0"],
    allows=[{"protocol": "tcp", "ports": ["443", "8888"]}],
    log_config={"metadata": "INCLUDE_ALL_METADATA"},
)
