"""Nodes in a private subnet beside a public one, whose disks the account encrypts without being asked."""

import pulumi_aws as aws
import pulumi_kubernetes as k8s

KEY = "arn:aws:kms:us-east-1:123456789012:key/0123abcd-0123-0123-0123-0123456789ab"
VPC = "vpc-0123456789abcdef0"

aws.ebs.EncryptionByDefault("always")
aws.ebs.DefaultKmsKey("own", key_arn=KEY)
aws.ec2.InstanceMetadataDefaults("tokens", http_tokens="required", http_put_response_hop_limit=1)

internet = aws.ec2.InternetGateway("internet", vpc_id=VPC)
out = aws.ec2.NatGateway("out", allocation_id="eipalloc-0123456789abcdef0", subnet_id="subnet-0123456789abcdef0")
public = aws.ec2.Subnet("public", vpc_id=VPC, cidr_block="10.0.0.0/24")
private = aws.ec2.Subnet("private", vpc_id=VPC, cidr_block="10.0.64.0/18")
by_gateway = aws.ec2.RouteTable("public", vpc_id=VPC, routes=[{"cidr_block": "0.0.0.0/0", "gateway_id": internet.id}])
by_nat = aws.ec2.RouteTable("private", vpc_id=VPC, routes=[{"cidr_block": "0.0.0.0/0", "nat_gateway_id": out.id}])
aws.ec2.RouteTableAssociation("public", subnet_id=public.id, route_table_id=by_gateway.id)
aws.ec2.RouteTableAssociation("private", subnet_id=private.id, route_table_id=by_nat.id)

template = aws.ec2.LaunchTemplate(
    "nodes",
    block_device_mappings=[{"device_name": "/dev/xvda", "ebs": {"volume_type": "gp3", "volume_size": 50}}],
)
aws.eks.NodeGroup(
    "nodes",
    cluster_name="models",
    node_role_arn="arn:aws:iam::123456789012:role/nodes",
    subnet_ids=[private.id],
    ami_type="AL2023_x86_64_STANDARD",
    instance_types=["m7i.large", "m6i.large"],
    launch_template={"id": template.id, "version": "1"},
    scaling_config={"min_size": 0, "desired_size": 0, "max_size": 2},
)

# Karpenter's defaults require tokens, answer one hop away, and encrypt the disk.
k8s.apiextensions.CustomResource(
    "defaults",
    api_version="karpenter.k8s.aws/v1",
    kind="EC2NodeClass",
    metadata={"name": "defaults"},
    spec={"role": "nodes", "amiSelectorTerms": [{"alias": "bottlerocket@v1.50.0"}]},
)
