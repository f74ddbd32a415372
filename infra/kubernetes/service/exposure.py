"""How the service is reached: by its name in the cluster, and from outside through a Gateway of its own or an Ingress.

A gateway takes either kind of route for a host name, not both (Gateway API, GRPCRoute, "hostnames"), so that gRPC has
a name of its own there. An Ingress passes on HTTP; whether gRPC goes through depends on its controller.

Sources: Kubernetes, "Service" (application protocol), "Ingress"; Gateway API reference, v1.
"""

from typing import Any

from infra.cluster import ServiceSpecification
from infra.kubernetes.object import Manifest
from infra.kubernetes.service.addresses import PORTS
from infra.kubernetes.service.front_routes import GRPC_SERVICE
from infra.kubernetes.service.surroundings import ServiceSurroundings, selector_of

GATEWAY_API = "gateway.networking.k8s.io/v1"
HTTPS_PORT = 443
_HTTP_PREFIX = "/v2"
_NOT_AWAITED = {"pulumi.com/skipAwait": "true"}
"""The Deployment has been waited for; and where no pod is wanted yet, none would ever come."""


def port_of(service: ServiceSpecification) -> int:
    """The port of the service's name in the cluster."""
    return HTTPS_PORT if service.authentication.certificate_secret else 80


def endpoints(name: str, service: ServiceSpecification, around: ServiceSurroundings) -> dict[str, str]:
    """`HOST:PORT` of `http`, `grpc` and `metrics`; the last is for Prometheus only."""
    inside = f"{_name_inside(name, around)}:{port_of(service)}"
    metrics = f"{_name_inside(metrics_name(name), around)}:{PORTS.metrics}"
    exposure = service.exposure
    match exposure.kind:
        case "cluster":
            return {"http": inside, "grpc": inside, "metrics": metrics}
        case "ingress":
            outside = f"{exposure.host}:{HTTPS_PORT}"
            return {"http": outside, "grpc": outside, "metrics": metrics}
        case "gateway":
            hosts = {"http": exposure.host, "grpc": exposure.host_of_grpc}
            return {**{kind: f"{host}:{HTTPS_PORT}" for kind, host in hosts.items()}, "metrics": metrics}


def is_encrypted(service: ServiceSpecification) -> bool:
    """Whether clients have to speak TLS to the endpoints."""
    return service.exposure.kind != "cluster" or bool(service.authentication.certificate_secret)


def metrics_name(service: str) -> str:
    """The name in the cluster by which each pod's metrics are found."""
    return f"{service}-metrics"


def services(name: str, service: ServiceSpecification, around: ServiceSurroundings) -> list[Manifest]:
    """The service's name in the cluster, and that of its pods' metrics."""
    # By this a gateway knows to speak HTTP/2, which gRPC needs.
    protocol = "https" if service.authentication.certificate_secret else "kubernetes.io/h2c"
    clients = {"name": "clients", "port": port_of(service), "targetPort": "clients", "appProtocol": protocol}
    metrics = {"name": "metrics", "port": PORTS.metrics, "targetPort": "metrics"}
    selector = {"selector": selector_of(name)}
    specs: list[tuple[str, dict[str, Any]]] = [
        (name, {"type": "ClusterIP", **selector, "ports": [clients]}),
        (metrics_name(name), {"clusterIP": "None", **selector, "ports": [metrics]}),
    ]
    return [
        around.manifest("v1", "Service", each, {"spec": spec}, service=name, annotations=_NOT_AWAITED)
        for each, spec in specs
    ]


def outside(name: str, service: ServiceSpecification, around: ServiceSurroundings) -> list[Manifest]:
    """What passes requests on from outside the cluster; nothing where it is reached inside only."""
    match service.exposure.kind:
        case "cluster":
            return []
        case "gateway":
            return [
                _gateway(name, service, around),
                *([_backend_tls(name, service, around)] if service.authentication.certificate_secret else []),
                _http_route(name, service, around),
                _grpc_route(name, service, around),
            ]
        case "ingress":
            return [_ingress(name, service, around)]


