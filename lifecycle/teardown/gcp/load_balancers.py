"""Finds load balancers, which services in a cluster make and no stack knows of, part by part, and addresses.

What Google calls a load balancer is a chain: a forwarding rule sends to a proxy, a proxy to a map of URLs, a map to
backend services, those to groups of endpoints or machines; or the rule sends to a backend service or a pool of targets
at once. One of them is in the stack's network, or names its machines; the others are known by what sends to what. A
load balancer may be shared with other applications: of such a one only that is the stack's which serves it alone.
"""

import re
from collections.abc import Container, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from lifecycle.teardown.finding import Found
from lifecycle.teardown.gcp.commands import place
from lifecycle.teardown.gcp.found import Finder, Search, Stage, labels_of, name_of, path_of
from lifecycle.teardown.gcp.node_names import cluster_part
from lifecycle.teardown.gcp.ownership import (
    all_clusters,
    machine_mark,
    mark_of,
    network_mark,
    pool_names,
    resource_names,
)

ADDRESSES = ("google-apis",)
"""The addresses of a stack, as their names say (`infra.gcp.google_apis`)."""


@dataclass(frozen=True, slots=True)
class _Link:
    """A kind of resource that a load balancer is made of."""

    kind: str
    path: str
    """As paths of Compute Engine have it."""
    words: str
    """As gcloud has it."""
    stage: Stage


_CHAIN = (
    _Link("forwarding rule", "forwardingRules", "forwarding-rules", Stage.FORWARDING_RULES),
    _Link("target proxy", "targetHttpProxies", "target-http-proxies", Stage.PROXIES),
    _Link("target proxy", "targetHttpsProxies", "target-https-proxies", Stage.PROXIES),
    _Link("target proxy", "targetTcpProxies", "target-tcp-proxies", Stage.PROXIES),
    _Link("URL map", "urlMaps", "url-maps", Stage.URL_MAPS),
    _Link("backend service", "backendServices", "backend-services", Stage.BACKENDS),
    _Link("target pool", "targetPools", "target-pools", Stage.BACKENDS),
)
_GROUPS = {
    "networkEndpointGroups": ("network endpoint group", "network-endpoint-groups"),
    "instanceGroups": ("instance group", "instance-groups unmanaged"),
}
"""Kinds of groups that load balancers send to, as paths have them: what they are, and as gcloud has them."""
_ANSWERING = (*_GROUPS, "backendBuckets", "backendServices")
"""Kinds of what answers requests, or leads to what does. A service may be in another project. Source: Cloud Load
Balancing, "Cross-project service referencing"."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a load balancer of the stack."""

    link: _Link
    resource: dict[str, Any]
    why: str


@dataclass(frozen=True, slots=True)
class _Chains:
    """The load balancers of the project."""

    own: dict[str, _Part]
    """The parts of the stack's, by path."""
    senders: Mapping[str, set[str]]
    """Which parts, whoever's, send to something, by its path."""

    def others_word(self, path: str) -> str:
        """What of others sends to something, and so keeps it from being deleted; empty: nothing does."""
        others = sorted(self.senders.get(path, set()) - self.own.keys())
        return f"; {name_of(others[0])} sends to it and is not the stack's: take it out there first" if others else ""


def find_load_balancers(search: Search) -> Iterator[Found]:
    """Forwarding rules, target proxies, maps of URLs, backend services and target pools. Raises GoogleError."""
    chains = _chains(search)
    for path, part in chains.own.items():
        name, where = part.resource["name"], place(part.resource["selfLink"])
        line = search.line(f"compute {part.link.words} delete {{name}} {where}", name=name)
        why = f"{part.why}{_service(part.resource)}{chains.others_word(path)}"
        yield search.left(part.link.stage, part.link.kind, name, why, line)


