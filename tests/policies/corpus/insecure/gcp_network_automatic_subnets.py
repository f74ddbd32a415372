"""A network that has a subnet in every region of the world.

Caught by: gcp-network-own-subnets
"""

import pulumi_gcp as gcp

gcp.compute.Network("training", description="Machines that train.")
