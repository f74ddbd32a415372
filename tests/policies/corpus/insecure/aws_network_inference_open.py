"""Triton's HTTP, gRPC and metrics ports open to the internet.

Caught by: aws-security-group-closed-to-internet
"""

import pulumi_aws as aws

aws.ec2.SecurityGroup(
    "triton",
    description="Inference servers",
    vpc_id="vpc-0123456789abcdef0",
    ingress=[
        {
            "description": "Inference",
            "protocol": "tcp",
            "from_port": 8000,
            "to_port": 8002,
            "cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"],
        }
    ],
)
