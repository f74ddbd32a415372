"""An endpoint of KMS that every network which is peered or routed here may use.

Caught by: aws-endpoint-closed-to-internet
"""

import json

import pulumi_aws as aws

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "kms:*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}},
        }
    ],
}

group = aws.ec2.SecurityGroup("endpoints", description="Endpoints", vpc_id="vpc-0123456789abcdef0")
aws.vpc.SecurityGroupIngressRule(
    "tls",
    security_group_id=group.id,
    description="TLS",
    cidr_ipv4="0.0.0.0/0",
    ip_protocol="tcp",
    from_port=443,
    to_port=443,
)
aws.ec2.VpcEndpoint(
    "kms",
    vpc_id="vpc-0123456789abcdef0",
    service_name="com.amazonaws.eu-west-1.kms",
    vpc_endpoint_type="Interface",
    private_dns_enabled=True,
    subnet_ids=["subnet-0123456789abcdef0"],
    security_group_ids=[group.id],
    policy=json.dumps(POLICY),
)
