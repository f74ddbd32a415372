"""Prices the network on Google Cloud: Cloud NAT, addresses, endpoints, load balancers, zones of names, and traffic.

Who counts in GiB here is Google; the price book says GB, which is 7 % less.
Sources: Google Cloud, "Cloud NAT pricing", "VPC network pricing", "Cloud Load Balancing pricing", "Cloud DNS pricing".
"""

from collections.abc import Iterator

from planning.cost.inputs import choice_of, is_hidden, mappings_of, text_of
from planning.cost.lines import Context, Line, no_price
from planning.cost.price_gcp_compute import INSTANCE, NODE_POOL, nodes_of, pool_of_nodes
from planning.quantities import HOURS_PER_MONTH

VPC_PRICING = "Google Cloud, VPC network pricing"
FORWARDING_NOTE = "a project's first five forwarding rules of a region cost this together, and the others less"
_SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
GOOGLE_APIS = ("all-apis", "vpc-sc")
"""Targets of an endpoint for Google's own services. Source: VPC, "Access Google APIs through endpoints"."""


def price_nat(context: Context) -> list[Line]:
    """By the hour for each machine that uses it, up to a price that it never exceeds; and by what goes through it.

    Every node and machine of the stack that has no address of its own is taken to use it.
    """
    lines = list(_machine_hours(context))
    if choice_of(context.resource.inputs.get("natIpAllocateOption"), "AUTO_ONLY") != "MANUAL_ONLY":
        note = "one address; more come as machines open more connections than it has ports"
        lines.append(context.hours("public IPv4 address", "public_ipv4_hour", note=note))
    usage, note = context.usage, "what leaves for the internet costs as egress, besides"
    free = "the first GB of a month is free in some regions and not taken off"
    return [
        *lines,
        context.used("through Cloud NAT", "nat_gateway_gb", usage.nat_gb, "nat_gb", note=note),
        context.used(
            "egress to the internet", "egress_internet_gb", usage.internet_egress_gb, "internet_egress_gb", note=free
        ),
    ]


def price_address(context: Context) -> list[Line]:
    """A public IPv4 address in use; one inside the network costs nothing. Idle, one that is kept costs twice that."""
    kind = choice_of(context.resource.inputs.get("addressType"), "EXTERNAL")
    if kind == "INTERNAL":
        return [context.free("addresses inside the network cost nothing", VPC_PRICING)]
    if kind is None:
        return [context.unknown("address", "whether it is a public one is not in the plan")]
    note = "while something uses it; twice as much while nothing does"
    return [context.hours("public IPv4 address", "public_ipv4_hour", note=note)]


def price_forwarding_rule(context: Context) -> list[Line]:
    """An endpoint of Private Service Connect, or the front of a load balancer."""
    inputs = context.resource.inputs
    target = inputs.get("target")
    scheme = inputs.get("loadBalancingScheme")
    if text_of(target) in GOOGLE_APIS or scheme == "" or "serviceAttachments" in (text_of(target) or ""):
        return [
            context.hours("Private Service Connect endpoint", "endpoint_hour"),
            context.used("through the endpoint", "endpoint_gb", context.usage.endpoint_gb, "endpoint_gb"),
        ]
    if is_hidden(scheme) or (is_hidden(target) and scheme is None):
        return [context.unknown("forwarding rule", "what it is the front of is not in the plan")]
    if scheme == "INTERNAL_MANAGED":
        return [context.unknown("internal load balancer", "its proxies, by the hour and the zone, have no price")]
    return forwarding_lines(context, "forwarding rule")


def forwarding_lines(context: Context, what: str) -> list[Line]:
    """The two lines of a load balancer that passes connections on."""
    return [
        context.hours(what, "network_load_balancer_hour", note=FORWARDING_NOTE),
        context.used(
            "through the load balancer", "load_balancer_gb", context.usage.load_balancer_gb, "load_balancer_gb"
        ),
    ]


def price_network(context: Context) -> list[Line]:
    """Costs nothing by itself; traffic between its zones does, for who sends it.

    A network that is only for the GPUs of one pool has all of it within one zone: it is told by its profile, or by its
    subnets, which have no ranges for pods.
    """
    if _is_for_gpus(context):
        return [context.free("a network for GPUs that are close together has no traffic between zones", VPC_PRICING)]
    gigabytes = context.usage.cross_zone_gb
    return [context.used("traffic between zones", "egress_zone_gb", gigabytes, "cross_zone_gb", note="who sends pays")]


