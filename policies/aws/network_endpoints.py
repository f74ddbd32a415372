"""Rules for the endpoints by which AWS services are reached without leaving the network."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.aws.network import VPC
from policies.aws.network_security_groups import EITHER_RULE, GROUP, INGRESS_RULE, entries
from policies.resources import Resource, Stack
from policies.rules import related_rule
from policies.values import any_holds, as_list, get, is_text, is_true, known, parsed

ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
ENDPOINT_POLICY = "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy"
ENDPOINT_PRIVATE_NAMES = "aws:vpc/endpointPrivateDns:EndpointPrivateDns"
PRIVATE_ZONE = "aws:route53/zone:Zone"

_TLS = range(443, 444)
_OTHER_NAMES = frozenset({"s3", "s3express", "dynamodb", "dynamodb-streams"})
"""Services with a gateway endpoint as well: an interface beside it is for those outside the network, and its names
would turn the network's own traffic away from the gateway, which costs nothing."""
_WITHOUT_PRIVATE_NAMES = ("iot.", "lorawan.", "transfer.server", "vpce-svc-")
"""What the names of services begin with whose endpoints have no private names, or may have none."""
_WITH_POLICY = frozenset(
    {
        *("autoscaling", "cloudformation", "cloudtrail", "codeartifact.api", "codeartifact.repositories"),
        *("dynamodb", "ec2", "ec2messages", "ecr.api", "ecr.dkr", "eks", "elasticfilesystem"),
        *("elasticloadbalancing", "events", "execute-api", "kinesis-streams", "kms", "lambda", "logs", "monitoring"),
        *("s3", "sagemaker.api", "sagemaker.runtime", "secretsmanager", "sns", "sqs", "ssm", "ssmmessages", "states"),
        *("sts",),
    }
)
"""Services whose endpoints take a policy; not all do. Source: AWS PrivateLink guide, "AWS services that integrate"."""


@related_rule(
    VPC,
    id="aws-network-s3-endpoint",
    title="Every network reaches S3 by an endpoint of its own.",
    severity="medium",
    frameworks=("NIST AC-4", "NIST SC-7"),
    wrong="Data sets and checkpoints then leave the network, and no policy can say which buckets they may go to.",
    mend="create a VpcEndpoint with this vpcId and the service name of S3; a gateway endpoint costs nothing.",
)
def network_s3_endpoint(vpc: Resource, stack: Stack) -> Iterator[str]:
    """An interface endpoint does as well as a gateway."""

    def leads_to_s3(endpoint: Resource) -> bool:
        return endpoint.refers_to(vpc, "vpcId") and _service(endpoint) == "s3"

    if not any_holds(leads_to_s3, stack.of(ENDPOINT)):
        yield "The network has no endpoint for S3."


@related_rule(
    ENDPOINT,
    id="aws-endpoint-private-names",
    title="Interface endpoints answer to the names by which programs know AWS services.",
    severity="medium",
    frameworks=("NIST SC-7",),
    wrong="Programs go on to use the public addresses, and the endpoint protects nothing.",
    mend="set privateDnsEnabled to true, or create a private Zone with the service's names for several networks.",
)
def endpoint_private_names(endpoint: Resource, stack: Stack) -> Iterator[str]:
    """It is off unless the endpoint says otherwise. Networks that share endpoints use private zones instead."""
    if known(endpoint.get("vpcEndpointType", default="Gateway")) != "Interface":
        return
    service = _service(endpoint)
    if service in _OTHER_NAMES or not service or service.startswith(_WITHOUT_PRIVATE_NAMES):
        return
    separate = any_holds(
        lambda other: other.refers_to(endpoint, "vpcEndpointId") and is_true(other.get("privateDnsEnabled")),
        stack.of(ENDPOINT_PRIVATE_NAMES),
    )
    if separate or any_holds(_is_zone_of_aws, stack.of(PRIVATE_ZONE)):
        return
    if not is_true(endpoint.get("privateDnsEnabled")):
        yield f"The endpoint of {service} has no private names."


def _is_zone_of_aws(zone: Resource) -> bool:
    name = zone.get("name", default="")
    return bool(name.rstrip(".").endswith((".amazonaws.com", ".api.aws", ".amazonaws.com.cn", ".on.aws")))


