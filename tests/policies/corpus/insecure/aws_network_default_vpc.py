"""A machine room in the network that every account has.

Caught by: aws-network-not-default
"""

import pulumi_aws as aws

vpc = aws.ec2.DefaultVpc("default")
aws.ec2.SecurityGroup("nodes", description="Nodes among themselves", vpc_id=vpc.id)
