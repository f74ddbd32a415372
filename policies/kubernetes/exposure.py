"""Rules for the ways into a cluster: Services, Ingresses and Gateways."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policies.addresses import is_internet
from policies.kubernetes.manifests import SERVICE, names
from policies.resources import Resource, Stack
from policies.rules import related_rule, resource_rule
from policies.values import all_hold, any_holds, as_list, get, is_true, known

INGRESSES = (
    "kubernetes:networking.k8s.io/v1:Ingress",
    "kubernetes:networking.k8s.io/v1beta1:Ingress",
    "kubernetes:extensions/v1beta1:Ingress",
)
GATEWAYS = tuple(f"kubernetes:gateway.networking.k8s.io/{version}:Gateway" for version in ("v1", "v1beta1"))
HTTP_ROUTES = tuple(f"kubernetes:gateway.networking.k8s.io/{version}:HTTPRoute" for version in ("v1", "v1beta1"))

_AWS = "service.beta.kubernetes.io/aws-load-balancer"
_INTERNAL = {
    f"{_AWS}-scheme": ("internal",),
    f"{_AWS}-internal": ("true", "0.0.0.0/0"),
    "networking.gke.io/load-balancer-type": ("internal",),
    "cloud.google.com/load-balancer-type": ("internal",),
    "service.beta.kubernetes.io/azure-load-balancer-internal": ("true",),
}
_AWS_CONTROLLER_CLASSES = ("service.k8s.aws/nlb", "eks.amazonaws.com/nlb")
_AWS_CONTROLLER_TYPES = ("external", "nlb-ip")
_SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_CERTIFICATES = (
    "alb.ingress.kubernetes.io/certificate-arn",
    "ingress.gcp.kubernetes.io/pre-shared-cert",
    "networking.gke.io/managed-certificates",
)
_TRAEFIK_TLS = "traefik.ingress.kubernetes.io/router.tls"
_ALB_PORTS = "alb.ingress.kubernetes.io/listen-ports"
_NGINX = "nginx.ingress.kubernetes.io/"


@resource_rule(
    SERVICE,
    id="kubernetes-service-no-node-port",
    title="No Service opens a port on every node.",
    severity="medium",
    frameworks=("NIST SC-7",),
    wrong="Whoever reaches any node then reaches the pods, past the load balancer and its TLS.",
    mend="use type ClusterIP, and an Ingress or a Gateway for what comes from outside.",
)
def service_no_node_port(service: Resource) -> Iterator[str]:
    """Load balancers that send to nodes open ports as well, for themselves."""
    if known(service.get("spec", "type")) == "NodePort":
        yield "It is of type NodePort."


@resource_rule(
    SERVICE,
    id="kubernetes-service-internal-load-balancer",
    title="Load balancers are internal, or let in certain addresses only.",
    severity="high",
    frameworks=("NIST AC-4", "NIST SC-7"),
    wrong="The whole internet can then call the pods, without what an Ingress would ask of it first.",
    mend="set the cloud's annotation for an internal load balancer, or loadBalancerSourceRanges.",
)
def service_internal_load_balancer(service: Resource) -> Iterator[str]:
    """By default a load balancer has a public address; those of AWS's own controller have not."""
    if known(service.get("spec", "type")) != "LoadBalancer":
        return
    annotations = known(service.get("metadata", "annotations", default={}))
    ranges = [*as_list(service.get("spec", "loadBalancerSourceRanges")), *_ranges_of(annotations)]
    if is_internet(ranges):
        yield "Its load balancer lets in every address."
    elif not ranges and not _is_internal(annotations, known(service.get("spec", "loadBalancerClass"))):
        yield "Its load balancer is public and lets in every address."


@resource_rule(
    SERVICE,
    id="kubernetes-service-no-external-addresses",
    title="No Service takes addresses for its own that are not the cluster's.",
    severity="high",
    frameworks=("NIST SC-7", "CVE-2020-8554"),
    wrong="Packets that pods send to such an address come to this Service in its place, passwords among them.",
    mend="leave out externalIPs.",
)
def service_no_external_addresses(service: Resource) -> Iterator[str]:
    """Kubernetes cannot tell whose an address is; its advice is to refuse them all."""
    addresses = as_list(service.get("spec", "externalIPs"))
    if addresses:
        yield f"It takes {', '.join(str(address) for address in addresses)} for its own."


