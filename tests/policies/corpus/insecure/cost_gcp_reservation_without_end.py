"""A machine for training on Google Cloud that is reserved for ever.

Caught by: cost-reservation-ends
"""

import pulumi_gcp as gcp

gcp.compute.Reservation(
    "training",
    zone="europe-west4-a",
    specific_reservation={"count": 1, "instance_properties": {"machine_type": "a2-highgpu-1g"}},
)