def _gateway(name: str, service: ServiceSpecification, around: ServiceSurroundings) -> Manifest:
    exposure = service.exposure

    def listener(listener_name: str, host: str, kind: str) -> dict[str, Any]:
        certificate = {"kind": "Secret", "name": exposure.certificate_secret}
        return {
            "name": listener_name,
            "hostname": host,
            "port": HTTPS_PORT,
            "protocol": "HTTPS",
            "tls": {"mode": "Terminate", "certificateRefs": [certificate]},
            "allowedRoutes": {"namespaces": {"from": "Same"}, "kinds": [{"kind": kind}]},
        }

    spec = {
        "gatewayClassName": exposure.class_name or around.gateway_class,
        "listeners": [
            listener("http", exposure.host, "HTTPRoute"),
            listener("grpc", exposure.host_of_grpc, "GRPCRoute"),
        ],
    }
    return around.manifest(GATEWAY_API, "Gateway", name, {"spec": spec}, service=name)


def _backend_tls(name: str, service: ServiceSpecification, around: ServiceSurroundings) -> Manifest:
    """How the gateway speaks TLS to the pods, and knows them."""
    authority = {"group": "", "kind": "Secret", "name": service.authentication.certificate_secret}
    spec = {
        "targetRefs": [{"group": "", "kind": "Service", "name": name}],
        "validation": {"caCertificateRefs": [authority], "hostname": _name_inside(name, around)},
    }
    return around.manifest(GATEWAY_API, "BackendTLSPolicy", name, {"spec": spec}, service=name)


def _http_route(name: str, service: ServiceSpecification, around: ServiceSurroundings) -> Manifest:
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": _HTTP_PREFIX}}],
        "backendRefs": [{"name": name, "port": port_of(service)}],
        # Longer than the front's own limit, so that its answer is the one that is heard.
        "timeouts": {"request": f"{service.limits.timeout_seconds + 5}s"},
    }
    return _route("HTTPRoute", name, "http", service.exposure.host, rule, around)


def _grpc_route(name: str, service: ServiceSpecification, around: ServiceSurroundings) -> Manifest:
    rule = {
        "matches": [{"method": {"service": GRPC_SERVICE.removeprefix("/")}}],
        "backendRefs": [{"name": name, "port": port_of(service)}],
    }
    return _route("GRPCRoute", name, "grpc", service.exposure.host_of_grpc, rule, around)


def _route(
    kind: str, name: str, listener: str, host: str, rule: dict[str, Any], around: ServiceSurroundings
) -> Manifest:
    parent = {"name": name, "sectionName": listener}
    spec = {"parentRefs": [parent], "hostnames": [host], "rules": [rule]}
    return around.manifest(GATEWAY_API, kind, name, {"spec": spec}, service=name)


def _ingress(name: str, service: ServiceSpecification, around: ServiceSurroundings) -> Manifest:
    exposure = service.exposure
    backend = {"service": {"name": name, "port": {"name": "clients"}}}
    paths = [{"path": path, "pathType": "Prefix", "backend": backend} for path in (_HTTP_PREFIX, GRPC_SERVICE)]
    spec = {
        **({"ingressClassName": exposure.class_name} if exposure.class_name else {}),
        "tls": [{"hosts": [exposure.host], "secretName": exposure.certificate_secret}],
        "rules": [{"host": exposure.host, "http": {"paths": paths}}],
    }
    annotations = _NOT_AWAITED if service.scaling.to_zero else None
    return around.manifest(
        "networking.k8s.io/v1", "Ingress", name, {"spec": spec}, service=name, annotations=annotations
    )


def _name_inside(name: str, around: ServiceSurroundings) -> str:
    return f"{name}.{around.namespace}.svc.{around.cluster_domain}"
