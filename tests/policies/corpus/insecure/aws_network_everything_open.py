"""All protocols from everywhere, for a test that was never taken back.

Caught by: aws-security-group-administration-closed
"""

import pulumi_aws as aws

group = aws.ec2.SecurityGroup("nodes", description="Nodes", vpc_id="vpc-0123456789abcdef0")
aws.ec2.SecurityGroupRule(
    "test",
    type="ingress",
    security_group_id=group.id,
    description="Temporary",
    protocol="-1",
    from_port=0,
    to_port=0,
    cidr_blocks=["0.0.0.0/0"],
)
