"""Remote desktop from everywhere, by IPv6.

Caught by: aws-security-group-administration-closed
"""

import pulumi_aws as aws

group = aws.ec2.SecurityGroup("workstations", description="Workstations", vpc_id="vpc-0123456789abcdef0")
aws.vpc.SecurityGroupIngressRule(
    "remote",
    security_group_id=group.id,
    description="Remote work",
    cidr_ipv6="::/0",
    ip_protocol="tcp",
    from_port=3380,
    to_port=3390,
)
