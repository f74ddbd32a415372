"""A service for tests that needs no model: a server on Unix sockets that does as it is told, and the inputs for it."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local.services import ServiceProvider

READY = "/v2/health/ready"
INFER = "/v2/models/digits/infer"
SERVER = """
    import hashlib, http.server, json, os, pathlib, signal, socketserver, sys, threading
    path = pathlib.Path(sys.argv[-1])
    document = json.loads(path.read_text())
    work = pathlib.Path(document["work_dir"])
    assert work.is_dir()

    def answer(*_):
        releases = json.loads(path.read_bytes()).get("releases", [])
        error = "there is no such run" if "missing" in releases else None
        told = {"document_sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "error": error}
        if not error:
            document["releases"] = releases
        if "silent" not in releases:
            (work / "new").write_text(json.dumps(told))
            (work / "new").replace(work / "releases.json")

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.rfile.read(int(self.headers.get("content-length", "0")))
            body = json.dumps({"pid": os.getpid(), "releases": document.get("releases")}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_): pass

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    signal.signal(signal.SIGHUP, answer)
    answer()
    for name in ("metrics", "http"):
        socket = pathlib.Path(document["socket_dir"], name)
        socket.unlink(missing_ok=True)
        server = Server(str(socket), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        signal.pause()
    """


def service(folder: Path, environment: dict[str, str], **changes: Any) -> dict[str, Any]:
    """The inputs of a service that asks nobody who he is."""
    props = {
        "folder": str(folder),
        "name": "service",
        "command": ["python", "-m", "stub"],
        "document": {"service": "digits"},
        "environment": environment,
        "version": "1",
        "revision": "1",
        "ports": {"http": 0, "grpc": 0, "metrics": 0},
        "readiness_path": READY,
        "readiness_deadline_seconds": 30,
        "grace_seconds": 2,
        "front": front(),
        "reread": ["releases"],
    }
    return {**props, **changes}


def front(public_keys: str | None = None, **limits: Any) -> dict[str, Any]:
    """The inputs of its front, numbers as Pulumi sends them."""
    defaults = {
        "request_mib": 1 / 64,
        "timeout_seconds": 20.0,
        "concurrent_requests": 4.0,
        "connections": 50.0,
        "inference": "http_and_grpc",
    }
    return {"audiences": ["trainyard-serving"], "limits": {**defaults, **limits}, "public_keys": public_keys}


@contextmanager
def running_service(props: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The outputs of a service that runs."""
    made = ServiceProvider().create(props)
    try:
        yield made.outs or {}
    finally:
        ServiceProvider().delete(made.id, made.outs or {})


def ask(
    outs: dict[str, Any], path: str = READY, token: str = "", body: bytes | None = None, *, port: str = "http"
) -> tuple[int, bytes]:
    """Status and body of the answer to a request; POST where it has a body."""
    connection = http.client.HTTPConnection(outs["endpoints"][port], timeout=20)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def told(outs: dict[str, Any]) -> dict[str, Any]:
    """What the server says of itself: its `pid` and `releases`."""
    status, body = ask(outs)
    assert status == 200
    answer: dict[str, Any] = json.loads(body)
    return answer