def _chains(search: Search) -> _Chains:
    """The load balancers of the project. Raises GoogleError.

    A part is surely the stack's by labels, by network, or because all of the ends that it sends to are the stack's.
    What hangs together with it is the stack's, too, as far as it does not hang together with something of others': a
    map of URLs that sends to others as well as to the stack is theirs, with the proxies and rules before it.
    """
    parts = {path_of(each["selfLink"]): (link, each) for link in _CHAIN for each in search.calls.everywhere(link.path)}
    links = {path: sorted({path_of(link) for link in _links(each)}) for path, (_, each) in parts.items()}
    senders: dict[str, set[str]] = {}
    for path, some in links.items():
        for link in some:
            senders.setdefault(link, set()).add(path)
    ends = _ends(search)
    surely: dict[str, str] = {}
    starts_of_others: set[str] = set()
    for path, (_, each) in parts.items():
        if why := mark_of(search.subject, labels_of(each)) or network_mark(search, each):
            surely[path] = why
        # What has another stack's labels is that stack's, whatever it sends to.
        elif "stack" in labels_of(each) or any(ends.is_of_others(link, parts) for link in links[path]):
            starts_of_others.add(path)
        elif why := next((why for link in links[path] if (why := ends.why_own(link))), ""):
            surely[path] = why
    free = parts.keys() - surely.keys()
    # Up, and then down: what both send to may be theirs, and what else sends there is not for that.
    before = _together(dict.fromkeys(starts_of_others, ""), {path: [] for path in links}, senders, free)
    others = _together(before, links, {}, free)
    own = _together(surely, links, senders, parts.keys() - others.keys())
    return _Chains({path: _Part(*parts[path], why) for path, why in own.items()}, senders)


def _together(
    starts: Mapping[str, str], links: Mapping[str, list[str]], senders: Mapping[str, set[str]], among: Set[str]
) -> dict[str, str]:
    """What hangs together with some parts, and them; each with the reason. Pure.

    :param among: The parts that may be reached.
    """
    reached = dict(starts)
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        near = {other: f"it sends to {name_of(path)}" for other in sorted(senders.get(path, ()))}
        near |= {other: f"{name_of(path)} sends to it" for other in links[path]}
        for other, why in near.items():
            if other in among and other not in reached:
                reached[other] = why
                waiting.append(other)
    return reached


@dataclass(frozen=True, slots=True)
class _Ends:
    """What load balancers send to at last: groups of endpoints and of machines, and machines."""

    search: Search
    own: frozenset[str]
    """The stack's that are there."""
    empty: frozenset[str]
    """Groups without a machine, which GKE makes without saying in which network."""
    machines: frozenset[str]
    """All machines that are there, whoever's."""

    def is_of_others(self, link: str, parts: Container[str]) -> bool:
        """Whether a link leads to where others' answers come from. Pure.

        :param parts: The parts of the project's load balancers, which lead on.
        """
        kind = link.split("/")[-2]
        if link in self.own or link in self.empty or link in parts:
            return False
        if kind == "instances":
            # One that is gone tells nothing.
            return link in self.machines or not link.startswith(f"projects/{self.search.project}/")
        return kind in _ANSWERING

    def why_own(self, link: str) -> str:
        """Why what sends there is the stack's, in words; empty: it is not. Raises GoogleError."""
        return f"it sends to {name_of(link)}" if link in self.own else _gone_node(self.search, link)


def _ends(search: Search) -> _Ends:
    """Those of the project. Raises GoogleError."""
    groups = (each for kind in _GROUPS for each in search.calls.everywhere(kind))
    own = frozenset(path_of(each["selfLink"]) for each in groups if network_mark(search, each))
    of_machines = search.calls.everywhere("instanceGroups")
    empty = frozenset(path_of(each["selfLink"]) for each in of_machines if not each.get("network"))
    machines = frozenset(path_of(each["selfLink"]) for each in search.calls.everywhere("instances"))
    return _Ends(search, own | _machines(search), empty, machines)


def _links(value: object) -> Iterator[str]:
    """Every link in a resource, however deep, without its own."""
    if isinstance(value, str):
        if "/projects/" in value:
            yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name not in ("selfLink", "selfLinkWithId", "usedBy"):
                yield from _links(each)
    elif isinstance(value, list):
        for each in value:
            yield from _links(each)


def _machines(search: Search) -> frozenset[str]:
    """The machines of the stack that are there. Raises GoogleError."""
    instances = search.calls.everywhere("instances")
    return frozenset(path_of(each["selfLink"]) for each in instances if machine_mark(search, each))


def _gone_node(search: Search, link: str) -> str:
    """Why what sends to a machine that is gone is the stack's, in words; empty: it is not. Raises GoogleError.

    A pool of targets goes on naming nodes that are gone. Where GKE has cut their cluster's name, they are the stack's
    only if there is no other cluster whose nodes would be called the same.
    """
    subject, name = search.subject, name_of(link)
    zone = re.fullmatch(rf"projects/{re.escape(search.project)}/zones/([^/]+)/instances/[^/]+", link)
    if not zone or not subject.holds(zone[1]):
        return ""
    kept = cluster_part(name, subject.cluster_name, pool_names(subject))
    if not kept:
        return ""
    if kept == subject.cluster_name:
        return f"it sends to {name}"
    others = [each for each in all_clusters(search) if each["name"] != subject.cluster_name]
    if any(each["name"].startswith(kept) and subject.holds(each["location"]) for each in others):
        return ""
    return f"it sends to {name}, which is gone, and of whose cluster's name GKE has kept {kept} only"


