"""Rules for which pods of a cluster reach each other: NetworkPolicies.

Source: Kubernetes, "Network Policies". Policies only add up: a pod that none selects is open to everybody.
"""

from collections.abc import Iterator
from typing import Any

from policies.addresses import is_whole_internet
from policies.kubernetes.manifests import NAMESPACE, candidates_in, is_in
from policies.resources import Resource, Stack
from policies.rules import related_rule, resource_rule
from policies.values import any_holds, as_list, get, known

NETWORK_POLICIES = (
    "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "kubernetes:extensions/v1beta1:NetworkPolicy",
)
_LAST_PORT = 65535
_WAYS = {"Ingress": "let into", "Egress": "let out of"}


@related_rule(
    NAMESPACE,
    id="kubernetes-namespace-default-deny",
    title="In every namespace, pods are reached by and reach only what a policy allows.",
    severity="high",
    frameworks=("CKV2_K8S_6", "CIS Kubernetes 1.8.0 5.3.2", "NIST SC-7"),
    wrong="Every pod of the cluster can then call these, and these can send data anywhere.",
    mend="put a NetworkPolicy into the namespace with an empty podSelector, and Ingress and Egress in policyTypes.",
)
def namespace_default_deny(namespace: Resource, stack: Stack) -> Iterator[str]:
    """The policy may allow something itself; what counts is that it selects every pod."""
    policies = [policy for type_ in NETWORK_POLICIES for policy in candidates_in(stack, type_, namespace)]

    def is_held(way: str) -> bool:
        return any_holds(lambda policy: is_in(policy, namespace) and _holds_all_pods(policy, way), policies)

    for way, told in _WAYS.items():
        with namespace.apart():
            if not is_held(way):
                yield f"No policy of all pods says what is {told} it ({way})."


@resource_rule(
    *NETWORK_POLICIES,
    id="kubernetes-network-policy-not-open",
    title="What a NetworkPolicy allows is not everything.",
    severity="high",
    frameworks=("CIS Kubernetes 1.8.0 5.3.2", "NIST AC-4", "NIST SC-7"),
    wrong="The policy then undoes what the others of the namespace refuse.",
    mend="name in each rule who may call (`from`, `to`) or which ports.",
)
def network_policy_not_open(policy: Resource) -> Iterator[str]:
    """A rule without peers is for everybody, and one without ports, or with a protocol alone, for all of them."""
    for way, peers in (("ingress", "from"), ("egress", "to")):
        with policy.apart():
            for rule in as_list(policy.get("spec", way)):
                with policy.apart():
                    for wide in open_peers(rule, peers):
                        yield f"Its {way} allows {wide} on all ports."


def open_peers(rule: Any, peers: str) -> Iterator[str]:
    """What a rule without ports allows that is everything. Raises Undecided where that is unknown.

    :param peers: `from` or `to`.
    """
    ports = as_list(get(rule, "ports"))
    if ports and not any_holds(_is_every_port, ports):
        return
    named = as_list(get(rule, peers))
    if not named:
        yield "everything"
    for peer in named:
        cidr = known(get(peer, "ipBlock", "cidr", default=""))
        if is_whole_internet(cidr) and not as_list(get(peer, "ipBlock", "except")):
            yield cidr
        elif peers == "from" and _is_every_pod(peer):
            yield "every pod of the cluster"


def _is_every_port(port: Any) -> bool:
    first = known(get(port, "port"))
    last = known(get(port, "endPort"))
    return first is None or (isinstance(first, int | float) and first <= 1 and (last or 0) >= _LAST_PORT)


def _is_every_pod(peer: Any) -> bool:
    selector = known(get(peer, "namespaceSelector"))
    return selector is not None and _selects_all(selector) and _selects_all(get(peer, "podSelector", default={}))


def _holds_all_pods(policy: Resource, way: str) -> bool:
    if not _selects_all(policy.get("spec", "podSelector", default={})):
        return False
    types = as_list(policy.get("spec", "policyTypes"))
    if types:
        return any_holds(lambda each: bool(known(each) == way), types)
    # An empty list of ways out is not one: it is no policy on ways out at all.
    return way == "Ingress" or len(as_list(policy.get("spec", "egress"))) > 0


def _selects_all(selector: Any) -> bool:
    return not known(get(selector, "matchLabels")) and not as_list(get(selector, "matchExpressions"))


RULES = (namespace_default_deny, network_policy_not_open)
