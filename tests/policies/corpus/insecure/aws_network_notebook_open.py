"""A notebook server that everybody reaches.

Caught by: aws-security-group-closed-to-internet
"""

import pulumi_aws as aws

group = aws.ec2.SecurityGroup("notebooks", description="Notebooks", vpc_id="vpc-0123456789abcdef0")
aws.vpc.SecurityGroupIngressRule(
    "jupyter",
    security_group_id=group.id,
    description="Jupyter",
    cidr_ipv4="0.0.0.0/0",
    ip_protocol="tcp",
    from_port=8888,
    to_port=8888,
)