def _service(resource: Mapping[str, Any]) -> str:
    """Whose it was in Kubernetes, as its description tells. Source: Kubernetes' cloud provider for GCP."""
    found = re.search(r'"kubernetes\.io/service-name":\s*"([\w./-]+)"', str(resource.get("description") or ""))
    return f", service {found[1]}" if found else ""


def find_groups(search: Search) -> Iterator[Found]:
    """Groups of endpoints, and groups of machines that nobody manages. Raises GoogleError."""
    chains = _chains(search)
    managed = {path_of(each["instanceGroup"]) for each in search.calls.everywhere("instanceGroupManagers")}
    for path, (kind, words) in _GROUPS.items():
        for each in search.calls.everywhere(path):
            link = path_of(each["selfLink"])
            if (why := network_mark(search, each)) and link not in managed:
                line = search.line(f"compute {words} delete {{name}} {place(link)}", name=each["name"])
                yield search.left(Stage.ENDPOINTS, kind, each["name"], f"{why}{chains.others_word(link)}", line)


def find_checks(search: Search) -> Iterator[Found]:
    """Health checks that only backends of the stack ask for. Raises GoogleError."""
    own = _chains(search).own
    asking: dict[str, set[str]] = {}
    for link in _CHAIN:
        for each in search.calls.everywhere(link.path):
            for check in each.get("healthChecks") or ():
                asking.setdefault(path_of(check), set()).add(path_of(each["selfLink"]))
    checks = [*search.calls.everywhere("healthChecks"), *search.calls.beyond_regions("httpHealthChecks")]
    for each in checks:
        path = path_of(each["selfLink"])
        users = asking.get(path, set())
        if not users or not users <= own.keys():
            continue
        old = "/httpHealthChecks/" in path
        # Old ones are all beyond regions, and take no option for where they are.
        words = "http-health-checks delete {name}" if old else f"health-checks delete {{name}} {place(path)}"
        why = f"{name_of(min(users))} asks for it"
        yield search.left(
            Stage.CHECKS, "health check", each["name"], why, search.line(f"compute {words}", name=each["name"])
        )


def find_attachments(search: Search) -> Iterator[Found]:
    """Service attachments, by which others reach a load balancer of the stack. Raises GoogleError."""
    own = _chains(search).own
    for each in search.calls.everywhere("serviceAttachments"):
        target = path_of(str(each.get("targetService") or each.get("producerForwardingRule") or ""))
        if target in own:
            where = place(each["selfLink"])
            line = search.line(f"compute service-attachments delete {{name}} {where}", name=each["name"])
            why = f"others reach {name_of(target)} by it"
            yield search.left(Stage.ATTACHMENTS, "service attachment", each["name"], why, line)


def find_addresses(search: Search) -> Iterator[Found]:
    """Addresses that are kept, inside and outside of the network. Raises GoogleError."""
    names = resource_names(search.subject, ADDRESSES)
    using = _chains(search).own.keys() | _machines(search)
    for each in search.calls.everywhere("addresses"):
        why = mark_of(search.subject, labels_of(each)) or network_mark(search, each)
        if user := next((link for link in each.get("users") or () if path_of(link) in using), ""):
            why = why or f"{name_of(user)} uses it"
        if not why and each["name"] in names:
            why = "its name"
        # What Google reserved for NAT by itself goes with the router.
        if why and each.get("purpose") != "NAT_AUTO":
            line = search.line(f"compute addresses delete {{name}} {place(each['selfLink'])}", name=each["name"])
            kind = "internal address" if each.get("addressType") == "INTERNAL" else "address"
            yield search.left(Stage.ADDRESSES, kind, f"{each['name']} ({each.get('address', '')})", why, line)


FINDERS = (
    Finder("service attachments", find_attachments),
    Finder("load balancers", find_load_balancers),
    Finder("groups of endpoints and of machines", find_groups),
    Finder("health checks", find_checks),
    Finder("addresses", find_addresses),
)
