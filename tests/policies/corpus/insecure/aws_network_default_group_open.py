"""A network whose default security group lets its members reach each other, as AWS makes it.

Caught by: aws-network-default-group-closed
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
aws.ec2.DefaultSecurityGroup(
    "default",
    vpc_id=vpc.id,
    ingress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "self": True}],
)
aws.ec2.VpcEndpoint("s3", vpc_id=vpc.id, service_name="com.amazonaws.eu-west-1.s3", policy=json.dumps(POLICY))
aws.ec2.FlowLog(
    "all",
    vpc_id=vpc.id,
    traffic_type="ALL",
    log_destination_type="s3",
    log_destination="arn:aws:s3:::example-flow-logs",
)
