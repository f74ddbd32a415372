"""Rules for machines and nodes on AWS: who can take their role, log in to them, and reach them."""

from collections.abc import Iterator
from typing import Any

from policies.aws.network import SUBNET, VPC
from policies.resources import Resource, Stack
from policies.rules import Parameter, related_rule, resource_rule
from policies.values import Undecided, Unknown, any_holds, as_list, get, is_text, is_true, known

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE = "aws:ec2/instance:Instance"
SPOT_REQUEST = "aws:ec2/spotInstanceRequest:SpotInstanceRequest"
LAUNCH_CONFIGURATION = "aws:ec2/launchConfiguration:LaunchConfiguration"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
INSTANCES = (INSTANCE, SPOT_REQUEST)
MACHINES = (TEMPLATE, *INSTANCES, LAUNCH_CONFIGURATION)
KEY_PAIR = "aws:ec2/keyPair:KeyPair"
METADATA_DEFAULTS = "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults"
ADDRESS = "aws:ec2/eip:Eip"
ADDRESS_ASSOCIATION = "aws:ec2/eipAssociation:EipAssociation"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ROUTE_TABLE_ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
DEFAULT_ROUTE_TABLE = "aws:ec2/defaultRouteTable:DefaultRouteTable"
MAIN_ROUTE_TABLE = "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation"
INTERNET_GATEWAY = "aws:ec2/internetGateway:InternetGateway"

_NO_PREFERENCE = "no-preference"


@related_rule(
    *MACHINES,
    NODE_CLASS,
    METADATA_DEFAULTS,
    id="aws-instance-metadata-tokens",
    title="Machines tell their metadata only to who shows a session token (IMDSv2).",
    severity="high",
    frameworks=("CKV_AWS_79", "CIS AWS 3.0.0 5.6", "NIST AC-3", "NIST AC-6"),
    wrong="A web service that can be made to fetch an address then hands out the keys of the machine's role.",
    mend="set metadataOptions.httpTokens to required.",
)
def instance_metadata_tokens(machine: Resource, stack: Stack) -> Iterator[str]:
    """Optional unless said otherwise: by the machine, its launch template, or what the account has as default.

    Karpenter requires tokens by default.
    """
    options = _metadata_options(machine)
    tokens = get(options, "httpTokens", default=_NO_PREFERENCE)
    if tokens == "required" or get(options, "httpEndpoint") == "disabled":
        return
    if tokens == _NO_PREFERENCE:
        from_elsewhere = machine.type in (NODE_CLASS, METADATA_DEFAULTS) or (
            machine.type in INSTANCES and known(machine.get("launchTemplate")) is not None
        )
        if from_elsewhere or any_holds(_requires_tokens, stack.of(METADATA_DEFAULTS)):
            return
    yield "Metadata is told without a session token."


def _requires_tokens(defaults: Resource) -> bool:
    return bool(defaults.get("httpTokens") == "required")


@resource_rule(
    *MACHINES,
    NODE_CLASS,
    METADATA_DEFAULTS,
    id="aws-instance-metadata-hop-limit",
    title="What tells a machine's metadata stays on the machine, so that no container gets it.",
    severity="high",
    frameworks=("CKV_AWS_341", "NIST AC-6", "NIST SC-7"),
    wrong="Any pod can then take the role of its node, and with it all that the node may do.",
    mend="set metadataOptions.httpPutResponseHopLimit to 1, and give pods roles by EKS Pod Identity.",
    parameters={"most_hops": Parameter(1, "Network hops that an answer may make.", minimum=1)},
)
def instance_metadata_hop_limit(machine: Resource, most_hops: float) -> Iterator[str]:
    """A container on a bridge is a second hop. One is the default, also of nodes that EKS or Karpenter starts.

    Source: Amazon EKS user guide, "Upgrade from Amazon Linux 2 to Amazon Linux 2023".
    """
    options = _metadata_options(machine)
    hops = get(options, "httpPutResponseHopLimit", default=1)
    if hops > most_hops and get(options, "httpEndpoint") != "disabled":
        yield f"Metadata is told {hops:g} network hops away, more than {most_hops:g}."


def _metadata_options(machine: Resource) -> Any:
    if machine.type == METADATA_DEFAULTS:
        return machine.properties
    return machine.get("spec", "metadataOptions") if machine.type == NODE_CLASS else machine.get("metadataOptions")


