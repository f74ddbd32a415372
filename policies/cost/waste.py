"""Rules against paying by the hour for what nobody uses: ways out, endpoints, addresses, services that never rest."""

from collections.abc import Iterator, Mapping
from typing import Any

from planning.cost.price_gcp_network import GOOGLE_APIS
from planning.cost.words import dollars
from planning.quantities import HOURS_PER_MONTH
from policies.cost.guides import well_architected
from policies.cost.jobs import gpus_of_pod
from policies.cost.pools import pools_of, runs_machines
from policies.cost.pricing import cloud_of, service
from policies.resources import Resource, Stack
from policies.rules import Objection, Parameter, related_rule, stack_rule
from policies.values import Undecided, any_holds, as_list, get, known

NAT = "aws:ec2/natGateway:NatGateway"
CLOUD_NAT = "gcp:compute/routerNat:RouterNat"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
FORWARDING_RULES = (
    "gcp:compute/forwardingRule:ForwardingRule",
    "gcp:compute/globalForwardingRule:GlobalForwardingRule",
)
ADDRESS = "aws:ec2/eip:Eip"
LOAD_BALANCERS = ("aws:lb/loadBalancer:LoadBalancer", "aws:alb/loadBalancer:LoadBalancer")
_LISTENERS = ("aws:lb/listener:Listener", "aws:alb/listener:Listener")
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
AUTOSCALERS = (
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    "kubernetes:autoscaling/v1:HorizontalPodAutoscaler",
    "kubernetes:keda.sh/v1alpha1:ScaledObject",
)
_USERS_OF_ADDRESSES = (NAT, "aws:ec2/eipAssociation:EipAssociation", "aws:lb/loadBalancer:LoadBalancer")


@stack_rule(
    NAT,
    CLOUD_NAT,
    id="cost-nat-gateways",
    title="A stack has no more NAT gateways than its limit.",
    severity="medium",
    frameworks=well_architected("COST08-BP02"),
    wrong="Each is paid by the hour, whatever goes through it.",
    mend="share one among the zones (setting network.nat single), or raise maximum_gateways for this stack.",
    topic="cost",
    parameters={"maximum_gateways": Parameter(3, "NAT gateways that a stack may have.")},
)
def nat_gateways(stack: Stack, *, maximum_gateways: float) -> Iterator[Objection]:
    """One in each of three zones lets a zone fail; for development one does. Cloud NAT is there for a whole region."""
    gateways = stack.of(NAT, CLOUD_NAT)
    if len(gateways) > maximum_gateways:
        month = HOURS_PER_MONTH * (service(stack, "nat_gateway_hour") + service(stack, "public_ipv4_hour"))
        more = len(gateways) - maximum_gateways
        up_to = "up to " if cloud_of(stack) == "gcp" else ""
        yield Objection(
            f"It has {len(gateways)} NAT gateways, {more:g} more than {maximum_gateways:g}; with its address each "
            f"costs {up_to}{dollars(month)} a month: {dollars(month * more)} too much."
        )


@stack_rule(
    ENDPOINT,
    *FORWARDING_RULES,
    id="cost-interface-endpoints",
    title="All interface endpoints together cost no more a month than the stack's limit.",
    severity="low",
    frameworks=well_architected("COST08-BP02"),
    wrong="Each costs by the hour in each of its zones; below some traffic a NAT gateway is cheaper.",
    mend="remove endpoints, or zones of them (subnetIds), or raise maximum_usd for this stack.",
    topic="cost",
    parameters={"maximum_usd": Parameter(300, "US dollars a month, without traffic.")},
)
def interface_endpoints(stack: Stack, *, maximum_usd: float) -> Iterator[Objection]:
    """By zones, as they are billed; an endpoint of Private Service Connect is for all of them."""
    zones = 0
    for rule in stack.of(*FORWARDING_RULES):
        with stack.apart():
            # Unlike the front of a load balancer, an endpoint has no scheme.
            zones += rule.properties.get("target") in GOOGLE_APIS or known(rule.get("loadBalancingScheme")) == ""
    for endpoint in stack.of(ENDPOINT):
        with stack.apart():
            if known(endpoint.get("vpcEndpointType", default="Gateway")) == "Interface":
                zones += len(as_list(endpoint.get("subnetIds")))
    usd = service(stack, "endpoint_hour", HOURS_PER_MONTH * zones)
    if usd > maximum_usd:
        yield Objection(
            f"Interface endpoints in {zones} zones, each counted by itself, cost {dollars(usd)} a month, "
            f"{dollars(usd - maximum_usd)} more than the limit of {dollars(maximum_usd)}."
        )


