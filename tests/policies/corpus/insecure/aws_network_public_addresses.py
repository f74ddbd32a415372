"""A subnet that gives whatever is started in it a public address.

Caught by: aws-subnet-no-public-addresses
"""

import pulumi_aws as aws

aws.ec2.Subnet(
    "web",
    vpc_id="vpc-0123456789abcdef0",
    cidr_block="10.0.1.0/24",
    availability_zone="eu-west-1a",
    map_public_ip_on_launch=True,
)
