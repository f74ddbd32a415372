"""A rule of a security group of which nobody knows what it is for.

Caught by: aws-security-group-described
"""

import pulumi_aws as aws

group = aws.ec2.SecurityGroup("database", description="Database of experiments", vpc_id="vpc-0123456789abcdef0")
aws.vpc.SecurityGroupIngressRule(
    "from-somewhere",
    security_group_id=group.id,
    cidr_ipv4="10.3.0.0/16",
    ip_protocol="tcp",
    from_port=5432,
    to_port=5432,
)
