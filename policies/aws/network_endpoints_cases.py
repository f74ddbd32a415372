"""Cases of the rules for endpoints of AWS services."""

import json
from typing import Any

from policies.aws import network_endpoints as endpoints
from policies.aws.network import VPC
from policies.aws.network_security_groups import EITHER_RULE, GROUP, INGRESS_RULE
from policies.cases import Cases, made
from policies.resources import Resource

NETWORK = made(VPC, "network", {"cidrBlock": "10.0.0.0/16"})
CLOSED = made(GROUP, "endpoints", {"ingress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443}]})


def endpoint(service: str, kind: str | None = "Interface", **more: Any) -> Resource:
    """An endpoint of an AWS service, or of a service by its whole name."""
    name = service if "." in service and service.startswith(("com.", "cn.")) else f"com.amazonaws.eu-west-1.{service}"
    properties = {"serviceName": name, **({"vpcEndpointType": kind} if kind else {}), **more}
    return made(endpoints.ENDPOINT, "endpoint", properties)


def of_network(service: str, kind: str | None = None, vpc: Resource = NETWORK) -> Resource:
    """An endpoint in a network that the program makes."""
    content = dict(endpoint(service, kind).properties)
    return made(endpoints.ENDPOINT, "endpoint", content, refers={"vpcId": vpc})


def policy(*statements: dict[str, Any]) -> str:
    """A policy as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


EVERYTHING = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
OWN = {**EVERYTHING, "Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}}
FOREIGN_DENIED = {
    **EVERYTHING,
    "Effect": "Deny",
    "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-0a1b2c3d4e"}},
}
PACKAGES = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::packages/*"}
ROLE = {**EVERYTHING, "Principal": {"AWS": "arn:aws:iam::123456789012:role/nodes"}}


def interface_in(group: Resource) -> Resource:
    """An interface endpoint with a security group."""
    content = dict(endpoint("kms", privateDnsEnabled=True).properties)
    return made(endpoints.ENDPOINT, "endpoint", content, refers={"securityGroupIds": group})


def group(cidr: str, port: int = 443) -> Resource:
    """A security group that lets a range in."""
    permission = {"protocol": "tcp", "fromPort": port, "toPort": port, "cidrBlocks": [cidr]}
    return made(GROUP, "endpoints", {"ingress": [permission]})


def rule(cidr: str, of: Resource, type_: str = INGRESS_RULE) -> Resource:
    """A rule that lets a range into a security group."""
    if type_ == INGRESS_RULE:
        content: dict[str, Any] = {"cidrIpv4": cidr, "ipProtocol": "tcp"}
    else:
        content = {"type": "ingress", "cidrBlocks": [cidr], "protocol": "tcp"}
    return made(type_, "tls", {**content, "fromPort": 443, "toPort": 443}, refers={"securityGroupId": of})


CASES = (
    Cases(
        endpoints.network_s3_endpoint,
        passing=[
            [NETWORK, of_network("s3")],
            [NETWORK, of_network("ecr.api", "Interface"), of_network("s3", "Gateway")],
            [NETWORK, of_network("s3", "Interface")],
            [NETWORK, of_network("cn.com.amazonaws.cn-north-1.s3")],
        ],
        failing=[
            (NETWORK, "The network has no endpoint for S3."),
            ([NETWORK, of_network("dynamodb")], "no endpoint for S3"),
            ([NETWORK, of_network("s3express")], "no endpoint for S3"),
            ([NETWORK, of_network("s3", vpc=made(VPC, "other"))], "no endpoint for S3"),
        ],
    ),
    Cases(
        endpoints.endpoint_private_names,
        passing=[
            endpoint("ecr.api", privateDnsEnabled=True),
            endpoint("s3", None),
            endpoint("s3", privateDnsEnabled=False),
            endpoint("com.amazonaws.vpce.eu-west-1.vpce-svc-0a1b"),
            endpoint("transfer.server"),
            endpoint("kms", "GatewayLoadBalancer"),
            [endpoint("kms"), made(endpoints.PRIVATE_ZONE, "kms", {"name": "kms.eu-west-1.amazonaws.com"})],
            [
                (shared := endpoint("kms")),
                made(
                    endpoints.ENDPOINT_PRIVATE_NAMES,
                    "kms",
                    {"privateDnsEnabled": True},
                    refers={"vpcEndpointId": shared},
                ),
            ],
        ],
        failing=[
            (endpoint("ecr.api"), "The endpoint of ecr.api has no private names."),
            (endpoint("kms", privateDnsEnabled=False), "The endpoint of kms has no private names."),
            (
                [endpoint("sts"), made(endpoints.PRIVATE_ZONE, "own", {"name": "example.internal"})],
                "The endpoint of sts",
            ),
            (
                [
                    (left := endpoint("kms")),
                    made(
                        endpoints.ENDPOINT_PRIVATE_NAMES,
                        "kms",
                        {"privateDnsEnabled": False},
                        refers={"vpcEndpointId": left},
                    ),
                ],
                "no private names",
            ),
        ],
    ),
    Cases(
        endpoints.endpoint_closed_to_internet,
        passing=[
            [group("10.0.0.0/16"), interface_in(group("10.0.0.0/16"))],
            [CLOSED, interface_in(CLOSED), rule("10.0.0.0/16", CLOSED)],
            [group("0.0.0.0/0"), interface_in(made(GROUP, "other"))],
            [CLOSED, interface_in(CLOSED), rule("0.0.0.0/0", made(GROUP, "other"))],
            [group("0.0.0.0/0", 8443), interface_in(group("0.0.0.0/0", 8443))],
            endpoint("s3", None),
        ],
        failing=[
            ([group("0.0.0.0/0"), interface_in(group("0.0.0.0/0"))], "The endpoint's security group endpoints lets"),
            ([CLOSED, interface_in(CLOSED), rule("0.0.0.0/0", CLOSED)], "lets the whole internet in."),
            ([CLOSED, interface_in(CLOSED), rule("128.0.0.0/1", CLOSED, EITHER_RULE)], "lets the whole internet in."),
            (
                [
                    made(GROUP, "endpoints", {"id": "sg-1", **group("0.0.0.0/0").properties}),
                    endpoint("kms", securityGroupIds=["sg-1"]),
                ],
                "lets the whole internet in.",
            ),
        ],
    ),
    Cases(
        endpoints.endpoint_policy,
        passing=[
            endpoint("ecr.api", policy=policy(OWN)),
            endpoint("s3", None, policy=policy(OWN, PACKAGES)),
            endpoint("s3", None, policy=policy(EVERYTHING, FOREIGN_DENIED)),
            endpoint("kms", policy=policy(ROLE)),
            endpoint("eks-auth"),
            endpoint("com.amazonaws.vpce.eu-west-1.vpce-svc-0a1b"),
            endpoint("s3", None, policy={"Statement": OWN}),
            [
                (own := endpoint("s3", None, policy=policy(EVERYTHING))),
                made(endpoints.ENDPOINT_POLICY, "s3", {"policy": policy(OWN)}, refers={"vpcEndpointId": own}),
            ],
        ],
        failing=[
            (endpoint("s3", None), "The endpoint has no policy."),
            (endpoint("ecr.api", policy=""), "The endpoint has no policy."),
            (endpoint("kms", policy=policy(EVERYTHING)), "The endpoint's policy allows everybody everything."),
            (endpoint("kms", policy=policy(OWN, {**EVERYTHING, "Action": ["kms:*"]})), "allows everybody everything"),
            (endpoint("s3", policy=policy({**EVERYTHING, "Principal": {"AWS": ["*"]}})), "allows everybody everything"),
            (endpoint("sts", policy=policy(EVERYTHING, {**PACKAGES, "Effect": "Deny"})), "allows everybody everything"),
            (
                made(endpoints.ENDPOINT_POLICY, "s3", {"policy": policy(EVERYTHING), "vpcEndpointId": "vpce-1"}),
                "allows everybody everything",
            ),
        ],
    ),
)