def price_subnetwork(context: Context) -> list[Line]:
    """Costs nothing by itself; its flow logs do when they are made. Where they are kept, that is counted too."""
    logged = context.resource.inputs.get("logConfig")
    if logged is None:
        return [context.free("parts of a network cost nothing by themselves", VPC_PRICING)]
    gigabytes = context.usage.flow_log_gb
    note = "made; what is kept of them is counted with its log bucket"
    return [context.used("flow logs", "network_telemetry_gb", gigabytes, "flow_log_gb", note=note)]


def price_zone_of_names(context: Context) -> list[Line]:
    """By the month, and by queries."""
    queries = context.usage.dns_queries / 1_000_000
    return [
        context.fixed("zone of names", "dns_zone_month", 1.0),
        context.used("queries", "dns_queries_1000000", queries, "dns_queries"),
    ]


def _is_for_gpus(context: Context) -> bool:
    if context.resource.inputs.get("networkProfile") is not None:
        return True
    subnets = context.siblings(_SUBNETWORK)
    pools = any(each.type == NODE_POOL for each in context.resources)
    return pools and bool(subnets) and not any(each.inputs.get("secondaryIpRanges") for each in subnets)


def _machine_hours(context: Context) -> Iterator[Line]:
    """What the machines cost that use the NAT, those that are always there apart from the others."""
    what, service = "Cloud NAT", "nat_machine_hour"
    tiers = context.book.tiers_of(context.cloud, context.region, service)
    most = context.book.tiers_of(context.cloud, context.region, "nat_gateway_hour")
    fewest, average, full, known = _machines(context)
    if not known:
        yield context.unknown(what, "how many nodes there may be is not in the plan")
        return
    if not tiers or not most:
        yield context.unknown(what, no_price(service, context.cloud, context.region))
        return
    usd = tiers[0].usd_per_unit
    limit = most[0].usd_per_unit / usd
    always, sometimes = min(fewest, limit), min(fewest + average, limit) - min(fewest, limit)
    note = f"a gateway never costs more than ${most[0].usd_per_unit:g} an hour"
    if always:
        yield context.hours(f"{what}, {fewest:g} machine{'' if fewest == 1 else 's'}", service, always, note=note)
    if full > fewest:
        yield context.line(
            "usage",
            f"{what}, up to {full - fewest:g} more",
            quantity=sometimes * HOURS_PER_MONTH,
            unit=tiers[0].unit,
            usd_per_unit=usd,
            full_usd_per_hour=(min(full, limit) - always) * usd,
            usd_per_month=sometimes * HOURS_PER_MONTH * usd,
            assumption=_shares(context),
            note=note,
            source=tiers[0].source,
            basis=tiers[0].basis,
            as_of=tiers[0].as_of,
        )


def _machines(context: Context) -> tuple[float, float, float, bool]:
    """Machines that are always there, others on average over a month, all at full size; and whether that is known."""
    fewest = average = full = 0.0
    known = True
    for each in context.resources:
        if each.type == NODE_POOL:
            least, most = nodes_of(each.inputs)
            if least is None or most is None:
                known = False
                continue
            pool = pool_of_nodes(context.of(each))
            share, _ = context.usage.busy_share(pool.name, has_gpu=pool.has_gpu)
            fewest, average, full = fewest + least, average + max(0.0, most - least) * share, full + most
        elif each.type == INSTANCE and not _has_address(each.inputs.get("networkInterfaces")):
            runs = text_of(each.inputs.get("desiredStatus")) != "TERMINATED"
            fewest, full = fewest + runs, full + 1
    return fewest, average, full, known


def _shares(context: Context) -> str:
    pools = [pool_of_nodes(context.of(each)) for each in context.resources if each.type == NODE_POOL]
    names = [context.usage.busy_share(pool.name, has_gpu=pool.has_gpu)[1] for pool in pools]
    return context.assumed(*sorted(set(names)))


def _has_address(interfaces: object) -> bool:
    return any(each.get("accessConfigs") for each in mappings_of(interfaces))


PRICERS = {
    "gcp:compute/routerNat:RouterNat": price_nat,
    "gcp:compute/address:Address": price_address,
    "gcp:compute/globalAddress:GlobalAddress": price_address,
    "gcp:compute/forwardingRule:ForwardingRule": price_forwarding_rule,
    "gcp:compute/globalForwardingRule:GlobalForwardingRule": price_forwarding_rule,
    "gcp:compute/network:Network": price_network,
    _SUBNETWORK: price_subnetwork,
    "gcp:dns/managedZone:ManagedZone": price_zone_of_names,
}
