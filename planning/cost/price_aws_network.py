"""Prices the network: ways out, endpoints, addresses, flow logs, load balancers, and the traffic through them."""

from planning.cost.inputs import choice_of, text_of
from planning.cost.lines import Context, Line
from planning.quantities import HOURS_PER_MONTH

VPC_PRICING = "Amazon VPC pricing page"
UNTOLD = "(not in the plan)"


def price_nat_gateway(context: Context) -> list[Line]:
    """By the hour, and by what goes through it either way. Its address is a resource of its own."""
    if text_of(context.resource.inputs.get("connectivityType")) == "private":
        note = "a private NAT gateway costs as much as a public one"
    else:
        note = "what leaves for the internet costs as egress, besides"
    return [
        context.hours("NAT gateway", "nat_gateway_hour"),
        context.used("through the NAT gateway", "nat_gateway_gb", context.usage.nat_gb, "nat_gb", note=note),
    ]


def price_address(context: Context) -> list[Line]:
    """A public IPv4 address costs the same in use and idle."""
    return [context.hours("public IPv4 address", "public_ipv4_hour")]


def price_endpoint(context: Context) -> list[Line]:
    """An interface endpoint costs in each zone; a gateway endpoint costs nothing."""
    kind = choice_of(context.resource.inputs.get("vpcEndpointType"), "Gateway")
    if kind == "Gateway":
        return [context.free("gateway endpoints for S3 and DynamoDB cost nothing", VPC_PRICING)]
    if kind != "Interface":
        return [context.unknown("endpoint", f"endpoints of type {kind or UNTOLD} have no price")]
    subnets = context.resource.inputs.get("subnetIds")
    if not isinstance(subnets, list):
        return [context.unknown("interface endpoint", "in how many zones it is, is not in the plan")]
    zones = len(subnets)
    return [
        context.hours(f"interface endpoint in {zones} zone{'' if zones == 1 else 's'}", "endpoint_hour", zones),
        context.used("through the endpoint", "endpoint_gb", context.usage.endpoint_gb, "endpoint_gb"),
    ]


def price_internet_gateway(context: Context) -> list[Line]:
    """Costs nothing by itself; what leaves by it does."""
    usage = context.usage.internet_egress_gb
    note = "an account's first 100 GB a month over all its regions are free and not taken off"
    return [context.used("egress to the internet", "egress_internet_gb", usage, "internet_egress_gb", note=note)]


def price_network(context: Context) -> list[Line]:
    """Costs nothing by itself; traffic between its zones does, on both sides."""
    gigabytes = 2 * context.usage.cross_zone_gb
    note = "both sides pay: twice the GB"
    return [context.used("traffic between zones", "egress_zone_gb", gigabytes, "cross_zone_gb", note=note)]


def price_flow_log(context: Context) -> list[Line]:
    """What it writes costs as vended logs. Storage is counted with its log group or bucket."""
    kind = choice_of(context.resource.inputs.get("logDestinationType"), "cloud-watch-logs")
    if kind != "cloud-watch-logs":
        return [context.unknown("flow logs", f"delivery to {kind or UNTOLD} has no price")]
    return [context.used("flow logs, vended", "logs_vended_gb", context.usage.flow_log_gb, "flow_log_gb")]


def price_load_balancer(context: Context) -> list[Line]:
    """By the hour, and by capacity units."""
    kind = choice_of(context.resource.inputs.get("loadBalancerType"), "application")
    services = {
        "application": ("load_balancer_hour", "load_balancer_capacity_hour"),
        "network": ("network_load_balancer_hour", "network_load_balancer_capacity_hour"),
    }
    if kind not in services:
        return [context.unknown("load balancer", f"load balancers of type {kind or UNTOLD} have no price")]
    return load_balancer_lines(context, kind, *services[kind])


def load_balancer_lines(context: Context, kind: str, hour: str, capacity: str) -> list[Line]:
    """The two lines of any load balancer."""
    units = context.usage.load_balancer_capacity_units
    return [
        context.hours(f"{kind} load balancer", hour),
        context.used("its capacity units", capacity, units * HOURS_PER_MONTH, "load_balancer_capacity_units"),
    ]


PRICERS = {
    "aws:ec2/natGateway:NatGateway": price_nat_gateway,
    "aws:ec2/eip:Eip": price_address,
    "aws:ec2/vpcEndpoint:VpcEndpoint": price_endpoint,
    "aws:ec2/internetGateway:InternetGateway": price_internet_gateway,
    "aws:ec2/vpc:Vpc": price_network,
    "aws:ec2/flowLog:FlowLog": price_flow_log,
    "aws:lb/loadBalancer:LoadBalancer": price_load_balancer,
    "aws:alb/loadBalancer:LoadBalancer": price_load_balancer,
}
