"""The network: private subnets for nodes in each zone, and ways out that nothing can come in by.

Nothing has a public address but the NAT gateways, which are alone in small public subnets; fully private, there are
none of both. The default security group lets nothing in or out (CIS AWS 5.4), so that nobody uses it by mistake. Flow
logs record all traffic, encrypted, for as long as the settings say.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.aws import subnets
from infra.aws.naming import Names
from infra.aws.settings import NetworkSettings
from infra.known_output import known_when

FLOW_LOGS = "flow-logs"


@dataclass(frozen=True, kw_only=True)
class NetworkArguments:
    """What the network is made from."""

    names: Names
    settings: NetworkSettings
    logs_key_arn: pulumi.Input[str]
    """The key that encrypts flow logs."""
    permissions_boundary_arn: str = ""
    """Policy that the role of flow logs cannot exceed; empty: none."""


class Network(pulumi.ComponentResource):
    """A VPC over two or three zones."""

    vpc_id: pulumi.Output[str]
    private_subnet_ids: Mapping[str, pulumi.Output[str]]
    """The private subnet of each zone, known when it has its way out."""
    private_route_table_ids: Mapping[str, pulumi.Output[str]]
    """The routes of each zone's private subnet."""
    cidr: str
    """The network's range."""
    service_cidr: str
    """A range for Kubernetes services, which does not overlap the network's."""

    def __init__(self, name: str, args: NetworkArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Network", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        network = subnets.parse_network(args.settings.cidr)
        self._plan = subnets.plan_subnets(network, args.settings.zones)
        self.cidr, self.service_cidr = str(network), str(subnets.service_range(network))
        self._vpc = self._make_vpc()
        self.vpc_id = self._vpc.id
        nat_gateways = self._make_ways_out()
        self._make_private_subnets(nat_gateways)
        self._make_flow_logs()
        self.register_outputs({"vpc_id": self.vpc_id})

    def _tags(self, part: str) -> dict[str, str]:
        return {"Name": f"{self._args.names.prefix}-{part}"}

    def _make_vpc(self) -> aws.ec2.Vpc:
        vpc = aws.ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=self.cidr,
            # Interface endpoints and the private endpoint of EKS are found by name.
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": self._args.names.prefix},
            opts=self._child,
        )
        # Without rules: adopting the group removes those that AWS made. CIS AWS 5.4, checkov CKV2_AWS_12.
        aws.ec2.DefaultSecurityGroup(
            f"{self._name}-default", vpc_id=vpc.id, tags=self._tags("default-closed"), opts=self._child
        )
        return vpc

    def _make_ways_out(self) -> dict[str, aws.ec2.NatGateway]:
        """The NAT gateway that each zone uses; none where the network is fully private."""
        zones = list(self._args.settings.zones)
        if self._args.settings.nat == "none":
            return {}
        with_gateway = zones[:1] if self._args.settings.nat == "single" else zones
        internet = aws.ec2.InternetGateway(
            f"{self._name}-internet", vpc_id=self.vpc_id, tags=self._tags("internet"), opts=self._child
        )
        routes = aws.ec2.RouteTable(
            f"{self._name}-public",
            vpc_id=self.vpc_id,
            routes=[aws.ec2.RouteTableRouteArgs(cidr_block="0.0.0.0/0", gateway_id=internet.id)],
            tags=self._tags("public"),
            opts=self._child,
        )
        gateways = {zone: self._make_nat_gateway(zone, routes) for zone in with_gateway}
        return {zone: gateways.get(zone, gateways[with_gateway[0]]) for zone in zones}

    def _make_nat_gateway(self, zone: str, routes: aws.ec2.RouteTable) -> aws.ec2.NatGateway:
        subnet = aws.ec2.Subnet(
            f"{self._name}-public-{zone}",
            vpc_id=self.vpc_id,
            availability_zone=zone,
            cidr_block=str(self._plan[zone].public),
            map_public_ip_on_launch=False,
            tags=self._tags(f"public-{zone}"),
            opts=self._child,
        )
        routed = aws.ec2.RouteTableAssociation(
            f"{self._name}-public-{zone}", subnet_id=subnet.id, route_table_id=routes.id, opts=self._child
        )
        address = aws.ec2.Eip(
            f"{self._name}-nat-{zone}",
            domain="vpc",
            tags=self._tags(f"nat-{zone}"),
            # An address needs the internet gateway, which the routes have.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[routes]),
        )
        return aws.ec2.NatGateway(
            f"{self._name}-nat-{zone}",
            subnet_id=subnet.id,
            allocation_id=address.id,
            tags=self._tags(f"nat-{zone}"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[routed]),
        )

    def _make_private_subnets(self, nat_gateways: Mapping[str, aws.ec2.NatGateway]) -> None:
        subnet_ids, route_table_ids = {}, {}
        for zone in self._args.settings.zones:
            subnet = aws.ec2.Subnet(
                f"{self._name}-private-{zone}",
                vpc_id=self.vpc_id,
                availability_zone=zone,
                cidr_block=str(self._plan[zone].private),
                map_public_ip_on_launch=False,
                tags={
                    **self._tags(f"private-{zone}"),
                    # How load balancers and Karpenter find the subnets that are theirs.
                    "kubernetes.io/role/internal-elb": "1",
                    "karpenter.sh/discovery": self._args.names.cluster,
                },
                opts=self._child,
            )
            table = aws.ec2.RouteTable(
                f"{self._name}-private-{zone}",
                vpc_id=self.vpc_id,
                tags=self._tags(f"private-{zone}"),
                opts=self._child,
            )
            ready: list[pulumi.Resource] = [
                aws.ec2.RouteTableAssociation(
                    f"{self._name}-private-{zone}", subnet_id=subnet.id, route_table_id=table.id, opts=self._child
                )
            ]
            if zone in nat_gateways:
                ready.append(
                    aws.ec2.Route(
                        f"{self._name}-out-{zone}",
                        route_table_id=table.id,
                        destination_cidr_block="0.0.0.0/0",
                        nat_gateway_id=nat_gateways[zone].id,
                        opts=self._child,
                    )
                )
            # Whatever is started in a subnet waits for its routes: a node without a way out never joins its cluster.
            subnet_ids[zone] = known_when(subnet.id, ready)
            route_table_ids[zone] = table.id
        self.private_subnet_ids, self.private_route_table_ids = subnet_ids, route_table_ids

    def _make_flow_logs(self) -> None:
        args, name = self._args, f"{self._name}-{FLOW_LOGS}"
        group = aws.cloudwatch.LogGroup(
            name,
            name=args.names.log_group(FLOW_LOGS),
            kms_key_id=args.logs_key_arn,
            retention_in_days=args.settings.flow_log_retention_days,
            opts=self._child,
        )
        role = aws.iam.Role(
            name,
            name=args.names.role(FLOW_LOGS),
            description="Writes the records of the network's traffic",
            assume_role_policy=json.dumps(flow_log_trust(args.names)),
            permissions_boundary=args.permissions_boundary_arn or None,
            opts=self._child,
        )
        policy = aws.iam.RolePolicy(
            name,
            role=role.name,
            policy=json.dumps(flow_log_policy(args.names)),
            opts=pulumi.ResourceOptions(parent=role),
        )
        aws.ec2.FlowLog(
            name,
            vpc_id=self.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=60,
            tags=self._tags(FLOW_LOGS),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )


def flow_log_trust(names: Names) -> dict[str, Any]:
    """Flow logs of this account may take the role. Source: Amazon VPC user guide, "IAM role for publishing flow
    logs"."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": names.account_id},
                    "ArnLike": {"aws:SourceArn": names.arn("ec2", "vpc-flow-log/*")},
                },
            }
        ],
    }


def flow_log_policy(names: Names) -> dict[str, Any]:
    """Writing to one log group, which is there already."""
    group = names.arn("logs", f"log-group:{names.log_group(FLOW_LOGS)}")
    writes = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Write", "Effect": "Allow", "Action": writes, "Resource": [group, f"{group}:*"]},
            # The service looks for its group before it writes, and the operation knows no single groups.
            {
                "Sid": "Find",
                "Effect": "Allow",
                "Action": "logs:DescribeLogGroups",
                "Resource": "*",
            },
        ],
    }
