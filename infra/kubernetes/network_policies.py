"""Who may talk to whom in a team's namespace: nobody, but for the few paths that a workload needs.

Policies only add up, so what is not listed here or with a workload is refused. Sources: Kubernetes, "Network Policies";
CIS Kubernetes Benchmark 5.3.2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.kubernetes.object import Manifest, namespaced

DNS_NAMESPACE = "kube-system"
DNS_PODS = ("kube-dns", "node-local-dns")
"""Labels of who resolves names: the cluster's resolver, or the cache on a pod's own node, to which GKE's data plane
leads what is asked of the resolver. Source: GKE, "Set up NodeLocal DNSCache" (network policy)."""
LINK_LOCAL = "169.254.0.0/16"
"""Where nodes ask for their own metadata and credentials: no pod's business."""


@dataclass(frozen=True)
class IdentityAgent:
    """Where a pod gets its identity's credentials from, on its own node."""

    cidr: str
    port: int


def default_policies(team: str, agents: Sequence[IdentityAgent], labels: Mapping[str, str]) -> list[Manifest]:
    """The policies of a team's namespace before any workload."""
    return [
        policy(team, "default-deny", {}, labels, ingress=[], egress=[]),
        policy(team, "allow-dns", {}, labels, egress=[_dns()]),
        policy(team, "allow-https", {}, labels, egress=[_https()]),
        *(
            [policy(team, "allow-identity", {}, labels, egress=[_to_agent(agent) for agent in agents])]
            if agents
            else []
        ),
    ]


def peers_policy(team: str, name: str, selector: Mapping[str, str], labels: Mapping[str, str]) -> Manifest:
    """Lets the pods of one job reach each other on every port: collectives choose theirs as they go."""
    peers = [{"podSelector": {"matchLabels": dict(selector)}}]
    return policy(team, name, selector, labels, ingress=[{"from": peers}], egress=[{"to": peers}])


def policy(
    namespace: str,
    name: str,
    selector: Mapping[str, str],
    labels: Mapping[str, str],
    *,
    ingress: list[dict[str, Any]] | None = None,
    egress: list[dict[str, Any]] | None = None,
) -> Manifest:
    """A policy for the pods with the labels of `selector`, or for all. A way that is None is none of its business."""
    ways = {"Ingress": ingress, "Egress": egress}
    rules = {way.lower(): rule for way, rule in ways.items() if rule}
    spec = {
        "podSelector": {"matchLabels": dict(selector)} if selector else {},
        "policyTypes": [way for way, rule in ways.items() if rule is not None],
        **rules,
    }
    return namespaced("networking.k8s.io/v1", "NetworkPolicy", namespace, name, labels, {"spec": spec})


def _dns() -> dict[str, Any]:
    resolver = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": DNS_NAMESPACE}},
        "podSelector": {"matchExpressions": [{"key": "k8s-app", "operator": "In", "values": [*DNS_PODS]}]},
    }
    return {"to": [resolver], "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}


def _https() -> dict[str, Any]:
    """To the cloud's services, by its endpoints or over the internet. Another team's pods refuse it on their side."""
    anywhere = {"ipBlock": {"cidr": "0.0.0.0/0", "except": [LINK_LOCAL]}}
    return {"to": [anywhere], "ports": [{"protocol": "TCP", "port": 443}]}


def _to_agent(agent: IdentityAgent) -> dict[str, Any]:
    return {"to": [{"ipBlock": {"cidr": agent.cidr}}], "ports": [{"protocol": "TCP", "port": agent.port}]}
