"""AWS on loopback, by moto, for tests that plant what a stack has left behind.

Before moto stands what it has not: refused operations, and the registry's rules for images that are pulled through.
moto has a process of its own, for it is emptied between tests, and all of it that is in one process shares its memory.
"""

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

from tests.threaded_server import served

REGION = "eu-west-1"
ACCOUNT = "123456789012"
"""Moto's own."""

_RULES = "AmazonEC2ContainerRegistry_V20150921."


class MotoCloud:
    """What a test may do to the cloud beside calling it."""

    def __init__(self, endpoint: str = "") -> None:
        self.endpoint = endpoint
        self.refused: set[str] = set()
        """Names of operations that are answered by AccessDenied, as `DescribeVolumes`."""
        self.cache_rules: list[str] = []
        """Prefixes of the repositories of images that are pulled through."""
        self._clients: dict[str, Any] = {}
        self.asked: list[str] = []
        """The names of the operations that were asked for, as far as a request names its operation."""

    @property
    def environment(self) -> dict[str, str]:
        """What clients read to use it, and nothing of the machine's own."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def client(self, service: str) -> Any:
        """A client of it, made once."""
        import boto3

        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id="AKIAEXAMPLE",
                aws_secret_access_key="example",
            )
        return self._clients[service]

    def reset(self) -> None:
        """Makes it empty, and its owner's own again."""
        import requests

        requests.post(f"{self.endpoint}/moto-api/reset", timeout=60).raise_for_status()
        self.refused.clear()
        self.cache_rules.clear()
        self.asked.clear()

    def answer(self, moto_port: int) -> Callable[..., Iterable[bytes]]:
        """What stands before the moto on that port."""

        def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            operation = _operation(environ)
            self.asked.append(operation)
            if operation in self.refused:
                start_response("403 Forbidden", [("Content-Type", "text/xml")])
                return [_REFUSAL.format(operation).encode()]
            target = environ.get("HTTP_X_AMZ_TARGET", "")
            if target == f"{_RULES}DescribePullThroughCacheRules":
                return self._json(start_response, {"pullThroughCacheRules": self._rules()})
            if target == f"{_RULES}DeletePullThroughCacheRule":
                body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
                self.cache_rules.remove(json.loads(body)["ecrRepositoryPrefix"])
                return self._json(start_response, {})
            return _forwarded(moto_port, environ, start_response)

        return serve

    def _rules(self) -> list[dict[str, str]]:
        return [{"ecrRepositoryPrefix": prefix} for prefix in self.cache_rules]

    def _json(self, start_response: Callable[..., Any], value: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/x-amz-json-1.1")])
        return [json.dumps(value).encode()]


_REFUSAL = (
    "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this "
    "operation: {}</Message></Error></Errors><RequestID>1</RequestID></Response>"
)


def _operation(environ: dict[str, Any]) -> str:
    """The operation that a request names: in its target header, or in its form, which is put back."""
    if target := environ.get("HTTP_X_AMZ_TARGET", ""):
        return str(target).rpartition(".")[2]
    if "x-www-form-urlencoded" not in environ.get("CONTENT_TYPE", ""):
        return ""
    import io

    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return parse_qs(body.decode()).get("Action", [""])[0]


def _forwarded(port: int, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers |= {"Content-Type": environ.get("CONTENT_TYPE", "")} if environ.get("CONTENT_TYPE") else {}
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(environ["REQUEST_METHOD"], environ["REQUEST_URI"], body, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    once = ("connection", "date", "server", "transfer-encoding")
    start_response(
        f"{answer.status} {answer.reason}",
        [(name, value) for name, value in answer.getheaders() if name.lower() not in once],
    )
    return [content]


@contextmanager
def moto_cloud() -> Iterator[MotoCloud]:
    """A cloud on a free port, while the block lasts."""
    # It ends with its standard input, and so with this process.
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as moto:
        assert moto.stdin is not None
        assert moto.stdout is not None
        try:
            cloud = MotoCloud()
            with served(cloud.answer(int(moto.stdout.readline()))) as cloud.endpoint:
                yield cloud
        finally:
            moto.stdin.close()


def main() -> None:
    """Serves moto on a free port, which it prints, until standard input ends."""
    import logging

    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
