"""A stand-in for Cloud Storage's XML API that lets through what grants of this project do, as `conditions` and `roles`
judge them: what the workloads' own client asks for can then be tried with what it is granted.

Sources: Cloud Storage, "XML API overview" and "IAM permissions for XML requests". It knows the requests that occur
here, and nothing of signatures, versions or keys.
"""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.infra.gcp.conditions import get, list_objects
from tests.infra.gcp.roles import may
from tests.infra.recorder import Registered

_WHEN = "Tue, 01 Dec 2026 12:00:00 GMT"


class CloudStorage:
    """Buckets, and who may do what in them."""

    def __init__(self, grants: list[Registered]) -> None:
        """:param grants: Of one service account, on any bucket."""
        self._grants = grants
        self.objects: dict[tuple[str, str], bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.asked: set[str] = set()
        """The permissions that requests needed so far."""
        self._numbers = itertools.count(1)
        self.address = ""

    def environment(self) -> dict[str, str]:
        """Where the workloads' client finds it, and that it has no credentials."""
        key = {
            "gcs_base_url": self.address,
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
        return {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(key), "AWS_ALLOW_HTTP": "true"}

    def allows(self, permission: str, bucket: str, name: str = "") -> bool:
        """Whether the account has a permission for an object, or for a list of the bucket."""
        self.asked.add(permission)
        own = [each for each in self._grants if each.inputs["bucket"] == bucket]
        return may(own, permission, get(bucket, name) if name else list_objects(bucket))

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to a request."""
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        bucket, _, name = unquote(parts.path).lstrip("/").partition("/")
        if not name:
            return self._list(bucket, query)
        match method, "uploadId" in query, "uploads" in query:
            case "GET", False, False:
                return self._get(bucket, name)
            case "PUT", False, False:
                return self._put(bucket, name, body, ["storage.objects.create"])
            case "POST", False, True:
                return self._begin(bucket, name)
            case "PUT", True, False:
                self.parts[query["uploadId"]][int(query["partNumber"])] = body
                return (200, b"") if self._makes_parts(bucket, name) else _refused()
            case "POST", True, False:
                whole = b"".join(part for _, part in sorted(self.parts[query["uploadId"]].items()))
                return self._put(bucket, name, whole, ["storage.objects.create", "storage.multipartUploads.create"])
            case "DELETE", True, False:
                # What obstore does with an upload that is refused at its end.
                return (204, b"") if self.allows("storage.multipartUploads.abort", bucket, name) else _refused()
            case "DELETE", False, False:
                return self._delete(bucket, name)
        raise AssertionError(f"unknown request: {method} {path}")

    def _get(self, bucket: str, name: str) -> tuple[int, bytes]:
        if not self.allows("storage.objects.get", bucket, name):
            return _refused()
        if (bucket, name) in self.objects:
            return 200, self.objects[bucket, name]
        # Who may not list is not told that there is nothing.
        return (
            (404, b"<Error><Code>NoSuchKey</Code></Error>")
            if self.allows("storage.objects.list", bucket)
            else _refused()
        )

    def _put(self, bucket: str, name: str, body: bytes, permissions: list[str]) -> tuple[int, bytes]:
        needed = [*permissions, *(["storage.objects.delete"] if (bucket, name) in self.objects else [])]
        if not all(self.allows(permission, bucket, name) for permission in needed):
            return _refused()
        self.objects[bucket, name] = body
        return 200, b"<CompleteMultipartUploadResult><ETag>&quot;1&quot;</ETag></CompleteMultipartUploadResult>"

    def _makes_parts(self, bucket: str, name: str) -> bool:
        needed = ("storage.multipartUploads.create", "storage.objects.create")
        return all(self.allows(permission, bucket, name) for permission in needed)

    def _begin(self, bucket: str, name: str) -> tuple[int, bytes]:
        if not self._makes_parts(bucket, name):
            return _refused()
        upload = str(next(self._numbers))
        self.parts[upload] = {}
        said = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
        return 200, said.encode()

    def _delete(self, bucket: str, name: str) -> tuple[int, bytes]:
        if not self.allows("storage.objects.delete", bucket, name):
            return _refused()
        self.objects.pop((bucket, name), None)
        return 204, b""

    def _list(self, bucket: str, query: dict[str, str]) -> tuple[int, bytes]:
        if not self.allows("storage.objects.list", bucket):
            return _refused()
        prefix = query.get("prefix", "")
        found = sorted(name for where, name in self.objects if where == bucket and name.startswith(prefix))
        contents = "".join(
            f"<Contents><Key>{escape(name)}</Key><LastModified>2026-12-01T12:00:00.000Z</LastModified>"
            f"<ETag>&quot;1&quot;</ETag><Size>{len(self.objects[bucket, name])}</Size></Contents>"
            for name in found
        )
        return 200, f"<ListBucketResult><Name>{bucket}</Name>{contents}</ListBucketResult>".encode()


def _refused() -> tuple[int, bytes]:
    return 403, b"<Error><Code>AccessDenied</Code></Error>"


@contextmanager
def serving(storage: CloudStorage) -> Iterator[CloudStorage]:
    """Serves it on a free port of the loopback interface, for as long as it is used."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, said = storage.answer(self.command, self.path, body)
            self.send_response(status)
            for name, value in {"ETag": '"1"', "Last-Modified": _WHEN, "Content-Length": str(len(said))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    storage.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield storage
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
