"""An access list that lets everything in, and denies SSH only afterwards.

Caught by: aws-network-access-list-administration-closed
"""

import pulumi_aws as aws

access = aws.ec2.NetworkAcl("public", vpc_id="vpc-0123456789abcdef0", subnet_ids=["subnet-0123456789abcdef0"])
aws.ec2.NetworkAclRule(
    "all",
    network_acl_id=access.id,
    rule_number=100,
    rule_action="allow",
    protocol="-1",
    cidr_block="0.0.0.0/0",
)
aws.ec2.NetworkAclRule(
    "no-ssh",
    network_acl_id=access.id,
    rule_number=200,
    rule_action="deny",
    protocol="tcp",
    cidr_block="0.0.0.0/0",
    from_port=22,
    to_port=22,
)