@related_rule(
    *MACHINES,
    id="aws-instance-no-ssh-key",
    title="Machines have no SSH key.",
    severity="medium",
    frameworks=("NIST AC-17", "NIST IA-5"),
    wrong="A key is shared, is never withdrawn, and tells no log who used it.",
    mend="leave keyName out, and let people in by Session Manager.",
)
def instance_no_ssh_key(machine: Resource, stack: Stack) -> Iterator[str]:
    """The name of a key pair that the program makes may be unknown, but not that it is one."""
    if _names_a_key(machine, stack, "keyName"):
        yield "The machine is given an SSH key."


@related_rule(
    NODE_GROUP,
    id="aws-node-group-no-remote-access",
    title="Nobody logs in to the nodes of node groups by SSH.",
    severity="high",
    frameworks=("CKV_AWS_100", "NIST AC-17", "NIST SC-7"),
    wrong="Who has the key is root on every node, and so has what every pod on it has.",
    mend="leave remoteAccess out, and let people in by Session Manager.",
)
def node_group_no_remote_access(group: Resource, stack: Stack) -> Iterator[str]:
    """Source: Amazon EKS API, RemoteAccessConfig: without source groups, port 22 is open to the internet."""
    if _names_a_key(group, stack, "remoteAccess", "ec2SshKey"):
        groups = group.get("remoteAccess", "sourceSecurityGroupIds", default=[])
        limited = isinstance(groups, Unknown) or len(groups) > 0
        yield "Its nodes take SSH." if limited else "Its nodes take SSH from the whole internet."


def _names_a_key(subject: Resource, stack: Stack, *path: str) -> bool:
    key = subject.get(*path)
    if isinstance(key, Unknown) and any_holds(lambda pair: subject.refers_to(pair, path[0]), stack.of(KEY_PAIR)):
        return True
    return is_text(key)


@related_rule(
    *MACHINES,
    NODE_CLASS,
    ADDRESS,
    ADDRESS_ASSOCIATION,
    id="aws-instance-no-public-address",
    title="Machines have no public address.",
    severity="high",
    frameworks=("CKV_AWS_88", "NIST SC-7"),
    wrong="The internet reaches every port that a security group opens, by intent or by mistake.",
    mend="set associatePublicIpAddress to false and attach no Eip; let people in by Session Manager.",
)
def instance_no_public_address(subject: Resource, stack: Stack) -> Iterator[str]:
    """Without being asked for, an address comes from the subnet only, which has a rule of its own."""
    if subject.type in (ADDRESS, ADDRESS_ASSOCIATION):
        name = "instance" if subject.type == ADDRESS else "instanceId"
        value = subject.get(name)
        machines = stack.of(*INSTANCES) if isinstance(value, Unknown) else []
        if any_holds(lambda machine: subject.refers_to(machine, name), machines) or is_text(value):
            yield "It gives a machine a public address."
        return
    asked = [subject.get("associatePublicIpAddress")]
    if subject.type == NODE_CLASS:
        asked = [subject.get("spec", "associatePublicIPAddress")]
    elif subject.type == TEMPLATE:
        asked = [get(each, "associatePublicIpAddress") for each in as_list(subject.get("networkInterfaces"))]
    if any_holds(is_true, asked):
        yield "The machine is given a public address."


@resource_rule(
    *INSTANCES,
    id="aws-instance-role",
    title="Machines have a role.",
    severity="low",
    frameworks=("CKV2_AWS_41", "CIS AWS 3.0.0 1.18", "NIST IA-5"),
    wrong="Who needs AWS on the machine puts keys there, and Session Manager cannot reach it.",
    mend="set iamInstanceProfile to a profile whose role may do no more than the machine needs.",
    level="advisory",
)
def instance_role(machine: Resource) -> Iterator[str]:
    """A launch template may name the profile. A machine that needs nothing of AWS may do without: a matter of taste."""
    if known(machine.get("iamInstanceProfile", default="")) == "" and known(machine.get("launchTemplate")) is None:
        yield "The machine has no instance profile."


@resource_rule(
    NODE_GROUP,
    NODE_CLASS,
    id="aws-node-group-supported-image",
    title="Nodes run an image that still gets security updates.",
    severity="high",
    frameworks=("NIST SA-22", "NIST SI-2"),
    wrong="Faults that become known are no longer mended, and the newer versions of Kubernetes cannot be had.",
    mend="set amiType to one of AL2023 or Bottlerocket, and in an EC2NodeClass the alias al2023@VERSION.",
)
def node_group_supported_image(subject: Resource) -> Iterator[str]:
    """EKS gave out its last images of Amazon Linux 2 in December 2025.

    Source: awslabs/amazon-eks-ami, "NOTICE: Amazon Linux 2 AMI end of support".
    """
    if subject.type == NODE_GROUP:
        kind = known(subject.get("amiType", default=""))
        if kind.startswith("AL2_"):
            yield f"Its image {kind} is of Amazon Linux 2."
        return
    with subject.apart():
        if subject.get("spec", "amiFamily", default="") == "AL2":
            yield "Its images are of the family AL2, which is Amazon Linux 2."
    for term in as_list(subject.get("spec", "amiSelectorTerms")):
        with subject.apart():
            alias = known(get(term, "alias", default=""))
            if alias.partition("@")[0] == "al2":
                yield f"Its image {alias} is of Amazon Linux 2."


