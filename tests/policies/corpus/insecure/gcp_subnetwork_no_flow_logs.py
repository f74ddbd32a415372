"""A subnet whose traffic leaves no trace.

Caught by: gcp-subnetwork-flow-logs
"""

import pulumi_gcp as gcp

network = gcp.compute.Network("training", auto_create_subnetworks=False)
gcp.compute.Subnetwork(
    "nodes",
    network=network.id,
    region="europe-west4",
    ip_cidr_range="10.0.0.0/20",
    private_ip_google_access=True,
)
