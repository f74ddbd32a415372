"""Two GPU machines that are reserved until somebody remembers.

Caught by: cost-reservation-ends
"""

import pulumi_aws as aws

aws.ec2.CapacityReservation(
    "training",
    instance_type="g5.12xlarge",
    instance_platform="Linux/UNIX",
    availability_zone="us-east-1a",
    instance_count=2,
)
