"""The network, as a security reviewer looks at it: what is public, what can come in, what is recorded."""

import ipaddress
import re
from typing import Any

import pytest

from tests.infra.recorder import Resources, provision

PRIVATE = {
    "network.nat": "none",
    "network.interface_endpoints": [
        "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "kms", "logs", "sqs", "sts",
    ],
}  # fmt: skip
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "dev": ("dev", {}),
    "prod": ("prod", {}),
    "private": ("dev", PRIVATE),
}

pytestmark = pytest.mark.xdist_group("aws platforms")


@pytest.fixture(params=VARIANTS)
def resources(request: pytest.FixtureRequest) -> Resources:
    stack, changes = VARIANTS[request.param]
    return provision(stack, changes)


def test_no_subnet_gives_public_addresses(resources: Resources) -> None:
    assert [each.inputs["mapPublicIpOnLaunch"] for each in resources.all("aws:ec2/subnet:Subnet")].count(True) == 0


def test_the_default_security_group_lets_nothing_through(resources: Resources) -> None:
    group = resources.one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert not {"ingress", "egress"} & group.inputs.keys()


def test_nothing_comes_in_from_outside_the_network(resources: Resources) -> None:
    network = ipaddress.IPv4Network(resources.one("aws:ec2/vpc:Vpc").inputs["cidrBlock"])
    for rule in resources.all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        assert rule.inputs["description"]
        if "referencedSecurityGroupId" in rule.inputs:
            assert rule.inputs["referencedSecurityGroupId"] == rule.inputs["securityGroupId"]
        else:
            assert ipaddress.IPv4Network(rule.inputs["cidrIpv4"]) == network
            assert (rule.inputs["ipProtocol"], rule.inputs["fromPort"], rule.inputs["toPort"]) == ("tcp", 443, 443)
    for group in resources.all("aws:ec2/securityGroup:SecurityGroup"):
        assert group.inputs["description"]
        assert not {"ingress", "egress"} & group.inputs.keys()


def test_every_description_is_one_that_ec2_takes() -> None:
    """Source: EC2 API reference, CreateSecurityGroup and IpRange."""
    resources = provision("prod", {"machine.instance_type": "g5.xlarge"})
    described = [
        *resources.all("aws:ec2/securityGroup:SecurityGroup"),
        *resources.all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"),
        *resources.all("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"),
    ]
    assert len(described) >= 6
    for each in described:
        assert re.fullmatch(r"[\w .:/()#,@\[\]+=&;{}!$*-]{1,255}", each.inputs["description"], re.ASCII), each.name


def test_all_traffic_is_recorded_encrypted_and_for_a_time(resources: Resources) -> None:
    flow = resources.one("aws:ec2/flowLog:FlowLog")
    assert flow.inputs["trafficType"] == "ALL"
    group = resources.one("aws:cloudwatch/logGroup:LogGroup", "network-flow-logs")
    assert group.inputs["kmsKeyId"] == "arn:aws:mock:::keys-logs"
    assert group.inputs["retentionInDays"] in (30, 365)
    role = resources.one("aws:iam/role:Role", "network-flow-logs").document("assumeRolePolicy")["Statement"][0]
    assert role["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    written = resources.one("aws:iam/rolePolicy:RolePolicy", "network-flow-logs").statement("Write")
    assert all(
        resource.startswith("arn:aws:logs:eu-west-1:123456789012:log-group:/trainyard-")
        for resource in written["Resource"]
    )


def test_nodes_are_in_private_subnets_of_each_zone() -> None:
    for stack, zones in (("dev", "ab"), ("prod", "abc")):
        private = [
            each.inputs["availabilityZone"]
            for each in provision(stack).all("aws:ec2/subnet:Subnet")
            if "-private-" in each.name
        ]
        assert private == [f"eu-west-1{zone}" for zone in zones]


@pytest.mark.parametrize(("nat", "gateways"), [("single", 1), ("per_zone", 3)])
def test_ways_out_are_as_many_as_the_setting_says(nat: str, gateways: int) -> None:
    resources = provision("prod", {"network.nat": nat})
    made = [each.name for each in resources.all("aws:ec2/natGateway:NatGateway")]
    assert len(made) == gateways
    used = [each.inputs["natGatewayId"].removesuffix("-id") for each in resources.all("aws:ec2/route:Route")]
    assert len(used) == 3
    assert set(used) == set(made)


def test_a_private_network_has_no_way_out_at_all() -> None:
    resources = provision(*VARIANTS["private"])
    for kind in ("internetGateway:InternetGateway", "natGateway:NatGateway", "eip:Eip", "route:Route"):
        assert resources.all(f"aws:ec2/{kind}") == []
    assert all("-private-" in each.name for each in resources.all("aws:ec2/subnet:Subnet"))


def test_s3_is_reached_without_leaving_the_network(resources: Resources) -> None:
    (gateway,) = (
        each for each in resources.all("aws:ec2/vpcEndpoint:VpcEndpoint") if each.inputs["vpcEndpointType"] == "Gateway"
    )
    assert gateway.inputs["serviceName"] == "com.amazonaws.eu-west-1.s3"
    private = [each for each in resources.all("aws:ec2/routeTable:RouteTable") if "-private-" in each.name]
    assert gateway.inputs["routeTableIds"] == [f"{each.name}-id" for each in private]
    own = gateway.statement("ObjectsOfTheAccount")["Condition"]["StringEquals"]
    assert own == {"aws:PrincipalAccount": "123456789012", "aws:ResourceAccount": "123456789012"}


def test_interface_endpoints_are_by_setting_and_for_the_account_only() -> None:
    assert len(provision("dev").all("aws:ec2/vpcEndpoint:VpcEndpoint")) == 1
    resources = provision(*VARIANTS["private"])
    interfaces = [
        each
        for each in resources.all("aws:ec2/vpcEndpoint:VpcEndpoint")
        if each.inputs["vpcEndpointType"] == "Interface"
    ]
    services = {each.inputs["serviceName"].removeprefix("com.amazonaws.eu-west-1.") for each in interfaces}
    assert services == set(PRIVATE["network.interface_endpoints"])
    for each in interfaces:
        assert each.inputs["privateDnsEnabled"] is True
        assert each.inputs["securityGroupIds"] == ["endpoints-interfaces-id"]
        if "policy" in each.inputs:
            condition = each.statement("PrincipalsOfTheAccount")["Condition"]
            assert condition == {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}
    assert [each.name for each in interfaces if "policy" not in each.inputs] == ["endpoints-eks-auth"]
