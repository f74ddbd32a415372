"""Finds load balancers, which services in a cluster make and no stack knows of, part by part, and addresses.

What Google calls a load balancer is a chain: a forwarding rule sends to a proxy, a proxy to a map of URLs, a map to
backend services, those to groups of endpoints or machines; or the rule sends to a backend service or a pool of targets
at once. One of them is in the stack's network, or names its machines; the others are known by what sends to what.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lifecycle.teardown.finding import Found
from lifecycle.teardown.gcp.commands import place
from lifecycle.teardown.gcp.found import Finder, Search, Stage, labels_of, name_of, path_of
from lifecycle.teardown.gcp.ownership import mark_of, network_mark, resource_names
from lifecycle.teardown.subject import Subject

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


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a load balancer of the stack."""

    link: _Link
    resource: dict[str, Any]
    why: str


def find_load_balancers(search: Search) -> Iterator[Found]:
    """Forwarding rules, target proxies, maps of URLs, backend services and target pools. Raises GoogleError."""
    for part in _parts(search).values():
        name, where = part.resource["name"], place(part.resource["selfLink"])
        line = search.line(f"compute {part.link.words} delete {{name}} {where}", name=name)
        yield search.left(part.link.stage, part.link.kind, name, f"{part.why}{_service(part.resource)}", line)


def _parts(search: Search) -> dict[str, _Part]:
    """The parts of the stack's load balancers, by path. Raises GoogleError."""
    all_parts = {
        path_of(each["selfLink"]): (link, each) for link in _CHAIN for each in search.calls.everywhere(link.path)
    }
    ends = {path_of(each["selfLink"]) for _, _, each, _ in _ends(search)} | _machines(search)
    links = {path: {path_of(link) for link in _links(each)} for path, (_, each) in all_parts.items()}
    own: dict[str, str] = {}
    for path, (_, each) in all_parts.items():
        why = mark_of(search.subject, labels_of(each)) or network_mark(search, each)
        reached = next((link for link in links[path] if link in ends or _is_node(search.subject, link)), "")
        if why or reached:
            own[path] = why or f"it sends to {name_of(reached)}"
    waiting = list(own)
    while waiting:
        path = waiting.pop()
        others = {other: f"it sends to {name_of(path)}" for other in all_parts if path in links[other]}
        others |= {other: f"{name_of(path)} sends to it" for other in links[path] if other in all_parts}
        for other, why in others.items():
            # What has another stack's labels is that stack's, whatever it sends to.
            if other not in own and "stack" not in labels_of(all_parts[other][1]):
                own[other] = why
                waiting.append(other)
    return {path: _Part(*all_parts[path], why) for path, why in own.items()}


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


def _machines(search: Search) -> set[str]:
    """The machines of the stack that are there. Raises GoogleError."""
    instances = search.calls.everywhere("instances")
    return {path_of(each["selfLink"]) for each in instances if mark_of(search.subject, labels_of(each))}


def _is_node(subject: Subject, link: str) -> bool:
    """Whether a machine is called as GKE calls nodes of the stack's pools: gke-CLUSTER-POOL-, then two ends by chance.

    A pool of targets goes on naming them when they are gone. Names that GKE had to cut are not known.
    """
    return "/instances/" in link and any(
        re.fullmatch(rf"gke-{re.escape(f'{subject.cluster_name}-{pool}')}-[0-9a-f]{{8}}-[0-9a-z]{{4}}", name_of(link))
        for pool in (*subject.pools, "default-pool")
    )


def _service(resource: Mapping[str, Any]) -> str:
    """Whose it was in Kubernetes, as its description tells. Source: Kubernetes' cloud provider for GCP."""
    found = re.search(r'"kubernetes\.io/service-name":\s*"([\w./-]+)"', str(resource.get("description") or ""))
    return f", service {found[1]}" if found else ""


def find_groups(search: Search) -> Iterator[Found]:
    """Groups of endpoints, and groups of machines that nobody manages. Raises GoogleError."""
    for kind, words, each, why in _ends(search):
        line = search.line(f"compute {words} delete {{name}} {place(each['selfLink'])}", name=each["name"])
        yield search.left(Stage.ENDPOINTS, kind, each["name"], why, line)


def _ends(search: Search) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    for each in search.calls.everywhere("networkEndpointGroups"):
        if why := network_mark(search, each):
            yield "network endpoint group", "network-endpoint-groups", each, why
    managed = {path_of(each["instanceGroup"]) for each in search.calls.everywhere("instanceGroupManagers")}
    for each in search.calls.everywhere("instanceGroups"):
        if (why := network_mark(search, each)) and path_of(each["selfLink"]) not in managed:
            yield "instance group", "instance-groups unmanaged", each, why


def find_checks(search: Search) -> Iterator[Found]:
    """Health checks that only backends of the stack ask for. Raises GoogleError."""
    own = _parts(search)
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
    own = _parts(search)
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
    using = _parts(search).keys() | _machines(search)
    for each in search.calls.everywhere("addresses"):
        why = mark_of(search.subject, labels_of(each)) or network_mark(search, each)
        if user := next((link for link in each.get("users") or () if path_of(link) in using), ""):
            why = why or f"{name_of(user)} uses it"
        if not why and each["name"] in names:
            why = "its name"
        # What Google reserved for NAT by itself goes with the router.
        if why and each.get("purpose") != "NAT_AUTO":
            line = search.line(f"compute addresses delete {{name}} {place(each['selfLink'])}", name=each["name"])
            yield search.left(Stage.ADDRESSES, "address", f"{each['name']} ({each.get('address', '')})", why, line)


FINDERS = (
    Finder("service attachments", find_attachments),
    Finder("load balancers", find_load_balancers),
    Finder("groups of endpoints and of machines", find_groups),
    Finder("health checks", find_checks),
    Finder("addresses", find_addresses),
)
