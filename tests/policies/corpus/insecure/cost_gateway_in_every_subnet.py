"""A NAT gateway in each of four subnets.

Caught by: cost-nat-gateways
"""

import pulumi_aws as aws

for zone in ("a", "b", "c", "d"):
    address = aws.ec2.Eip(f"out-{zone}", domain="vpc")
    aws.ec2.NatGateway(f"out-{zone}", allocation_id=address.id, subnet_id=f"subnet-0123456789abcde{zone}")