@related_rule(
    NODE_GROUP,
    id="aws-node-group-private-subnets",
    title="Node groups are in private subnets.",
    severity="high",
    frameworks=("CIS EKS 1.5.0 5.4.3", "NIST SC-7"),
    wrong="A node that gets a public address, now or by a later change of the subnet, is reached from the internet.",
    mend="name subnets in subnetIds whose routes lead to a NAT gateway or to nowhere outside.",
)
def node_group_private_subnets(group: Resource, stack: Stack) -> Iterator[str]:
    """A subnet is public where its route table, or without one that of its network, leads to an internet gateway."""
    for subnet in stack.of(SUBNET):
        with group.apart():
            if group.refers_to(subnet, "subnetIds") and _is_public(subnet, stack):
                yield f"Its subnet {subnet.name} is routed to an internet gateway."


def _is_public(subnet: Resource, stack: Stack) -> bool:
    def leads_out(association: Resource) -> bool:
        return association.refers_to(subnet, "subnetId") and any_holds(
            lambda table: association.refers_to(table, "routeTableId") and _leads_out(table, stack),
            stack.of(ROUTE_TABLE),
        )

    associations = stack.of(ROUTE_TABLE_ASSOCIATION)
    if any_holds(lambda each: each.refers_to(subnet, "subnetId"), associations):
        return any_holds(leads_out, associations)
    return any_holds(lambda vpc: subnet.refers_to(vpc, "vpcId") and _main_leads_out(vpc, stack), stack.of(VPC))


def _main_leads_out(vpc: Resource, stack: Stack) -> bool:
    """Whether the table of a network's subnets that have no other leads to an internet gateway."""
    gateways = stack.of(INTERNET_GATEWAY)

    def by_route(route: Resource) -> bool:
        return route.refers_to(vpc, "routeTableId") and any_holds(
            lambda gateway: route.refers_to(gateway, "gatewayId"), gateways
        )

    def by_table(table: Resource) -> bool:
        return table.refers_to(vpc, "defaultRouteTableId") and _leads_out(table, stack)

    def by_association(association: Resource) -> bool:
        return association.refers_to(vpc, "vpcId") and any_holds(
            lambda table: association.refers_to(table, "routeTableId") and _leads_out(table, stack),
            stack.of(ROUTE_TABLE),
        )

    # Without a gateway nothing leads out, whatever the rest is.
    return len(gateways) > 0 and (
        any_holds(by_table, stack.of(DEFAULT_ROUTE_TABLE))
        or any_holds(by_route, stack.of(ROUTE))
        or any_holds(by_association, stack.of(MAIN_ROUTE_TABLE))
    )


def _leads_out(table: Resource, stack: Stack) -> bool:
    gateways = stack.of(INTERNET_GATEWAY)
    if any_holds(lambda gateway: _routes_by(table, gateway), gateways):
        return True
    return any_holds(
        lambda route: (
            route.refers_to(table, "routeTableId")
            and any_holds(lambda gateway: route.refers_to(gateway, "gatewayId"), gateways)
        ),
        stack.of(ROUTE),
    )


def _routes_by(table: Resource, gateway: Resource) -> bool:
    made_of = table.property_dependencies.get("routes", ())
    if made_of and gateway.urn in made_of:
        return True
    # What an unknown one is made of is told, and it is not this gateway.
    given = [get(route, "gatewayId") for route in as_list(table.get("routes"))]
    decided = [each for each in given if not (made_of and isinstance(each, Unknown))]
    names = gateway.identifiers
    if any_holds(lambda each: known(each) in names, decided):
        return True
    if not names and not made_of and any_holds(is_text, decided):
        raise Undecided(f"the name of {gateway.name}")
    return False


RULES = (
    instance_metadata_tokens,
    instance_metadata_hop_limit,
    instance_no_ssh_key,
    node_group_no_remote_access,
    instance_no_public_address,
    instance_role,
    node_group_supported_image,
    node_group_private_subnets,
)
