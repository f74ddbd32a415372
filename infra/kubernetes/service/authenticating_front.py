"""Envoy in front of the server: its whole configuration, told once and fixed for the life of a pod.

Three listeners on the pod's address, for clients, for the kubelet and for Prometheus; the server itself listens on
loopback. A client's connection lasts `CONNECTION_SECONDS` and is then given up politely (`Connection: close`, GOAWAY),
so that connections spread over new pods and have left a pod before its server ends. What is more than a pod takes on
is refused with 503 and `Retry-After`.

Sources: Envoy, "Configuring Envoy as an edge proxy", "Access log configuration", "Overload manager", "Circuit
breaking", "How do I configure timeouts?".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.kubernetes.service.addresses import FRONT_FILES, PORTS, FrontFiles, Ports
from infra.kubernetes.service.authentication import (
    Clients,
    authentication_filters,
    keys_cluster,
    transport_socket,
)
from infra.kubernetes.service.front_routes import (
    ADMIN_CLUSTER,
    FRONT_METRICS_PATH,
    GRPC_CLUSTER,
    HTTP_CLUSTER,
    SERVER_METRICS_CLUSTER,
    client_routes,
    health_routes,
    metrics_routes,
)
from infra.service_settings import LimitSettings

CONNECTION_SECONDS = 15
"""Seconds that a client's connection lasts."""
IDLE_SECONDS = 10
"""Seconds without a request after which it is closed."""
GOODBYE_SECONDS = 5
"""Seconds from the announcement that an HTTP/2 connection ends to its taking no more requests."""
LOOPBACK = "127.0.0.1"
ANYWHERE = "0.0.0.0"  # noqa: S104  # a pod's own address is not known before it is there

_EXTENSIONS = "type.googleapis.com/envoy.extensions"
_BUFFER_BYTES = 1 << 20
_STREAM_WINDOW_BYTES = 256 << 10
_FIXED_CONNECTIONS = 32
"""Connections of the kubelet and of Prometheus."""


@dataclass(frozen=True, kw_only=True)
class Front:
    """What the front is made from."""

    clients: Clients
    limits: LimitSettings
    readiness_path: str
    liveness_path: str
    memory_mib: int
    """Memory of its container."""
    behind_proxy: bool
    """Whether requests come through a gateway or an Ingress, which tells the client's address."""
    ports: Ports = PORTS
    files: FrontFiles = FRONT_FILES
    connection_seconds: float = CONNECTION_SECONDS
    idle_seconds: float = IDLE_SECONDS
    goodbye_seconds: float = GOODBYE_SECONDS


def bootstrap(front: Front) -> dict[str, Any]:
    """Envoy's bootstrap, to be written as YAML."""
    ports, limits = front.ports, front.limits
    health = health_routes(readiness_path=front.readiness_path, liveness_path=front.liveness_path)
    clusters = [
        _local_cluster(HTTP_CLUSTER, ports.http, limits.concurrent_requests),
        _local_cluster(GRPC_CLUSTER, ports.grpc, limits.concurrent_requests, http2=True),
        _local_cluster(SERVER_METRICS_CLUSTER, ports.server_metrics, _FIXED_CONNECTIONS),
        _local_cluster(ADMIN_CLUSTER, ports.admin, _FIXED_CONNECTIONS),
    ]
    if front.clients.settings.mechanism == "jwt":
        clusters.append(keys_cluster(front.clients, front.files))
    return {
        # Files of certificates are read by the way of a control plane, which wants to know who asks.
        "node": {"id": "front", "cluster": "front"},
        "admin": {
            "address": _address(LOOPBACK, ports.admin),
            # Not its configuration, nor the ways to end it, for whatever else runs in the pod.
            "allow_paths": [{"exact": FRONT_METRICS_PATH}],
        },
        "static_resources": {
            "listeners": [
                _client_listener(front),
                _internal_listener("health", ports.health, health),
                _internal_listener("metrics", ports.metrics, metrics_routes()),
            ],
            "clusters": clusters,
        },
        "overload_manager": _overload_manager(front),
    }


def _client_listener(front: Front) -> dict[str, Any]:
    limits = front.limits
    largest = round(limits.request_mib * (1 << 20))
    manager = {
        **_manager("clients", client_routes(limits.timeout_seconds)),
        "access_log": [_access_log(front.clients.settings.mechanism)],
        "codec_type": "AUTO",
        # The route is told once the request is known to be allowed, so that nobody else learns what there is.
        "http_filters": [
            *authentication_filters(front.clients),
            _filter("body_size_limit", "http.body_size_limit.v3.BodySizeLimit", {"max_request_bytes": largest}),
            _router(),
        ],
        "common_http_protocol_options": {
            "idle_timeout": f"{front.idle_seconds}s",
            "max_connection_duration": f"{front.connection_seconds}s",
            "headers_with_underscores_action": "DROP_HEADER",
        },
        "http1_safe_max_connection_duration": True,
        "drain_timeout": f"{front.goodbye_seconds}s",
        "http2_protocol_options": {
            "max_concurrent_streams": limits.concurrent_requests,
            "initial_stream_window_size": _STREAM_WINDOW_BYTES,
            "initial_connection_window_size": _BUFFER_BYTES,
        },
        "request_headers_timeout": "5s",
        "request_timeout": f"{limits.timeout_seconds}s",
        "stream_idle_timeout": f"{limits.timeout_seconds + 5}s",
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "use_remote_address": True,
        "xff_num_trusted_hops": 1 if front.behind_proxy else 0,
        "local_reply_config": _try_again_later(),
    }
    return {
        "name": "clients",
        "address": _address(ANYWHERE, front.ports.clients),
        "per_connection_buffer_limit_bytes": _BUFFER_BYTES,
        "filter_chains": [
            {
                "filters": [_manager_filter(manager)],
                "transport_socket_connect_timeout": "5s",
                **transport_socket(front.clients.settings, front.files),
            }
        ],
    }


