"""What the front lets through: inference, metadata and health of KServe v2, and nothing else that the server can do.

Triton answers on the same ports requests that load and unload models, register shared memory, and change its traces and
logs. They have no route here, and get 404, as does every path that is not known.

Sources: KServe, "Open Inference Protocol" (v2); Triton, "HTTP/REST and GRPC Protocol" and its extensions.
"""

import re
from typing import Any

from infra.service_settings import LimitSettings

HTTP_CLUSTER = "http"
GRPC_CLUSTER = "grpc"
ADMIN_CLUSTER = "admin"
SERVER_METRICS_CLUSTER = "server_metrics"
FRONT_PATH = "/front/live"
"""Answers 200 as long as the front itself runs."""
SERVER_METRICS_PATH = "/metrics"
FRONT_METRICS_PATH = "/stats/prometheus"

MODEL = "/v2/models/[A-Za-z0-9._-]+(/versions/[0-9]+)?"
NO_MODEL = "/v2/models/stats"
"""Not a model of that name, but the statistics of all."""
READ_PATHS = f"/v2(/health/(live|ready))?|{MODEL}(/ready)?"
INFER_PATHS = f"{MODEL}/infer"
GRPC_SERVICE = "/inference.GRPCInferenceService"
GRPC_METHODS = ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer")
"""Without ModelStreamInfer: a stream would hold on to one pod for as long as it lasts, past its end."""

_PROBE_TIMEOUT = "4s"


def client_routes(limits: LimitSettings) -> list[dict[str, Any]]:
    """Routes of what clients may ask for."""
    limit = f"{limits.timeout_seconds}s"
    action = {
        "timeout": limit,
        # Neither can have reached the server, so that nothing is done twice.
        "retry_policy": {"retry_on": "connect-failure,reset-before-request", "num_retries": 1},
    }
    infer = _route("infer", {"safe_regex": {"regex": INFER_PATHS}}, "POST", {**action, "cluster": HTTP_CLUSTER})
    return [
        {"match": {"path": NO_MODEL}, "direct_response": {"status": 404}},
        _route("read", {"safe_regex": {"regex": READ_PATHS}}, "GET", {**action, "cluster": HTTP_CLUSTER}),
        *([infer] if limits.inference == "http_and_grpc" else []),
        _route(
            "grpc",
            {"safe_regex": {"regex": f"{re.escape(GRPC_SERVICE)}/({'|'.join(GRPC_METHODS)})"}, "grpc": {}},
            "POST",
            # A client's own deadline counts where it is shorter.
            {**action, "cluster": GRPC_CLUSTER, "max_stream_duration": {"grpc_timeout_header_max": limit}},
        ),
    ]


def health_routes(*, readiness_path: str, liveness_path: str) -> list[dict[str, Any]]:
    """Routes of what the kubelet may ask for."""
    alive = {"match": {"path": FRONT_PATH}, "direct_response": {"status": 200}}
    action = {"cluster": HTTP_CLUSTER, "timeout": _PROBE_TIMEOUT}
    paths = dict.fromkeys((readiness_path, liveness_path))
    return [alive, *(_route("health", {"path": path}, "GET", action) for path in paths)]


def metrics_routes() -> list[dict[str, Any]]:
    """Routes of what Prometheus may ask for."""
    return [
        _route("metrics", {"path": SERVER_METRICS_PATH}, "GET", {"cluster": SERVER_METRICS_CLUSTER}),
        _route("metrics", {"path": FRONT_METRICS_PATH}, "GET", {"cluster": ADMIN_CLUSTER}),
    ]


def _route(name: str, match: dict[str, Any], method: str, action: dict[str, Any]) -> dict[str, Any]:
    only = {"name": ":method", "string_match": {"exact": method}}
    return {"name": name, "match": {**match, "headers": [only]}, "route": action}
