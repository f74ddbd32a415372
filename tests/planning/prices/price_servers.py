"""A server on loopback that answers as the clouds' price lists do, from recorded pages."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from moto.server import ThreadedMotoServer

RECORDED = Path(__file__).with_name("recorded")


def recorded(name: str) -> Any:
    """One recorded page."""
    return json.loads((RECORDED / f"{name}.json").read_text())


@dataclass(frozen=True)
class Request:
    """What a client has asked."""

    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, Any]
"""Status, and what is sent as JSON (text as it is)."""


@dataclass
class PriceServer:
    """Where the server is and what it has been asked."""

    url: str
    requests: list[Request] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[Request], Answer]) -> Iterator[PriceServer]:
    """Serves until the block ends. `answer` is called by as many threads as there are clients."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(parts.path, parse_qs(parts.query), dict(self.headers), body)
            server.requests.append(request)
            status, content = answer(request)
            text = content if isinstance(content, str) else json.dumps(content)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = PriceServer(f"http://127.0.0.1:{http.server_address[1]}")
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def azure(request: Request) -> Answer:
    """Azure's retail prices, on two pages."""
    if "page" in request.query:
        return 200, recorded("azure_prices_2")
    page = recorded("azure_prices_1")
    if "Standard_NC4as_T4_v3" not in request.query["$filter"][0]:
        return 200, page | {"Items": [], "NextPageLink": None}
    return 200, page | {"NextPageLink": f"http://{request.headers['Host']}/api/retail/prices?page=2"}


def google(request: Request) -> Answer:
    """Google's SKUs of Compute Engine, on two pages."""
    token = request.query.get("pageToken", [""])[0]
    return 200, recorded("gcp_skus_2" if token == "page-2" else "gcp_skus_1")


def price_list(request: Request) -> Answer:
    """AWS's products, on two pages."""
    return 200, recorded("aws_products_2" if json.loads(request.body).get("NextToken") else "aws_products_1")


@contextmanager
def ec2() -> Iterator[str]:
    """A server that answers as EC2 does, by moto, where every spot price is the same; its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()