def _internal_listener(name: str, port: int, routes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "address": _address(ANYWHERE, port),
        # The kubelet is to get through when clients take all that there is.
        "ignore_global_conn_limit": True,
        "bypass_overload_manager": True,
        "filter_chains": [{"filters": [_manager_filter({**_manager(name, routes), "http_filters": [_router()]})]}],
    }


def _manager(name: str, routes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    host = {"name": name, "domains": ["*"], "routes": list(routes)}
    return {
        "@type": f"{_EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {"name": name, "virtual_hosts": [host]},
    }


def _manager_filter(manager: dict[str, Any]) -> dict[str, Any]:
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}


def _filter(name: str, message: str, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": f"{_EXTENSIONS}.filters.{message}", **content},
    }


def _router() -> dict[str, Any]:
    return _filter("router", "http.router.v3.Router", {})


def _access_log(mechanism: str) -> dict[str, Any]:
    """A line of JSON a request, on the standard output: neither payload nor token, and no query string."""
    who = {
        "jwt": {"subject": "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:sub)%"},
        "mtls": {"uri": "%DOWNSTREAM_PEER_URI_SAN%", "dns": "%DOWNSTREAM_PEER_DNS_SAN%"},
    }
    line = {
        "time": "%START_TIME%",
        "method": "%REQUEST_HEADER(:METHOD)%",
        "path": "%PATH(NQ:PATH)%",
        "protocol": "%PROTOCOL%",
        "route": "%ROUTE_NAME%",
        "status": "%RESPONSE_CODE%",
        "grpc_status": "%GRPC_STATUS(SNAKE_STRING)%",
        "reason": "%RESPONSE_CODE_DETAILS%",
        "milliseconds": "%DURATION%",
        "bytes_received": "%BYTES_RECEIVED%",
        "bytes_sent": "%BYTES_SENT%",
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        **who.get(mechanism, {}),
        "request_id": "%REQUEST_HEADER(X-REQUEST-ID)%",
    }
    return {
        "name": "envoy.access_loggers.stdout",
        "typed_config": {
            "@type": f"{_EXTENSIONS}.access_loggers.stream.v3.StdoutAccessLog",
            "log_format": {"json_format": line},
        },
    }


def _try_again_later() -> dict[str, Any]:
    """Tells when to ask again those who are refused because there is too much to do, or no server yet."""
    flags = {"response_flag_filter": {"flags": ["UO", "UF", "UH", "OM"]}}
    header = {"header": {"key": "retry-after", "value": "1"}}
    return {"mappers": [{"filter": flags, "headers_to_add": [header]}]}


def _local_cluster(name: str, port: int, most: int, *, http2: bool = False) -> dict[str, Any]:
    options = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options" if http2 else "http_protocol_options": {}},
    }
    bounds = {"max_connections": most, "max_pending_requests": most, "max_requests": most, "max_retries": most}
    endpoint = {"endpoint": {"address": _address(LOOPBACK, port)}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "per_connection_buffer_limit_bytes": _BUFFER_BYTES,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "circuit_breakers": {"thresholds": [bounds]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
    }


def _overload_manager(front: Front) -> dict[str, Any]:
    """Bounds connections and memory, so that the front refuses requests rather than be killed with all it has."""
    heap = round(front.memory_mib * (1 << 20) * 0.9)

    def monitor(name: str, message: str, content: dict[str, Any]) -> dict[str, Any]:
        kind = f"{_EXTENSIONS}.resource_monitors.{message}"
        return {"name": f"envoy.resource_monitors.{name}", "typed_config": {"@type": kind, **content}}

    def action(name: str, share: float) -> dict[str, Any]:
        trigger = {"name": "envoy.resource_monitors.fixed_heap", "threshold": {"value": share}}
        return {"name": f"envoy.overload_actions.{name}", "triggers": [trigger]}

    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            monitor("fixed_heap", "fixed_heap.v3.FixedHeapConfig", {"max_heap_size_bytes": heap}),
            monitor(
                "global_downstream_max_connections",
                "downstream_connections.v3.DownstreamConnectionsConfig",
                {"max_active_downstream_connections": front.limits.connections},
            ),
        ],
        "actions": [action("shrink_heap", 0.9), action("stop_accepting_requests", 0.95)],
    }


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