@related_rule(
    ADDRESS,
    id="cost-address-used",
    title="Elastic IP addresses belong to something.",
    severity="low",
    frameworks=("CKV2_AWS_19", *well_architected("COST04-BP03")),
    wrong="An address costs as much when nothing answers at it.",
    mend="give it to a NAT gateway, an instance or a load balancer, or remove it.",
    topic="cost",
)
def address_used(address: Resource, stack: Stack) -> Iterator[str]:
    """By itself (`instance`, `networkInterface`), or by what refers to it; in a stack that runs machines."""
    if not runs_machines(stack):
        return
    if address.get("instance") is not None or address.get("networkInterface") is not None:
        return

    def uses(user: Resource) -> bool:
        paths = ("subnetMappings",) if user.type in LOAD_BALANCERS else ("allocationId", "secondaryAllocationIds")
        return any_holds(
            lambda path: user.refers_to(address, path), [path for path in paths if user.get(path) is not None]
        )

    if not any_holds(uses, stack.of(*_USERS_OF_ADDRESSES)):
        usd = service(stack, "public_ipv4_hour", HOURS_PER_MONTH)
        yield f"Nothing in the stack uses it, at {dollars(usd)} a month."


@related_rule(
    *LOAD_BALANCERS,
    id="cost-load-balancer-used",
    title="Load balancers have a listener.",
    severity="low",
    frameworks=well_architected("COST04-BP03"),
    wrong="A load balancer is paid by the hour from the day on which it is made, whether it answers or not.",
    mend="add a listener to it, or remove it.",
    topic="cost",
)
def load_balancer_used(balancer: Resource, stack: Stack) -> Iterator[str]:
    """Without a listener it takes no connection at all. Another stack may add one where this one runs no machine."""
    if not runs_machines(stack):
        return
    listeners = stack.of(*_LISTENERS)
    if any_holds(lambda each: each.refers_to(balancer, "loadBalancerArn"), listeners):
        return
    network = known(balancer.get("loadBalancerType")) == "network"
    hour = service(stack, "network_load_balancer_hour" if network else "load_balancer_hour")
    yield f"It has no listener, and costs {dollars(hour * HOURS_PER_MONTH)} a month."


@related_rule(
    DEPLOYMENT,
    id="cost-serving-rests",
    title="Services on GPUs keep no more replicas than their limit when nobody asks.",
    severity="medium",
    frameworks=well_architected("COST09-BP03"),
    wrong="Replicas that wait for requests keep their nodes and their GPUs all month.",
    mend="lower minReplicas (setting trainyard:serving.scaling.min_pods), or add an autoscaler that scales it down.",
    topic="cost",
    parameters={"maximum_replicas": Parameter(2, "Replicas that a service on GPUs keeps at least.")},
)
def serving_rests(deployment: Resource, stack: Stack, *, maximum_replicas: float) -> Iterator[str]:
    """What an autoscaler keeps at least, else what the deployment asks for. Two let a node fail."""
    gpus = gpus_of_pod(deployment.get("spec", "template", "spec"))
    if not gpus:
        return
    scalers = [each for each in stack.of(*AUTOSCALERS) if _scales(each, deployment)]
    if scalers:
        least = known(_least(scalers[0]))
        told = "Its autoscaler keeps"
    else:
        least = known(deployment.get("spec", "replicas", default=1))
        told = "No autoscaler scales it down, and it keeps"
    if least > maximum_replicas:
        more = (least - maximum_replicas) * gpus
        yield (
            f"{told} {least:g} replicas of {gpus:g} GPUs, {least - maximum_replicas:g} more than the limit"
            f"{_cost(stack, more)}."
        )


def _least(scaler: Resource) -> Any:
    if scaler.type.endswith(":ScaledObject"):
        return scaler.get("spec", "minReplicaCount", default=0)
    return scaler.get("spec", "minReplicas", default=1)


def _scales(scaler: Resource, deployment: Resource) -> bool:
    target: Mapping[str, Any] = known(scaler.get("spec", "scaleTargetRef", default={}))
    if known(get(target, "kind", default="Deployment")) != "Deployment":
        return False
    here = known(scaler.get("metadata", "namespace", default="default"))
    if here != known(deployment.get("metadata", "namespace", default="default")):
        return False
    name = deployment.get("metadata", "name")
    if name is None:
        # Pulumi names it; what refers to it is made of it.
        return deployment.urn in scaler.property_dependencies.get("spec", ())
    return bool(known(get(target, "name")) == known(name))


def _cost(stack: Stack, gpus: float) -> str:
    """What so many GPUs cost in the cheapest pool of the stack that is not for training, as a part of a sentence."""
    prices = []
    for pool in pools_of(stack):
        try:
            each, usd, role = pool.gpus(), pool.node_usd_per_hour(), pool.role()
        except Undecided:
            continue
        if each and usd is not None and role != "training":
            prices.append(usd / each)
    return f": {dollars(min(prices) * gpus * HOURS_PER_MONTH)} a month" if prices else ""


RULES = (nat_gateways, interface_endpoints, address_used, load_balancer_used, serving_rests)
