"""Rules on what leaves networks on Google Cloud, where everything may leave unless a firewall says otherwise."""

from collections.abc import Iterator

from policies.addresses import is_internet, is_whole_internet
from policies.gcp.network import FIREWALL
from policies.resources import Resource, Stack
from policies.rules import related_rule, resource_rule
from policies.values import any_holds, as_list, get, is_true, known

NETWORK = "gcp:compute/network:Network"
ROUTE = "gcp:compute/route:Route"
_EVERY_PORT = ("", "0-65535", "1-65535")
_WITH_PORTS = ("tcp", "6", "udp", "17", "sctp", "132")


@resource_rule(
    FIREWALL,
    id="gcp-firewall-egress-by-port",
    title="Firewalls let traffic to the internet out by named ports only.",
    severity="medium",
    frameworks=("NIST SC-7", "NIST AC-4"),
    wrong="Code that came in by a model or a package sends data out by any protocol, and opens tunnels.",
    mend="name protocol and ports in allows, such as tcp and 443, or ranges inside the network in destinationRanges.",
)
def firewall_egress_by_port(firewall: Resource) -> Iterator[str]:
    """Without destinationRanges, a firewall is for all of them. Source: Compute Engine API, firewalls."""
    if is_true(firewall.get("disabled")) or known(firewall.get("direction", default="INGRESS")) != "EGRESS":
        return
    if not is_internet(as_list(firewall.get("destinationRanges")) or ("0.0.0.0/0",)):
        return
    for entry in as_list(firewall.get("allows")):
        with firewall.apart():
            protocol = str(known(get(entry, "protocol", default="all"))).lower()
            ports = [str(known(port)) for port in as_list(get(entry, "ports"))]
            if protocol == "all":
                yield "It lets everything out to the whole internet."
            elif protocol in _WITH_PORTS and any(port in _EVERY_PORT for port in ports or ("",)):
                yield f"It lets {protocol} out to the whole internet by every port."


@related_rule(
    NETWORK,
    id="gcp-network-egress-denied",
    title="Networks let out only what a firewall allows.",
    severity="medium",
    level="advisory",
    frameworks=("NIST SC-7", "NIST AC-4"),
    wrong="By a rule that every network has and nobody sees, each machine may send anything anywhere.",
    mend="add a Firewall with direction EGRESS, denies of all protocols, destinationRanges 0.0.0.0/0 and a priority"
    " below those that allow, such as 65534; or leave the network without a route to the internet.",
)
def network_egress_denied(network: Resource, stack: Stack) -> Iterator[str]:
    """A network whose default routes are deleted, and that gets none again, has no way out. One with a profile for RDMA
    has neither routes nor such firewalls. Sources: VPC, "Implied rules", "RDMA network profiles"."""
    if network.get("networkProfile") is not None:
        return
    if is_true(network.get("deleteDefaultRoutesOnCreate")) and not any_holds(
        lambda route: _leads_out(route) and route.refers_to(network, "network"), stack.of(ROUTE)
    ):
        return
    if not any_holds(
        lambda firewall: _denies_all(firewall) and firewall.refers_to(network, "network"), stack.of(FIREWALL)
    ):
        yield "No firewall denies what none allows to leave the network."


def _leads_out(route: Resource) -> bool:
    return is_whole_internet(route.get("destRange", default=""))


def _denies_all(firewall: Resource) -> bool:
    if known(firewall.get("direction", default="INGRESS")) != "EGRESS" or is_true(firewall.get("disabled")):
        return False
    ranges = as_list(firewall.get("destinationRanges")) or ("0.0.0.0/0",)
    return any_holds(is_whole_internet, ranges) and any_holds(
        lambda entry: str(known(get(entry, "protocol", default=""))).lower() == "all", as_list(firewall.get("denies"))
    )


RULES = (firewall_egress_by_port, network_egress_denied)
