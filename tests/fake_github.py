"""A small GitHub on a free port: as much of its REST API as the workflows' scripts use, kept in memory.

Artifacts are handed out as GitHub does it: by a redirection to storage elsewhere, which refuses whoever shows a token.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "example/trainyard"
TOKEN = "job-token"
BOT = {"login": "github-actions[bot]", "type": "Bot"}


@dataclass
class FakeGitHub:
    """What is on the server, and what was asked of it."""

    url: str = ""
    storage: str = ""
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    """Method and path of every request that changed something."""
    failures: int = 0
    """How many of the next requests the server fails at."""

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> tuple[int, Any]:
        """Status and document of an answer; a text is where a redirection leads."""
        if self.failures:
            self.failures -= 1
            return 502, {"message": "Bad gateway"}
        if method != "GET":
            self.written.append(f"{method} {path}")
        page, size = int(query.get("page", ["1"])[0]), int(query.get("per_page", ["30"])[0])

        def listed(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return entries[(page - 1) * size : page * size]

        if method == "GET" and (found := re.fullmatch(r"actions/runs/(\d+)", path)):
            return 200, self.runs[int(found[1])]
        if method == "GET" and re.fullmatch(r"actions/runs/\d+/jobs", path):
            return 200, {"jobs": listed(self.jobs)}
        if method == "GET" and re.fullmatch(r"actions/runs/\d+/artifacts", path):
            named = [{"id": each, "name": name} for each, (name, _) in self.artifacts.items()]
            return 200, {"artifacts": listed([each for each in named if each["name"] in query["name"]])}
        if method == "GET" and (found := re.fullmatch(r"actions/artifacts/(\d+)/zip", path)):
            return 302, f"{self.storage}/blob/{found[1]}"
        if method == "GET" and path == "pulls":
            wanted = query["head"][0]
            return 200, listed([each for each in self.pulls if each["head"]["label"] == wanted])
        if method == "GET" and path == "issues":
            return 200, listed([each for each in self.issues if each["state"] == "open"])
        if method == "GET" and re.fullmatch(r"issues/\d+/comments", path):
            return 200, listed(self.comments)
        return self._write(method, path, body)

    def _write(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if method == "POST" and re.fullmatch(r"issues/\d+/comments", path):
            made = {"id": 1000 + len(self.comments), "user": BOT, **body}
            self.comments.append(made)
            return 201, made
        if method == "POST" and path == "issues":
            made = {"number": 50 + len(self.issues), "user": BOT, "state": "open", **body}
            self.issues.append(made)
            return 201, made
        found = re.fullmatch(r"issues/(comments/)?(\d+)", path)
        if method == "PATCH" and found:
            entries, key = (self.comments, "id") if found[1] else (self.issues, "number")
            entry = next(each for each in entries if each[key] == int(found[2]))
            entry.update(body)
            return 200, entry
        return 404, {"message": "Not Found"}


@contextmanager
def fake_github() -> Iterator[FakeGitHub]:
    """Serves until the block ends."""
    github = FakeGitHub()

    class Api(_Quiet):
        def answer(self, method: str) -> None:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self.respond(401, {"message": "Bad credentials"})
                return
            url = urlsplit(self.path)
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            path = url.path.removeprefix(f"/repos/{REPOSITORY}/")
            self.respond(*github.answer(method, path, parse_qs(url.query), body))

    class Storage(_Quiet):
        def answer(self, method: str) -> None:
            if "Authorization" in self.headers:
                self.respond(403, {"message": "a token of somebody else"})
            else:
                self.respond(200, github.artifacts[int(self.path.rpartition("/")[2])][1])

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (Api, Storage)]
    threads = [threading.Thread(target=each.serve_forever, args=(0.05,), daemon=True) for each in servers]
    for thread in threads:
        thread.start()
    github.url, github.storage = (f"http://127.0.0.1:{each.server_address[1]}" for each in servers)
    try:
        yield github
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


class _Quiet(BaseHTTPRequestHandler):
    def answer(self, method: str) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        self.answer("GET")

    def do_POST(self) -> None:
        self.answer("POST")

    def do_PATCH(self) -> None:
        self.answer("PATCH")

    def respond(self, status: int, content: Any) -> None:
        self.send_response(status)
        if status == 302:
            self.send_header("Location", content)
            content = b""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Says nothing: the tests look at what is left."""
