"""What breaks each rule for networks on AWS."""

from typing import Any

from policies.aws import network, network_endpoints, network_load_balancers
from policies.aws import network_security_groups as groups
from policies.cases import made
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, adding, changing, removing, setting, without

ENDPOINT = network_endpoints.ENDPOINT
BALANCER, LISTENER = network_load_balancers.LOAD_BALANCERS[0], network_load_balancers.LISTENERS[0]


def _open(first: int, last: int, name: str = "endpoints-tls") -> Any:
    """Lets everybody reach these ports by the rule that is for the network's own addresses."""
    opened = {"cidrIpv4": "0.0.0.0/0", "fromPort": first, "toPort": last}
    return changing(groups.INGRESS_RULE, lambda properties: properties.update(opened), name=name)


MUTATIONS: dict[Rule, Mutation] = {
    network.network_flow_logs: Mutation("dev", removing(network.FLOW_LOG)),
    network.network_default_group_closed: Mutation("dev", removing(network.DEFAULT_GROUP)),
    network.network_not_default: Mutation("dev", adding(made(network.DEFAULT_VPC, "default"))),
    network.subnet_no_public_addresses: Mutation("dev", setting(network.SUBNET, True, "mapPublicIpOnLaunch")),
    network.network_access_list_administration_closed: Mutation(
        "corpus/aws_network", without(network.ACCESS_LISTS[0], "ingress", 0)
    ),
    groups.security_group_administration_closed: Mutation("prod", _open(22, 22)),
    groups.security_group_closed_to_internet: Mutation("prod", _open(8443, 8443)),
    groups.security_group_egress_by_port: Mutation("prod", setting(groups.EGRESS_RULE, "0.0.0.0/0", "cidrIpv4")),
    groups.security_group_described: Mutation("prod", without(groups.INGRESS_RULE, "description")),
    groups.prefix_list_not_internet: Mutation(
        "corpus/aws_network", setting(groups.PREFIX_LIST, "0.0.0.0/0", "entries", 1, "cidr")
    ),
    network_endpoints.network_s3_endpoint: Mutation("dev", removing(ENDPOINT)),
    network_endpoints.endpoint_private_names: Mutation(
        "prod", setting(ENDPOINT, False, "privateDnsEnabled", name="endpoints-kms")
    ),
    network_endpoints.endpoint_closed_to_internet: Mutation("prod", _open(443, 443)),
    network_endpoints.endpoint_policy: Mutation("dev", without(ENDPOINT, "policy")),
    network_load_balancers.load_balancer_encrypted: Mutation(
        "corpus/aws_network_load_balancer", setting(BALANCER, False, "internal", name="inside")
    ),
    network_load_balancers.load_balancer_strong_tls: Mutation(
        "corpus/aws_network_load_balancer", without(LISTENER, "sslPolicy", name="https")
    ),
    network_load_balancers.load_balancer_drops_invalid_headers: Mutation(
        "corpus/aws_network_load_balancer", without(BALANCER, "dropInvalidHeaderFields")
    ),
}
