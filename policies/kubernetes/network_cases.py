"""Cases of the rules for NetworkPolicies."""

from typing import Any

from policies.cases import UNKNOWN, Cases, made
from policies.kubernetes import network
from policies.kubernetes.manifests import NAMESPACE
from policies.kubernetes.network import NETWORK_POLICIES
from policies.kubernetes.sample_workloads import metadata
from policies.resources import Resource

SPACE = made(NAMESPACE, "vision", {"metadata": {"name": "vision"}})
BOTH = ["Ingress", "Egress"]
_AUTO_NAMED = made(NAMESPACE, "auto", {"metadata": {}})


def policy(namespace: Any = "vision", name: str = "policy", **spec: Any) -> Resource:
    """A policy of all pods of a namespace."""
    return made(NETWORK_POLICIES[0], name, {"metadata": metadata(name, namespace), "spec": {"podSelector": {}, **spec}})


CASES = (
    Cases(
        network.namespace_default_deny,
        passing=[
            [SPACE, policy(policyTypes=BOTH)],
            [SPACE, policy(policyTypes=["Ingress"]), policy(name="out", policyTypes=["Egress"])],
            [SPACE, policy(egress=[{"ports": [{"port": 443}]}])],
            [
                _AUTO_NAMED,
                made(
                    NETWORK_POLICIES[0],
                    "deny",
                    {"metadata": {"namespace": UNKNOWN}, "spec": {"podSelector": {}, "policyTypes": BOTH}},
                    refers={"metadata": _AUTO_NAMED},
                ),
            ],
        ],
        failing=[
            (SPACE, "No policy of all pods says what is let into it (Ingress)."),
            ([SPACE, policy(policyTypes=["Ingress"])], "No policy of all pods says what is let out of it (Egress)."),
            ([SPACE, policy(ingress=[], egress=[])], "No policy of all pods says what is let out of it (Egress)."),
            ([SPACE, policy("other", policyTypes=BOTH)], "let into it (Ingress)."),
            ([SPACE, policy(policyTypes=BOTH, podSelector={"matchLabels": {"app": "server"}})], "let into it"),
            ([_AUTO_NAMED, policy(policyTypes=BOTH)], "let into it (Ingress)."),
        ],
    ),
    Cases(
        network.network_policy_not_open,
        passing=[
            policy(policyTypes=BOTH),
            policy(ingress=[{"from": [{"podSelector": {}}]}]),
            policy(ingress=[{"ports": [{"port": 8443}]}]),
            policy(ingress=[{"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "front"}}}]}]),
            policy(egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}]),
            policy(egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443}]}]),
            policy(egress=[{"to": [{"namespaceSelector": {}}]}]),
            policy(egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]),
            policy(ingress=[{"ports": [{"port": "https", "protocol": "TCP"}, {"port": 2, "endPort": 65535}]}]),
        ],
        failing=[
            (policy(ingress=[{}]), "Its ingress allows everything on all ports."),
            (policy(egress=[{}]), "Its egress allows everything on all ports."),
            (policy(ingress=[{"ports": [{"protocol": "TCP"}]}]), "Its ingress allows everything on all ports."),
            (policy(ingress=[{"ports": [{"port": 1, "endPort": 65535}]}]), "Its ingress allows everything on all"),
            (
                policy(egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/1"}}, {"ipBlock": {"cidr": "128.0.0.0/1"}}]}]),
                "Its egress allows 128.0.0.0/1 on all ports.",
            ),
            (policy(ingress=[{"from": []}]), "Its ingress allows everything on all ports."),
            (policy(ingress=[{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]), "allows 0.0.0.0/0 on all ports."),
            (policy(egress=[{"to": [{"ipBlock": {"cidr": "::/0"}}]}]), "Its egress allows ::/0 on all ports."),
            (
                policy(ingress=[{"ports": [{"port": 80}]}, {"from": [{"namespaceSelector": {}}]}]),
                "Its ingress allows every pod of the cluster on all ports.",
            ),
        ],
    ),
)
