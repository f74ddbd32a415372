"""A node group in a subnet that is routed to an internet gateway.

Caught by: aws-node-group-private-subnets
"""

import pulumi_aws as aws

VPC = "vpc-0123456789abcdef0"

internet = aws.ec2.InternetGateway("internet", vpc_id=VPC)
subnet = aws.ec2.Subnet("nodes", vpc_id=VPC, cidr_block="10.0.1.0/24")
routes = aws.ec2.RouteTable("nodes", vpc_id=VPC)
aws.ec2.Route("out", route_table_id=routes.id, destination_cidr_block="0.0.0.0/0", gateway_id=internet.id)
aws.ec2.RouteTableAssociation("nodes", subnet_id=subnet.id, route_table_id=routes.id)
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
