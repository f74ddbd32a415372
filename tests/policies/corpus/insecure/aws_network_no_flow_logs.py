"""A network whose flow logs record only the traffic that was let through.

Caught by: aws-network-flow-logs
"""

import json

import pulumi_aws as aws

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

vpc = aws.ec2.Vpc("network", cidr_block="10.0.0.0/16")
aws.ec2.DefaultSecurityGroup("closed", vpc_id=vpc.id)
aws.ec2.VpcEndpoint("s3", vpc_id=vpc.id, service_name="com.amazonaws.eu-west-1.s3", policy=json.dumps(POLICY))
aws.ec2.FlowLog(
    "accepted",
    vpc_id=vpc.id,
    traffic_type="ACCEPT",
    log_destination_type="s3",
    log_destination="arn:aws:s3:::example-flow-logs",
)
