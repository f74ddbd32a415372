"""Interface endpoints of fourteen services in three zones, used or not.

Caught by: cost-interface-endpoints
"""

import json

import pulumi_aws as aws

SERVICES = (
    *("ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "kms", "logs"),
    *("monitoring", "sqs", "ssm", "ssmmessages", "sts", "events", "secretsmanager"),
)
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}},
        }
    ],
}

for service in SERVICES:
    aws.ec2.VpcEndpoint(
        service,
        vpc_id="vpc-0123456789abcdef0",
        service_name=f"com.amazonaws.us-east-1.{service}",
        vpc_endpoint_type="Interface",
        private_dns_enabled=True,
        subnet_ids=[f"subnet-0123456789abcde{zone}" for zone in "abc"],
        security_group_ids=["sg-0123456789abcdef0"],
        policy=json.dumps(POLICY),
    )
