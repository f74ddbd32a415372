"""Envoy in front of the server: its whole configuration, told once and fixed for the life of a pod or a process.

In a pod, three listeners on its address, for clients, for the kubelet and for Prometheus; the server itself listens on
loopback. A client's connection lasts `CONNECTION_SECONDS` and is then given up politely (`Connection: close`, GOAWAY),
so that connections spread over new pods and have left a pod before its server ends. What is more than a pod takes on
is refused with 503 and `Retry-After`. The front's own errors have the form that the server's have, so that a client of
KServe v2 can show them. On one machine the same front has other addresses (`infra.local.front`).

Sources: Envoy, "Configuring Envoy as an edge proxy", "Access log configuration", "Overload manager", "Circuit
breaking", "How do I configure timeouts?", "Local reply modification".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from infra.kubernetes.service.addresses import (
    FRONT_FILES,
    LOOPBACK,
    PORTS,
    Address,
    FrontAddresses,
    FrontFiles,
    Ports,
    pod_addresses,
)
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
SERVER_CONNECTION_SECONDS = 1
"""Seconds that a connection to the server lasts over HTTP: Triton that is to end waits for all of them."""

_EXTENSIONS = "type.googleapis.com/envoy.extensions"
_BUFFER_BYTES = 1 << 20
_STREAM_WINDOW_BYTES = 256 << 10
_FIXED_CONNECTIONS = 32
"""Connections of the kubelet and of Prometheus."""
_THREADS = 2


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
    own_addresses: FrontAddresses | None = None
    """Where it is elsewhere than in a pod; None: where `ports` says."""
    files: FrontFiles = FRONT_FILES
    connection_seconds: float | None = CONNECTION_SECONDS
    """None: as long as the client likes."""
    idle_seconds: float = IDLE_SECONDS
    goodbye_seconds: float = GOODBYE_SECONDS

    @property
    def addresses(self) -> FrontAddresses:
        """Where it listens, and where it finds the server."""
        return self.own_addresses or pod_addresses(self.ports)


def front_memory_gib(limits: LimitSettings) -> float:
    """Memory of the front: what it takes by itself, and a MiB each way for every request that it passes on."""
    return min(128 + 2 * limits.concurrent_requests, 1024) / 1024


def front_arguments(bootstrap: str) -> list[str]:
    """Envoy's command line.

    :param bootstrap: Path of its configuration.
    """
    options = {
        "--config-path": bootstrap,
        "--concurrency": str(_THREADS),
        "--log-level": "warn",
        # Refusals are in the access log; this one would log whole paths, query strings included.
        "--component-log-level": "http:critical",
    }
    return [*(word for option in options.items() for word in option), "--disable-hot-restart"]


def bootstrap(front: Front) -> dict[str, Any]:
    """Envoy's bootstrap, to be written as YAML."""
    addresses, most = front.addresses, front.limits.concurrent_requests
    health = health_routes(readiness_path=front.readiness_path, liveness_path=front.liveness_path)
    clusters = [
        _local_cluster(HTTP_CLUSTER, addresses.http, most, seconds=SERVER_CONNECTION_SECONDS),
        _local_cluster(GRPC_CLUSTER, addresses.grpc, most, http2=True),
        _local_cluster(
            SERVER_METRICS_CLUSTER,
            addresses.server_metrics,
            _FIXED_CONNECTIONS,
            seconds=SERVER_CONNECTION_SECONDS,
        ),
        _local_cluster(ADMIN_CLUSTER, addresses.admin, _FIXED_CONNECTIONS),
    ]
    if front.clients.fetches_keys:
        clusters.append(keys_cluster(front.clients, front.files))
    return {
        # Files of certificates are read by the way of a control plane, which wants to know who asks.
        "node": {"id": "front", "cluster": "front"},
        "admin": {
            "address": addresses.admin,
            # Not its configuration, nor the ways to end it, for whatever else runs in the pod.
            "allow_paths": [{"exact": FRONT_METRICS_PATH}],
        },
        "static_resources": {
            "listeners": [
                *(_client_listener(front, name, address) for name, address in addresses.clients.items()),
                _internal_listener("health", addresses.health, health),
                _internal_listener("metrics", addresses.metrics, metrics_routes()),
            ],
            "clusters": clusters,
        },
        "overload_manager": _overload_manager(front),
    }


