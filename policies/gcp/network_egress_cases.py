"""Cases of the rules on what leaves networks on Google Cloud."""

from typing import Any

from policies.cases import Cases, made
from policies.gcp import network_egress
from policies.gcp.network import FIREWALL
from policies.resources import Resource

NETWORK = made(network_egress.NETWORK, "training", {"autoCreateSubnetworks": False})
CLOSED = made(network_egress.NETWORK, "gpus", {"deleteDefaultRoutesOnCreate": True})
RDMA = made(network_egress.NETWORK, "rdma", {"networkProfile": "projects/p/global/networkProfiles/z-vpc-roce"})
EVERYTHING = [{"protocol": "all"}]
WEB = [{"protocol": "tcp", "ports": ["443"]}]


def outward(name: str = "out", of: Resource = NETWORK, **properties: Any) -> Resource:
    """A firewall for what leaves a network."""
    return made(FIREWALL, name, {"direction": "EGRESS", **properties}, refers={"network": of})


def route(of: Resource, destination: str = "0.0.0.0/0") -> Resource:
    """A route of a network to the internet."""
    return made(network_egress.ROUTE, "internet", {"destRange": destination}, refers={"network": of})


CASES = (
    Cases(
        network_egress.firewall_egress_by_port,
        passing=[
            outward(allows=WEB, destinationRanges=["0.0.0.0/0"]),
            outward(allows=EVERYTHING, destinationRanges=["10.0.0.0/16"]),
            outward(denies=EVERYTHING, destinationRanges=["0.0.0.0/0"]),
            outward(allows=EVERYTHING, disabled=True),
            outward(allows=[{"protocol": "icmp"}]),
            made(FIREWALL, "in", {"allows": EVERYTHING, "sourceRanges": ["10.0.0.0/16"]}),
        ],
        failing=[
            (
                outward(allows=EVERYTHING, destinationRanges=["0.0.0.0/0"]),
                "It lets everything out to the whole internet",
            ),
            (outward(allows=EVERYTHING), "everything out"),
            (
                outward(allows=EVERYTHING, destinationRanges=[f"{each}.0.0.0/8" for each in range(128)]),
                "everything out",
            ),
            (
                outward(allows=[{"protocol": "tcp"}], destinationRanges=["::/0"]),
                "It lets tcp out to the whole internet",
            ),
            (
                outward(allows=[*WEB, {"protocol": "udp", "ports": ["0-65535"]}]),
                "lets udp out to the whole internet by",
            ),
        ],
    ),
    Cases(
        network_egress.network_egress_denied,
        passing=[
            [NETWORK, outward(denies=EVERYTHING, destinationRanges=["0.0.0.0/0"]), outward("web", allows=WEB)],
            [NETWORK, outward(denies=EVERYTHING)],
            [CLOSED],
            [CLOSED, route(NETWORK), outward("other", denies=EVERYTHING)],
            [CLOSED, route(CLOSED, "10.8.0.0/16")],
            [RDMA],
        ],
        failing=[
            ([NETWORK], "No firewall denies what none allows to leave the network."),
            ([NETWORK, outward(of=CLOSED, denies=EVERYTHING)], "No firewall denies"),
            ([NETWORK, outward(denies=[{"protocol": "tcp"}])], "No firewall denies"),
            ([NETWORK, outward(denies=EVERYTHING, destinationRanges=["10.0.0.0/8"])], "No firewall denies"),
            ([NETWORK, outward(denies=EVERYTHING, disabled=True)], "No firewall denies"),
            ([CLOSED, route(CLOSED)], "No firewall denies"),
        ],
    ),
)
