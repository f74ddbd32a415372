"""A metrics API for horizontal pod autoscalers, whose values a test sets: no pod here has anything to measure.

It stands where a Prometheus adapter does in a cluster. The API server reaches it as an aggregated API, and the real
autoscaling controller asks it for the metrics of pods (custom.metrics.k8s.io) and for those of anything else
(external.metrics.k8s.io).
https://github.com/kubernetes/metrics#custom-metrics-api
"""

import datetime
import json
import re
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.controlplane.api import Api, Manifest
from tests.controlplane.certificates import encoded
from tests.controlplane.control_plane import ControlPlane

_GROUPS = {"custom.metrics.k8s.io": "v1beta2", "external.metrics.k8s.io": "v1beta1"}
_SERVICE = "trainyard-test-metrics"
_NAMESPACE = "kube-system"
_OF_PODS = re.compile(r"/apis/custom\.metrics\.k8s\.io/v1beta2/namespaces/([^/]+)/pods/\*/([^/]+)")
_EXTERNAL = re.compile(r"/apis/external\.metrics\.k8s\.io/v1beta1/namespaces/([^/]+)/([^/]+)")


class Metrics:
    """The values that are served now."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], str] = {}

    def set(self, namespace: str, metric: str, value: str) -> None:
        """From now on, each pod of a namespace has this value (a quantity, such as `250m`), and so has the metric."""
        self._values[namespace, metric] = value

    def answer(self, path: str, selector: str | None, pods: Callable[[str, str | None], list[str]]) -> Any:
        """What the API answers to a path, or None where there is no such thing; `pods` finds names by labels."""
        for group, version in _GROUPS.items():
            if path == f"/apis/{group}/{version}":
                return {
                    "kind": "APIResourceList",
                    "apiVersion": "v1",
                    "groupVersion": f"{group}/{version}",
                    "resources": [],
                }
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if match := _OF_PODS.fullmatch(path):
            namespace, metric = match.groups()
            value = self._values.get((namespace, metric))
            if value is None:
                return None
            items: list[Manifest] = [
                {
                    "describedObject": {"kind": "Pod", "apiVersion": "/v1", "namespace": namespace, "name": name},
                    "metric": {"name": metric},
                    "timestamp": now,
                    "value": value,
                }
                for name in pods(namespace, selector)
            ]
            return _listed("custom.metrics.k8s.io/v1beta2", "MetricValueList", items)
        if match := _EXTERNAL.fullmatch(path):
            namespace, metric = match.groups()
            value = self._values.get((namespace, metric))
            if value is None:
                return None
            items = [{"metricName": metric, "metricLabels": {}, "timestamp": now, "value": value}]
            return _listed("external.metrics.k8s.io/v1beta1", "ExternalMetricValueList", items)
        return None


@contextmanager
def serve_metrics(control_plane: ControlPlane) -> Iterator[Metrics]:
    """Serves metrics for autoscalers, as long as the context lasts. One at a time on a control plane."""
    metrics = Metrics()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(metrics, control_plane))
    name = f"{_SERVICE}.{_NAMESPACE}.svc"
    certificate, key = control_plane.certificate_of(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        control_plane.apply(_registration(server.server_port, control_plane.authority))
        control_plane.wait_for("the metrics API is available", lambda: _available(control_plane.api))
        yield metrics
    finally:
        for group, version in _GROUPS.items():
            control_plane.api.delete("APIService", f"{version}.{group}")
        control_plane.api.delete("Service", _SERVICE, _NAMESPACE)
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(metrics: Metrics, control_plane: ControlPlane) -> type[BaseHTTPRequestHandler]:
    def pods(namespace: str, selector: str | None) -> list[str]:
        with control_plane.new_api() as api:
            return [pod["metadata"]["name"] for pod in api.get("Pod", namespace, selector)]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urllib.parse.urlsplit(self.path)
            selector = urllib.parse.parse_qs(url.query).get("labelSelector", [None])[0]
            answer = metrics.answer(urllib.parse.unquote(url.path).rstrip("/"), selector, pods)
            body = json.dumps(answer or {"kind": "Status", "apiVersion": "v1", "code": 404}).encode()
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _registration(port: int, authority: bytes) -> list[Manifest]:
    """Makes the API server pass the groups on to this process: by a service that stands for an address."""
    service: Manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": _SERVICE, "namespace": _NAMESPACE},
        "spec": {"type": "ExternalName", "externalName": "127.0.0.1"},
    }
    return [service] + [
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{version}.{group}"},
            "spec": {
                "group": group,
                "version": version,
                "service": {"name": _SERVICE, "namespace": _NAMESPACE, "port": port},
                "caBundle": encoded(authority),
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
            },
        }
        for group, version in _GROUPS.items()
    ]


def _available(api: Api) -> bool:
    services = [api.get_one("APIService", f"{version}.{group}") for group, version in _GROUPS.items()]
    conditions = [(service or {}).get("status", {}).get("conditions") or [] for service in services]
    return all(any(each["type"] == "Available" and each["status"] == "True" for each in these) for these in conditions)


def _listed(api_version: str, kind: str, items: list[Manifest]) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {}, "items": items}
