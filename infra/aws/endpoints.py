"""Endpoints: AWS services that are reached without leaving the network.

S3 has a gateway endpoint, which costs nothing and keeps data sets off the NAT gateway. Others are by setting: each is
an interface in every zone, billed by the hour, that only the network's own addresses reach, by TLS, and only principals
of this account may use.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.aws.naming import Names
from infra.aws.settings import NetworkSettings

# Source: AWS CDK, `aws-ec2/lib/vpc-endpoint.ts`, the table of names in China.
_NAMED_ALIKE_IN_CHINA = frozenset({"ec2messages", "kms", "logs", "s3", "ssm", "ssmmessages"})


@dataclass(frozen=True, kw_only=True)
class EndpointsArguments:
    """What the endpoints are made from."""

    names: Names
    settings: NetworkSettings
    vpc_id: pulumi.Input[str]
    cidr: str
    """The network's range: who may use the interfaces."""
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """A subnet in each zone, for the interfaces."""
    route_table_ids: Mapping[str, pulumi.Input[str]]
    """Routes that lead to S3."""


def own_principals_policy(names: Names) -> dict[str, Any]:
    """An endpoint for principals of this account; what each may do is told by its own policies."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "PrincipalsOfTheAccount",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "*",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalAccount": names.account_id}},
            }
        ],
    }


def sts_policy(names: Names) -> dict[str, Any]:
    """As `own_principals_policy`, and pods that take a role by their token, which are nobody's principals before.

    Source: IAM user guide, "Control access to AWS STS with VPC endpoint policies".
    """
    by_token = {
        "Sid": "RolesOfTheStackByToken",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Resource": names.role_arn("*"),
    }
    policy = own_principals_policy(names)
    return {**policy, "Statement": [*policy["Statement"], by_token]}


def s3_policy(names: Names) -> dict[str, Any]:
    """Objects of this account by principals of this account, and what nodes fetch from AWS's own buckets.

    Registry layers are read by ECR's signed links, and packages anonymously. Sources: Amazon ECR user guide, "Minimum
    Amazon S3 bucket permissions for Amazon ECR"; Amazon Linux 2023 user guide, on repositories behind an endpoint.
    """
    fetched = [
        f"arn:{names.partition}:s3:::prod-{names.region}-starport-layer-bucket/*",
        f"arn:{names.partition}:s3:::al2023-repos-{names.region}-de612dc2/*",
    ]
    own = {"aws:PrincipalAccount": names.account_id, "aws:ResourceAccount": names.account_id}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ObjectsOfTheAccount",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": "*",
                "Condition": {"StringEquals": own},
            },
            {
                "Sid": "LayersAndPackages",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": fetched,
            },
        ],
    }


class Endpoints(pulumi.ComponentResource):
    """The gateway endpoint for S3, and interface endpoints by setting."""

    def __init__(self, name: str, args: EndpointsArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Endpoints", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._make_gateway()
        if args.settings.interface_endpoints:
            self._make_interfaces()
        self.register_outputs({})

    def _service(self, service: str) -> str:
        in_china = self._args.names.partition == "aws-cn" and service not in _NAMED_ALIKE_IN_CHINA
        start = "cn.com.amazonaws" if in_china else "com.amazonaws"
        return f"{start}.{self._args.names.region}.{service}"

    def _policy(self, service: str) -> str | None:
        if service in WITHOUT_POLICY:
            return None
        return json.dumps((sts_policy if service == "sts" else own_principals_policy)(self._args.names))

    def _make_gateway(self) -> None:
        names = self._args.names
        aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self._args.vpc_id,
            service_name=self._service("s3"),
            vpc_endpoint_type="Gateway",
            route_table_ids=list(self._args.route_table_ids.values()),
            policy=json.dumps(s3_policy(names)),
            tags={"Name": f"{names.prefix}-s3"},
            opts=self._child,
        )

    def _make_interfaces(self) -> None:
        names = self._args.names
        group = aws.ec2.SecurityGroup(
            f"{self._name}-interfaces",
            description="Endpoints of AWS services: TLS from within the network",
            vpc_id=self._args.vpc_id,
            tags={"Name": f"{names.prefix}-endpoints"},
            opts=self._child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-tls",
            security_group_id=group.id,
            description="TLS from within the network",
            cidr_ipv4=self._args.cidr,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            opts=self._child,
        )
        for service in self._args.settings.interface_endpoints:
            aws.ec2.VpcEndpoint(
                f"{self._name}-{service.replace('.', '-')}",
                vpc_id=self._args.vpc_id,
                service_name=self._service(service),
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=list(self._args.subnet_ids.values()),
                security_group_ids=[group.id],
                policy=self._policy(service),
                tags={"Name": f"{names.prefix}-{service.replace('.', '-')}"},
                opts=self._child,
            )


WITHOUT_POLICY = frozenset({"eks-auth"})
"""Services whose guide does not say that their endpoint takes a policy."""