@resource_rule(
    *INGRESSES,
    id="kubernetes-ingress-tls",
    title="Ingresses speak TLS, for each of their hosts.",
    severity="high",
    frameworks=("NIST SC-8", "NIST SC-23"),
    wrong="Whoever is on the way can read and change what clients and servers say, tokens among it.",
    mend="add spec.tls with a Secret that holds the certificate, and the host among its hosts.",
)
def ingress_tls(ingress: Resource) -> Iterator[str]:
    """Some controllers have annotations for certificates; an entry without hosts is for all."""
    entries = as_list(ingress.get("spec", "tls"))
    if not entries:
        if not _has_certificate(known(ingress.get("metadata", "annotations", default={}))):
            yield "It has no TLS."
        return
    of_entries = [as_list(get(entry, "hosts")) for entry in entries]
    if not all(of_entries):
        return
    covered = [host for hosts in of_entries for host in hosts]
    for rule in as_list(ingress.get("spec", "rules")):
        with ingress.apart():
            host = known(get(rule, "host", default=""))
            if host and not _is_covered(host, covered):
                yield f"It has no TLS for {host}."


@resource_rule(
    *INGRESSES,
    id="kubernetes-ingress-no-snippets",
    title="Ingresses bring no configuration of nginx's own.",
    severity="high",
    frameworks=("CKV_K8S_152", "CKV_K8S_153", "CKV_K8S_154", "CVE-2021-25742", "NIST CM-7"),
    wrong="A snippet runs in the controller, which can read the secrets of all namespaces.",
    mend="use the controller's other annotations.",
)
def ingress_no_snippets(ingress: Resource) -> Iterator[str]:
    """Those of ingress-nginx, by the name of the annotation."""
    for key, value in known(ingress.get("metadata", "annotations", default={})).items():
        if key.startswith(_NGINX) and key.endswith("-snippet"):
            with ingress.apart():
                if known(value):
                    yield f"It has annotation {key}."


@related_rule(
    *GATEWAYS,
    id="kubernetes-gateway-tls",
    title="Gateways speak TLS; what they answer without it is the way to the address with TLS.",
    severity="high",
    frameworks=("NIST SC-8", "NIST SC-23"),
    wrong="Whoever is on the way can read and change what clients and servers say, tokens among it.",
    mend="use listeners of protocol HTTPS, and on port 80 a route that only redirects (RequestRedirect).",
)
def gateway_tls(gateway: Resource, stack: Stack) -> Iterator[str]:
    """A route without sectionName is attached to every listener. Source: Gateway API, "HTTP redirects"."""
    for listener in as_list(gateway.get("spec", "listeners")):
        with gateway.apart():
            if known(get(listener, "protocol")) != "HTTP":
                continue
            routes = [route for route in stack.of(*HTTP_ROUTES) if _is_attached(route, gateway, listener)]
            if not routes or not all_hold(_only_redirects, routes):
                yield f"Listener '{get(listener, 'name', default='')}' speaks HTTP without TLS."


def _is_covered(host: str, by: Sequence[Any]) -> bool:
    wildcard = f"*.{host.partition('.')[2]}"
    return any_holds(lambda each: known(each) in (host, wildcard), by)


def _ranges_of(annotations: Mapping[str, Any]) -> list[str]:
    written = str(known(annotations.get(_SOURCE_RANGES)) or "")
    return [each.strip() for each in written.split(",") if each.strip()]


def _is_internal(annotations: Mapping[str, Any], class_: Any) -> bool:
    for key, values in _INTERNAL.items():
        if str(known(annotations.get(key)) or "").lower() in values:
            return True
    of_controller = class_ in _AWS_CONTROLLER_CLASSES
    of_controller = of_controller or known(annotations.get(f"{_AWS}-type")) in _AWS_CONTROLLER_TYPES
    return of_controller and known(annotations.get(f"{_AWS}-scheme")) is None


def _has_certificate(annotations: Mapping[str, Any]) -> bool:
    if any_holds(lambda key: bool(known(annotations.get(key))), _CERTIFICATES):
        return True
    if is_true(annotations.get(_TRAEFIK_TLS)):
        return True
    return "HTTPS" in str(known(annotations.get(_ALB_PORTS)) or "")


def _is_attached(route: Resource, gateway: Resource, listener: Any) -> bool:
    def names_listener(parent: Any) -> bool:
        section = known(get(parent, "sectionName"))
        return section in (None, known(get(listener, "name"))) and names(route, "spec", get(parent, "name"), gateway)

    return any_holds(names_listener, as_list(route.get("spec", "parentRefs")))


def _only_redirects(route: Resource) -> bool:
    def redirects(rule: Any) -> bool:
        return any_holds(
            lambda each: bool(known(get(each, "requestRedirect", "scheme")) == "https"), as_list(get(rule, "filters"))
        )

    rules = as_list(route.get("spec", "rules"))
    return bool(rules) and all_hold(redirects, rules)


RULES = (
    service_no_node_port,
    service_internal_load_balancer,
    service_no_external_addresses,
    ingress_tls,
    ingress_no_snippets,
    gateway_tls,
)