@related_rule(
    ENDPOINT,
    id="aws-endpoint-closed-to-internet",
    title="Only networks that are named reach interface endpoints.",
    severity="medium",
    frameworks=("NIST AC-4", "NIST SC-7"),
    wrong="Whatever can route to the network, by peering or a gateway, can then use AWS as if it were in it.",
    mend="let the group of the endpoint's securityGroupIds in from the network's own range on port 443.",
)
def endpoint_closed_to_internet(endpoint: Resource, stack: Stack) -> Iterator[str]:
    """The internet may reach port 443 of other things; the other ports are told by the rules of security groups."""
    for group in stack.of(GROUP) if endpoint.get("securityGroupIds") is not None else ():
        with endpoint.apart():
            if endpoint.refers_to(group, "securityGroupIds") and _is_open(group, stack):
                yield f"The endpoint's security group {group.name} lets the whole internet in."


def _is_open(group: Resource, stack: Stack) -> bool:
    def opens(rule: Resource) -> bool:
        return (rule is group or rule.refers_to(group, "securityGroupId")) and any_holds(
            lambda entry: entry.asked()[1] == _TLS and entry.is_about_internet(), entries(rule, "ingress")
        )

    return any_holds(opens, [group, *stack.of(INGRESS_RULE, EITHER_RULE)])


@related_rule(
    ENDPOINT,
    ENDPOINT_POLICY,
    id="aws-endpoint-policy",
    title="Endpoints say who may use them, and for what.",
    severity="medium",
    frameworks=("NIST AC-4", "NIST AC-6", "NIST SC-7(10)"),
    wrong="A stolen key of a foreign account can then carry data out by the endpoint, past every firewall.",
    mend="give it a policy with a Condition on aws:PrincipalAccount, aws:PrincipalOrgID or aws:ResourceAccount.",
)
def endpoint_policy(subject: Resource, stack: Stack) -> Iterator[str]:
    """Without a policy an endpoint allows everybody everything. Of some services, and of others, it takes none.

    Source: AWS PrivateLink guide, "Control access to VPC endpoints using endpoint policies".
    """
    if subject.type == ENDPOINT:
        if _service(subject) not in _WITH_POLICY:
            return
        if any_holds(lambda other: other.refers_to(subject, "vpcEndpointId"), stack.of(ENDPOINT_POLICY)):
            return
    policy = known(subject.get("policy", default=""))
    if policy == "":
        yield "The endpoint has no policy."
    elif _allows_everything(policy):
        yield "The endpoint's policy allows everybody everything."


def _allows_everything(policy: Any) -> bool:
    try:
        statements = as_list(get(parsed(policy), "Statement"))
    except ValueError:
        return False
    return not any_holds(_is_conditional_deny, statements) and any_holds(_is_allow_all, statements)


def _is_conditional_deny(statement: Any) -> bool:
    return get(statement, "Effect") == "Deny" and known(get(statement, "Condition")) is not None


def _is_allow_all(statement: Any) -> bool:
    if get(statement, "Effect") != "Allow" or get(statement, "Condition", default={}):
        return False
    principal = get(statement, "Principal")
    principals = as_list(get(principal, "AWS") if isinstance(principal, Mapping) else principal)
    return (
        any_holds(lambda each: each == "*", principals)
        and any_holds(lambda each: is_text(each) and (each == "*" or each.endswith(":*")), _of(statement, "Action"))
        and any_holds(lambda each: each == "*", _of(statement, "Resource"))
    )


def _of(statement: Any, name: str) -> list[Any]:
    return list(as_list(get(statement, name)))


def _service(endpoint: Resource) -> str:
    """The service of an endpoint, as s3 or ecr.api; empty for one that is not AWS's own. Raises Undecided."""
    parts = str(known(endpoint.get("serviceName", default=""))).removeprefix("cn.").split(".", 3)
    if parts[:2] == ["com", "amazonaws"] and len(parts) == 4 and parts[2] != "vpce":
        return parts[3]
    return f"sagemaker.{parts[3]}" if parts[:2] == ["aws", "sagemaker"] and len(parts) == 4 else ""


RULES = (
    network_s3_endpoint,
    endpoint_private_names,
    endpoint_closed_to_internet,
    endpoint_policy,
)
