"""A stand-in for the three APIs of Google Cloud that jobs on Vertex AI use, strict about fields, names and types.

No emulator of Vertex AI is to be had. What it checks is written from the reference of ``google.cloud.aiplatform.v1``
(messages CustomJob, CustomJobSpec, WorkerPoolSpec, ContainerSpec, MachineSpec, DiskSpec, Scheduling, EncryptionSpec),
of Cloud Storage's ``objects.insert`` and of Cloud Logging's ``entries.list``.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jsonschema


def _message(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_TEXT = {"type": "string", "minLength": 1}
_INT64 = {"type": "string", "pattern": r"^[1-9]\d*$"}
_LABEL = {"type": "string", "pattern": r"^[a-z0-9_-]{0,63}$"}
_POOL = _message(
    ["machineSpec", "replicaCount", "containerSpec"],
    machineSpec=_message(
        ["machineType"],
        machineType={"type": "string", "pattern": r"^[a-z]\w*-[a-z]+-\w+$"},
        acceleratorType={"type": "string", "pattern": r"^(NVIDIA|TPU)_[A-Z0-9_]+$"},
        acceleratorCount={"type": "integer", "minimum": 1},
    ),
    replicaCount=_INT64,
    diskSpec=_message(
        [],
        bootDiskType={"enum": ["pd-ssd", "pd-standard"]},
        bootDiskSizeGb={"type": "integer", "minimum": 100, "maximum": 64_000},
    ),
    containerSpec=_message(
        ["imageUri"],
        imageUri=_TEXT,
        command={"type": "array", "items": _TEXT},
        args={"type": "array", "items": _TEXT},
        env={"type": "array", "maxItems": 100, "items": _message(["name", "value"], name=_TEXT, value=_TEXT)},
    ),
)
CUSTOM_JOB = _message(
    ["displayName", "jobSpec"],
    displayName={"type": "string", "minLength": 1, "maxLength": 128},
    jobSpec=_message(
        ["workerPoolSpecs"],
        # The first pool is the chief's, of one replica.
        workerPoolSpecs={
            "type": "array",
            "minItems": 1,
            "maxItems": 4,
            "prefixItems": [{"properties": {"replicaCount": {"const": "1"}}}],
            "allOf": [{"items": _POOL}],
        },
        scheduling=_message(
            [],
            timeout={"type": "string", "pattern": r"^\d+(\.\d{1,9})?s$"},
            restartJobOnWorkerRestart={"type": "boolean"},
            strategy={"enum": ["STANDARD", "SPOT", "FLEX_START"]},
            disableRetries={"type": "boolean"},
            maxWaitDuration={"type": "string", "pattern": r"^\d+s$"},
        ),
        serviceAccount={"type": "string", "pattern": "@"},
        network={"type": "string", "pattern": r"^projects/\d+/global/networks/[a-z0-9-]+$"},
    ),
    labels={"type": "object", "maxProperties": 64, "additionalProperties": _LABEL, "propertyNames": _LABEL},
    encryptionSpec=_message(
        ["kmsKeyName"],
        kmsKeyName={"type": "string", "pattern": r"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$"},
    ),
)
_ENTRIES_LIST = _message(
    ["resourceNames"],
    resourceNames={"type": "array", "items": {"type": "string", "pattern": "^projects/[^/]+$"}, "minItems": 1},
    filter={"type": "string"},
    orderBy={"enum": ["timestamp asc", "timestamp desc"]},
    pageSize={"type": "integer", "minimum": 1, "maximum": 1000},
    pageToken={"type": "string"},
)
_JOBS = re.compile(r"^/v1/(projects/yard-1/locations/europe-west4/customJobs)(?:/(\d+))?(:cancel)?$")


@dataclass
class GoogleCloud:
    """What a test sees of it, and what it may change."""

    endpoint: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    """URI -> content."""
    object_keys: dict[str, str] = field(default_factory=dict)
    """URI -> key that it was asked to be encrypted with."""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Resource name -> CustomJob."""
    entries: list[dict[str, Any]] = field(default_factory=list)
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Part of a path -> the status and message that requests to it are answered by."""
    asked: list[str] = field(default_factory=list)

    def print_line(self, name: str, timestamp: str, text: str, *, structured: bool = True) -> None:
        """Add an entry of a job's log."""
        labels = {"job_id": name.rpartition("/")[2], "task_name": "workerpool0-0"}
        payload: dict[str, Any] = {"jsonPayload": {"message": text}} if structured else {"textPayload": text}
        entry = {"insertId": f"i{len(self.entries)}", "timestamp": timestamp}
        self.entries.append({**entry, "resource": {"type": "ml_job", "labels": labels}, **payload})

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """One request's answer."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(f"{method} {parts.path}")
        for place, (status, message) in self.refusals.items():
            if place in parts.path:
                return status, {"error": {"code": status, "message": message}}
        try:
            if parts.path == "/v2/entries:list" and method == "POST":
                return 200, self._list_entries(json.loads(body))
            if parts.path.startswith("/upload/storage/v1/b/") and method == "POST":
                return self._insert(parts.path.split("/")[5], query, body)
            if parts.path.startswith("/storage/v1/b/") and method == "DELETE":
                _, _, _, _, bucket, _, name = parts.path.split("/")
                del self.objects[f"gs://{bucket}/{unquote(name)}"]
                return 204, {}
            if found := _JOBS.match(parts.path):
                return self._custom_jobs(method, *found.groups(), query, body)
        except jsonschema.ValidationError as error:
            return 400, {"error": {"code": 400, "message": f"Invalid JSON payload received. {error.message}"}}
        return 404, {"error": {"code": 404, "message": f"no method {method} {parts.path}"}}

    def _insert(self, bucket: str, query: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        allowed = {"uploadType", "name", "ifGenerationMatch", "kmsKeyName"}
        jsonschema.validate(query, {"required": ["uploadType", "name"], "propertyNames": {"enum": sorted(allowed)}})
        uri = f"gs://{bucket}/{query['name']}"
        if uri in self.objects and query.get("ifGenerationMatch") == "0":
            return 412, {"error": {"code": 412, "message": "conditionNotMet"}}
        self.objects[uri] = body
        if "kmsKeyName" in query:
            self.object_keys[uri] = query["kmsKeyName"]
        return 200, {"name": query["name"], "bucket": bucket}

    def _custom_jobs(
        self, method: str, parent: str, number: str | None, cancel: str | None, query: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        if number is None and method == "POST":
            job = json.loads(body)
            jsonschema.validate(job, CUSTOM_JOB)
            name = f"{parent}/{1000 + len(self.jobs)}"
            times = {"createTime": "2026-11-26T08:00:00.123456Z"}
            self.jobs[name] = {"name": name, **job, "state": "JOB_STATE_QUEUED", **times}
            return 200, self.jobs[name]
        if number is None:
            wanted = re.fullmatch(r'displayName="([^"]+)"', query["filter"])
            assert wanted
            found = [job for job in self.jobs.values() if job["displayName"] == wanted[1]]
            return 200, {"customJobs": found} if found else {}
        job = self.jobs[f"{parent}/{number}"]
        if cancel and method == "POST":
            job["state"] = "JOB_STATE_CANCELLING"
            return 200, {}
        return 200, job

    def _list_entries(self, request: dict[str, Any]) -> dict[str, Any]:
        jsonschema.validate(request, _ENTRIES_LIST)
        pattern = r'resource\.type="ml_job" resource\.labels\.job_id="(\d+)"(?: timestamp>="([^"]+)")?'
        wanted = re.fullmatch(pattern, request["filter"])
        assert wanted
        found = [
            entry
            for entry in self.entries
            if entry["resource"]["labels"]["job_id"] == wanted[1] and entry["timestamp"] >= (wanted[2] or "")
        ]
        found.sort(key=lambda entry: entry["timestamp"], reverse=request["orderBy"] == "timestamp desc")
        return {"entries": found[: request["pageSize"]]} if found else {}


@contextmanager
def serving() -> Iterator[GoogleCloud]:
    """The stand-in on a free port of the loopback interface, until the block ends."""
    cloud = GoogleCloud()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, document = cloud.answer(self.command, self.path, body)
            data = b"" if status == HTTPStatus.NO_CONTENT else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _handle  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    cloud.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield cloud
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
