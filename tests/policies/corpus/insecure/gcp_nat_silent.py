"""A NAT gateway that does not tell who sent what out.

Caught by: gcp-nat-logged
"""

import pulumi_gcp as gcp

network = gcp.compute.Network("training", auto_create_subnetworks=False)
router = gcp.compute.Router("out", network=network.id, region="europe-west4")
gcp.compute.RouterNat(
    "out",
    router=router.name,
    region="europe-west4",
    nat_ip_allocate_option="AUTO_ONLY",
    source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
)
