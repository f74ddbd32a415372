"""An endpoint of the registry that nothing uses, because the registry's name leads past it.

Caught by: aws-endpoint-private-names
"""

import json

import pulumi_aws as aws

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": ["ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"],
            "Resource": "*",
        }
    ],
}

aws.ec2.VpcEndpoint(
    "registry",
    vpc_id="vpc-0123456789abcdef0",
    service_name="com.amazonaws.eu-west-1.ecr.dkr",
    vpc_endpoint_type="Interface",
    subnet_ids=["subnet-0123456789abcdef0"],
    security_group_ids=["sg-0123456789abcdef0"],
    policy=json.dumps(POLICY),
)