def _client_listener(front: Front, name: str, address: Address) -> dict[str, Any]:
    limits = front.limits
    largest = round(limits.request_mib * (1 << 20))
    manager = {
        **_manager("clients", client_routes(limits)),
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
            **_for_seconds("max_connection_duration", front.connection_seconds),
            "headers_with_underscores_action": "DROP_HEADER",
        },
        "http1_safe_max_connection_duration": front.connection_seconds is not None,
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
        "local_reply_config": _own_errors(),
    }
    return {
        "name": name,
        "address": address,
        **_alone(address),
        "per_connection_buffer_limit_bytes": _BUFFER_BYTES,
        "filter_chains": [
            {
                "filters": [_manager_filter(manager)],
                "transport_socket_connect_timeout": "5s",
                **transport_socket(front.clients.settings, front.files),
            }
        ],
    }


def _for_seconds(limit: str, seconds: float | None) -> dict[str, Any]:
    return {} if seconds is None else {limit: f"{seconds}s"}


def _internal_listener(name: str, address: Address, routes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "address": address,
        **_alone(address),
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


def _own_errors() -> dict[str, Any]:
    """How the front tells its own errors: over HTTP as the server does, over gRPC by the status that says it best.

    Who is refused because there is too much to do, no server yet, or none any more, is told when to ask again. Of what
    Envoy has no words for, the status has.
    """
    later = {"response_flag_filter": {"flags": ["UO", "UF", "UH", "UC", "UR", "OM"]}}
    by_grpc = {"name": "content-type", "string_match": {"prefix": "application/grpc"}}
    by_http = {"header_filter": {"header": {**by_grpc, "invert_match": True, "treat_missing_header_as_empty": True}}}
    retry_after = {"headers_to_add": [{"header": {"key": "retry-after", "value": "1"}}]}
    resource_exhausted = {"headers_to_add": [{"header": {"key": "grpc-status", "value": "8"}}]}
    body = {"body_format_override": {"json_format": {"error": "%LOCAL_REPLY_BODY%"}}}
    return {
        "mappers": [
            # The first that fits is taken.
            {"filter": {"and_filter": {"filters": [by_http, later]}}, **retry_after, **body},
            *(
                {
                    "filter": {"and_filter": {"filters": [by_http, _with_status(status)]}},
                    "body": {"inline_string": status.phrase},
                    **body,
                }
                for status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
            ),
            {"filter": by_http, **body},
            {"filter": later, **retry_after},
            {"filter": _with_status(HTTPStatus.REQUEST_ENTITY_TOO_LARGE), **resource_exhausted},
        ]
    }


def _with_status(status: HTTPStatus) -> dict[str, Any]:
    # Envoy wants a key by which a running one could be told another number; nobody does.
    value = {"default_value": int(status), "runtime_key": "unused"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}


def _alone(address: Address) -> dict[str, Any]:
    """Nobody else may listen on a port of loopback, which all programs of a machine share."""
    is_shared = address.get("socket_address", {}).get("address") == LOOPBACK
    return {"enable_reuse_port": False} if is_shared else {}


def _local_cluster(
    name: str, address: Address, most: int, *, http2: bool = False, seconds: float | None = None
) -> dict[str, Any]:
    """The server, or the front itself.

    :param seconds: How long a connection lasts, and how long without a request; None: as long as the server likes.
    """
    limits = {**_for_seconds("idle_timeout", seconds), **_for_seconds("max_connection_duration", seconds)}
    options = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        **({"common_http_protocol_options": limits} if limits else {}),
        "explicit_http_config": {"http2_protocol_options" if http2 else "http_protocol_options": {}},
    }
    bounds = {"max_connections": most, "max_pending_requests": most, "max_requests": most, "max_retries": most}
    endpoint = {"endpoint": {"address": address}}
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
