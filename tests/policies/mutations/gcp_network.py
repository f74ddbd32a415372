"""What breaks each rule for networks on Google Cloud."""

from policies.gcp import network, network_egress
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, removing, setting, without

STACK = "gcp-dev"
FIREWALL = network.FIREWALL

MUTATIONS: dict[Rule, Mutation] = {
    network.network_own_subnets: Mutation(STACK, without("gcp:compute/network:Network", "autoCreateSubnetworks")),
    network.network_not_default: Mutation("corpus/gcp_machine", setting(FIREWALL, "default", "network")),
    network.firewall_administration_closed: Mutation(
        "corpus/gcp_machine", setting(FIREWALL, "0.0.0.0/0", "sourceRanges", 0, name="identity-aware-proxy")
    ),
    network.firewall_closed_to_internet: Mutation(
        "corpus/gcp_load_balancer", setting(FIREWALL, "::/0", "sourceRanges", 1, name="health")
    ),
    network.firewall_logged: Mutation(STACK, without(FIREWALL, "logConfig")),
    network.firewall_described: Mutation(STACK, without(FIREWALL, "description")),
    network.subnetwork_flow_logs: Mutation(STACK, without(network.SUBNETWORK, "logConfig")),
    network.subnetwork_private_google_access: Mutation(STACK, without(network.SUBNETWORK, "privateIpGoogleAccess")),
    network.nat_logged: Mutation(STACK, without("gcp:compute/routerNat:RouterNat", "logConfig")),
    network_egress.firewall_egress_by_port: Mutation(
        STACK, setting(FIREWALL, ["0.0.0.0/0"], "destinationRanges", name="network-inside-out")
    ),
    network_egress.network_egress_denied: Mutation(STACK, removing(FIREWALL, "network-deny-out")),
    network.proxy_strong_tls: Mutation("corpus/gcp_load_balancer", without(network.PROXIES[0], "sslPolicy")),
}
