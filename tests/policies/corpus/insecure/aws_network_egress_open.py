"""Training nodes that may send anything anywhere.

Caught by: aws-security-group-egress-by-port
"""

import pulumi_aws as aws

aws.ec2.SecurityGroup(
    "training",
    description="Training nodes",
    vpc_id="vpc-0123456789abcdef0",
    egress=[
        {"description": "All", "protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]},
    ],
)
