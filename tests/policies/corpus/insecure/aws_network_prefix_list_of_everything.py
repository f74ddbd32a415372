"""A list of offices that holds the whole internet.

Caught by: aws-prefix-list-not-internet
"""

import pulumi_aws as aws

offices = aws.ec2.ManagedPrefixList(
    "offices",
    address_family="IPv4",
    max_entries=2,
    entries=[
        {"cidr": "198.51.100.0/24", "description": "Zurich"},
        {"cidr": "0.0.0.0/0", "description": "Home offices"},
    ],
)
group = aws.ec2.SecurityGroup("bastion", description="Bastion", vpc_id="vpc-0123456789abcdef0")
aws.vpc.SecurityGroupIngressRule(
    "ssh",
    security_group_id=group.id,
    description="SSH from offices",
    prefix_list_id=offices.id,
    ip_protocol="tcp",
    from_port=22,
    to_port=22,
)
