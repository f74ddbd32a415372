"""A network with one public and one private subnet, an access list, endpoints, and groups that are open where meant."""

import json

import pulumi_aws as aws

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "*",
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-0a1b2c3d4e"}},
            },
        ],
    }
)

vpc = aws.ec2.Vpc("network", cidr_block="10.0.0.0/16", enable_dns_support=True, enable_dns_hostnames=True)
aws.ec2.DefaultSecurityGroup("closed", vpc_id=vpc.id)
aws.ec2.FlowLog(
    "rejected",
    vpc_id=vpc.id,
    traffic_type="REJECT",
    log_destination_type="s3",
    log_destination="arn:aws:s3:::example-flow-logs",
)
public = aws.ec2.Subnet("public", vpc_id=vpc.id, cidr_block="10.0.0.0/24", map_public_ip_on_launch=False)
private = aws.ec2.Subnet("private", vpc_id=vpc.id, cidr_block="10.0.64.0/18")

aws.ec2.NetworkAcl(
    "public",
    vpc_id=vpc.id,
    subnet_ids=[public.id],
    ingress=[
        {"rule_no": 80, "action": "deny", "protocol": "tcp", "cidr_block": "0.0.0.0/0", "from_port": 22, "to_port": 22},
        {
            "rule_no": 90,
            "action": "allow",
            "protocol": "tcp",
            "cidr_block": "0.0.0.0/0",
            "from_port": 1,
            "to_port": 443,
        },
        # Answers to what goes out.
        {
            "rule_no": 100,
            "action": "allow",
            "protocol": "tcp",
            "cidr_block": "0.0.0.0/0",
            "from_port": 1024,
            "to_port": 65535,
        },
    ],
    egress=[
        {"rule_no": 100, "action": "allow", "protocol": "-1", "cidr_block": "0.0.0.0/0", "from_port": 0, "to_port": 0}
    ],
)

offices = aws.ec2.ManagedPrefixList(
    "offices",
    address_family="IPv4",
    max_entries=5,
    entries=[{"cidr": "198.51.100.0/24", "description": "Zurich"}, {"cidr": "10.0.0.0/8", "description": "Inside"}],
)
web = aws.ec2.SecurityGroup(
    "web",
    description="Serves models to everybody",
    vpc_id=vpc.id,
    ingress=[
        {
            "description": "TLS from everywhere",
            "protocol": "tcp",
            "from_port": 443,
            "to_port": 443,
            "cidr_blocks": ["0.0.0.0/0"],
            "ipv6_cidr_blocks": ["::/0"],
        },
        {
            "description": "Messages on packets that are too large",
            "protocol": "icmp",
            "from_port": 3,
            "to_port": 4,
            "cidr_blocks": ["0.0.0.0/0"],
        },
    ],
    egress=[
        {
            "description": "Within the network",
            "protocol": "-1",
            "from_port": 0,
            "to_port": 0,
            "cidr_blocks": [vpc.cidr_block],
        }
    ],
)
aws.vpc.SecurityGroupIngressRule(
    "ssh-from-offices",
    security_group_id=web.id,
    description="SSH from the offices",
    prefix_list_id=offices.id,
    ip_protocol="tcp",
    from_port=22,
    to_port=22,
)
aws.vpc.SecurityGroupEgressRule(
    "tls",
    security_group_id=web.id,
    description="TLS to everywhere",
    cidr_ipv4="0.0.0.0/0",
    ip_protocol="tcp",
    from_port=443,
    to_port=443,
)

aws.ec2.VpcEndpoint("s3", vpc_id=vpc.id, service_name="com.amazonaws.eu-west-1.s3", policy=POLICY)
services = aws.ec2.SecurityGroup("services", description="Endpoints of AWS services", vpc_id=vpc.id)
aws.ec2.SecurityGroupRule(
    "services",
    type="ingress",
    security_group_id=services.id,
    description="TLS from within the network",
    protocol="tcp",
    from_port=443,
    to_port=443,
    cidr_blocks=["10.0.0.0/16"],
)
aws.ec2.VpcEndpoint(
    "kms",
    vpc_id=vpc.id,
    service_name="com.amazonaws.eu-west-1.kms",
    vpc_endpoint_type="Interface",
    private_dns_enabled=True,
    subnet_ids=[private.id],
    security_group_ids=[services.id],
    policy=POLICY,
)
# A service of a partner takes neither a policy nor names of its own.
aws.ec2.VpcEndpoint(
    "partner",
    vpc_id=vpc.id,
    service_name="com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0",
    vpc_endpoint_type="Interface",
    subnet_ids=[private.id],
    security_group_ids=[services.id],
)
