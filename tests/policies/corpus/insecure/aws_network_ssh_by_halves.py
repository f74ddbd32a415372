"""SSH from the internet, written as its two halves.

Caught by: aws-security-group-administration-closed
"""

import pulumi_aws as aws

aws.ec2.SecurityGroup(
    "bastion",
    description="Bastion",
    vpc_id="vpc-0123456789abcdef0",
    ingress=[
        {
            "description": "SSH",
            "protocol": "tcp",
            "from_port": 22,
            "to_port": 22,
            "cidr_blocks": ["0.0.0.0/1", "128.0.0.0/1"],
        }
    ],
)
