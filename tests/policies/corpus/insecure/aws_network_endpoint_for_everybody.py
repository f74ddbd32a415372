"""An endpoint of S3 by which data can go to any bucket of any account.

Caught by: aws-endpoint-policy
"""

import json

import pulumi_aws as aws

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": ["s3:*"], "Resource": ["*"]}],
}

aws.ec2.VpcEndpoint(
    "s3",
    vpc_id="vpc-0123456789abcdef0",
    service_name="com.amazonaws.eu-west-1.s3",
    route_table_ids=["rtb-0123456789abcdef0"],
    policy=json.dumps(POLICY),
)
