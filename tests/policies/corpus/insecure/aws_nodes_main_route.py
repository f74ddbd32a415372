"""A node group in a subnet without routes of its own, whose network leads all such subnets to an internet gateway.

Caught by: aws-node-group-private-subnets
"""

import pulumi_aws as aws

network = aws.ec2.Vpc("network", cidr_block="10.0.0.0/16")
aws.ec2.DefaultSecurityGroup("closed", vpc_id=network.id)
aws.ec2.FlowLog(
    "rejected",
    vpc_id=network.id,
    traffic_type="REJECT",
    log_destination_type="s3",
    log_destination="arn:aws:s3:::example-flow-logs",
)
aws.ec2.VpcEndpoint(
    "s3",
    vpc_id=network.id,
    service_name="com.amazonaws.eu-west-1.s3",
    policy='{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::data/*"}}',
)
internet = aws.ec2.InternetGateway("internet", vpc_id=network.id)
subnet = aws.ec2.Subnet("nodes", vpc_id=network.id, cidr_block="10.0.1.0/24")
aws.ec2.DefaultRouteTable(
    "main",
    default_route_table_id=network.default_route_table_id,
    routes=[{"cidr_block": "0.0.0.0/0", "gateway_id": internet.id}],
)
aws.eks.NodeGroup(
    "nodes",
    subnet_ids=[subnet.id],
    ami_type="AL2023_x86_64_STANDARD",
    cluster_name="models",
    node_role_arn="arn:aws:iam::123456789012:role/nodes",
    instance_types=["m7i.large", "m6i.large"],
    launch_template={"id": "lt-0123456789abcdef0", "version": "1"},
    scaling_config={"min_size": 0, "desired_size": 0, "max_size": 2},
)
