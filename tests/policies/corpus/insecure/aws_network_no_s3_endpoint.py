"""A network from which data sets go to S3 by way of the internet.

Caught by: aws-network-s3-endpoint
"""

import pulumi_aws as aws

vpc = aws.ec2.Vpc("network", cidr_block="10.0.0.0/16")
aws.ec2.DefaultSecurityGroup("closed", vpc_id=vpc.id)
aws.ec2.FlowLog(
    "all",
    vpc_id=vpc.id,
    traffic_type="ALL",
    log_destination_type="s3",
    log_destination="arn:aws:s3:::example-flow-logs",
)
