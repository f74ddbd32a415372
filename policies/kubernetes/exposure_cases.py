"""Cases of the rules for the ways into a cluster."""

from typing import Any

from policies.cases import Cases, made
from policies.kubernetes import exposure
from policies.kubernetes.exposure import GATEWAYS, HTTP_ROUTES, INGRESSES
from policies.kubernetes.manifests import SERVICE
from policies.resources import Resource

_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_AWS = "service.beta.kubernetes.io/aws-load-balancer"
HTTPS = {"name": "https", "protocol": "HTTPS", "port": 443}
HTTP = {"name": "http", "protocol": "HTTP", "port": 80}
REDIRECT = {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}]}
FORWARD = {"backendRefs": [{"name": "server", "port": 80}]}


def _service(type_: str | None = "LoadBalancer", annotations: dict[str, str] | None = None, **spec: Any) -> Resource:
    metadata = {"name": "front", "namespace": "vision", "annotations": annotations or {}}
    return made(SERVICE, "front", {"metadata": metadata, "spec": {"type": type_, "ports": [{"port": 443}], **spec}})


def _ingress(*hosts: str, tls: Any = None, annotations: dict[str, str] | None = None) -> Resource:
    spec = {"rules": [{"host": host} for host in hosts], **({"tls": tls} if tls else {})}
    metadata = {"name": "front", "namespace": "vision", "annotations": annotations or {}}
    return made(INGRESSES[0], "front", {"metadata": metadata, "spec": spec})


def _gateway(*listeners: dict[str, Any]) -> Resource:
    return made(GATEWAYS[0], "front", {"metadata": {"name": "front"}, "spec": {"listeners": list(listeners)}})


def _route(*rules: dict[str, Any], **parent: str) -> Resource:
    return made(HTTP_ROUTES[0], "route", {"spec": {"parentRefs": [{"name": "front", **parent}], "rules": list(rules)}})


_TLS = [{"hosts": ["models.example.com"], "secretName": "certificate"}]

CASES = (
    Cases(
        exposure.service_no_node_port,
        passing=[_service(), _service(None), _service("ClusterIP")],
        failing=[(_service("NodePort"), "It is of type NodePort.")],
    ),
    Cases(
        exposure.service_internal_load_balancer,
        passing=[
            _service("ClusterIP"),
            _service(loadBalancerSourceRanges=["10.0.0.0/8"]),
            _service(annotations={f"{_AWS}-scheme": "internal"}),
            _service(annotations={f"{_AWS}-internal": "true"}),
            _service(annotations={"networking.gke.io/load-balancer-type": "Internal"}),
            _service(annotations={"service.beta.kubernetes.io/load-balancer-source-ranges": "10.0.0.0/8, 10.1.0.0/16"}),
            _service(loadBalancerClass="service.k8s.aws/nlb"),
            _service(annotations={f"{_AWS}-type": "external"}),
        ],
        failing=[
            (_service(), "Its load balancer is public and lets in every address."),
            (
                _service(loadBalancerSourceRanges=["10.0.0.0/8", "0.0.0.0/0"]),
                "Its load balancer lets in every address.",
            ),
            (
                _service(loadBalancerSourceRanges=["0.0.0.0/1", "128.0.0.0/1"]),
                "Its load balancer lets in every address.",
            ),
            (_service(annotations={f"{_AWS}-scheme": "internet-facing"}), "is public"),
            (
                _service(annotations={f"{_AWS}-scheme": "internet-facing"}, loadBalancerClass="service.k8s.aws/nlb"),
                "is public",
            ),
        ],
    ),
    Cases(
        exposure.service_no_external_addresses,
        passing=[_service("ClusterIP"), _service("ClusterIP", externalIPs=[])],
        failing=[(_service("ClusterIP", externalIPs=["192.0.2.7"]), "It takes 192.0.2.7 for its own.")],
    ),
    Cases(
        exposure.ingress_tls,
        passing=[
            _ingress("models.example.com", tls=_TLS),
            _ingress("models.example.com", tls=[{"hosts": ["*.example.com"]}]),
            _ingress("models.example.com", tls=[{"secretName": "wildcard"}]),
            _ingress("models.example.com", annotations={"alb.ingress.kubernetes.io/listen-ports": '[{"HTTPS": 443}]'}),
            _ingress("a.example.com", annotations={"networking.gke.io/managed-certificates": "models"}),
            _ingress("a.example.com", annotations={"traefik.ingress.kubernetes.io/router.tls": "true"}),
        ],
        failing=[
            (_ingress("models.example.com"), "It has no TLS."),
            (_ingress(), "It has no TLS."),
            (
                _ingress("a.example.com", annotations={"alb.ingress.kubernetes.io/listen-ports": '[{"HTTP": 80}]'}),
                "It has no TLS.",
            ),
            (_ingress("models.example.com", "other.example.com", tls=_TLS), "It has no TLS for other.example.com."),
        ],
    ),
    Cases(
        exposure.ingress_no_snippets,
        passing=[
            _ingress("a.example.com", annotations={"nginx.ingress.kubernetes.io/proxy-body-size": "8m"}),
            _ingress("a.example.com"),
        ],
        failing=[
            (
                _ingress("a.example.com", annotations={"nginx.ingress.kubernetes.io/server-snippet": "alias /etc/;"}),
                "It has annotation nginx.ingress.kubernetes.io/server-snippet.",
            )
        ],
    ),
    Cases(
        exposure.gateway_tls,
        passing=[
            _gateway(HTTPS),
            [_gateway(HTTPS, HTTP), _route(REDIRECT, sectionName="http"), _route(FORWARD, sectionName="https")],
            _gateway({"name": "passed-on", "protocol": "TLS", "port": 443}),
        ],
        failing=[
            (_gateway(HTTP), "Listener 'http' speaks HTTP without TLS."),
            (_gateway(HTTPS, HTTP), "Listener 'http' speaks HTTP without TLS."),
            ([_gateway(HTTPS, HTTP), _route(REDIRECT, FORWARD, sectionName="http")], "Listener 'http' speaks HTTP"),
            ([_gateway(HTTPS, HTTP), _route(REDIRECT, sectionName="http"), _route(FORWARD)], "speaks HTTP"),
        ],
    ),
)
