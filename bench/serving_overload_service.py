"""The service as clients meet it on one machine, for a benchmark: tritonserver, and before it the Envoy of `yard up`.

The server has a core of its own, and so has the front; where there are two, the clients share the front's. The front
checks tokens, and has the settings' limits. It finds the server by Unix sockets.
"""

import dataclasses
import http.client
import json
import os
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.errors import BenchError
from bench.serving_servers import OURS, Server, on_core, started, triton_environment
from infra.local import front, process, records
from infra.local.access_token import AccessTokenProvider
from tests.controlplane.processes import free_port

_HOST = "127.0.0.1"
_AUDIENCE = "bench"
_READINESS_PATH = "/v2/health/ready"
_COUNTED_SECONDS = 10.0
_OPEN_SECONDS = 30.0
_PORT_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core each has; None: any."""

    server: int | None
    front: int | None
    clients: int | None

    def __str__(self) -> str:
        if self.server is None:
            return "all share one core"
        if self.front == self.clients:
            return "the server has a core, the front and the clients share another"
        return "server, front and clients have a core each"


@dataclass(frozen=True, slots=True)
class Counts:
    """What the server itself has counted, in requests."""

    answered: int
    failed: int


@dataclass(frozen=True, slots=True)
class FrontedService:
    """A server behind its front."""

    server: Server
    front_pid: int
    ports: Mapping[str, int]
    token: str

    @property
    def http(self) -> str:
        """HOST:PORT, where clients ask over HTTP."""
        return f"{_HOST}:{self.ports['http']}"

    @property
    def grpc(self) -> str:
        """HOST:PORT, where clients ask over gRPC."""
        return f"{_HOST}:{self.ports['grpc']}"

    def is_ready(self) -> bool:
        """What a client that may ask is told."""
        return _status(self.http, {"authorization": f"Bearer {self.token}"}) == 200

    def memory_mib(self) -> float:
        """Of server and front, pages that processes share counted once."""
        return self.server.memory_mib() + float(psutil.Process(self.front_pid).memory_full_info().pss) / 2**20

    def counts(self) -> Counts:
        """It counts a moment after it has answered, which is waited for."""
        found, end = self._counts(), time.monotonic() + _COUNTED_SECONDS
        while time.monotonic() < end:
            time.sleep(0.2)
            before, found = found, self._counts()
            if before == found:
                break
        return found

    def _counts(self) -> Counts:
        with urllib.request.urlopen(f"http://{_HOST}:{self.ports['metrics']}/metrics", timeout=10) as answer:
            lines: list[str] = answer.read().decode().splitlines()

        def total(name: str) -> int:
            return sum(int(float(line.rpartition(" ")[2])) for line in lines if line.startswith(f"{name}{{"))

        return Counts(answered=total("nv_inference_request_success"), failed=total("nv_inference_request_failure"))


def missing() -> str | None:
    """Why there can be no such service here; None where there can."""
    environment = triton_environment()
    if not (environment / "bin" / "python3").exists():
        return f"there is no environment with tritonserver at {environment} (`make setup` makes it where one can run)"
    return front.envoy_problem()


def cores() -> Cores:
    """One for the server, one for the front, and one for the clients where there is a third."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(usable) < 2:
        return Cores(None, None, None)
    return Cores(usable[0], usable[1], usable[2] if len(usable) > 2 else usable[1])


@contextmanager
def fronted_service(
    model: Path, folder: Path, where: Cores, *, concurrent_requests: int, **changes: Any
) -> Iterator[FrontedService]:
    """The service of the model that is in a folder, from its readiness on. Its files are in `folder`, which is made.

    :param concurrent_requests: What the front passes on at once, of its limits.
    :param changes: Of the server's specification.
    :raises BenchError: The front or the server does not start.
    """
    folder.mkdir(parents=True)
    access = AccessTokenProvider().create({"audience": _AUDIENCE}).outs or {}
    props = {
        "folder": str(folder),
        "name": "service",
        "readiness_path": _READINESS_PATH,
        "front": {
            "audiences": [_AUDIENCE],
            "limits": {"concurrent_requests": concurrent_requests},
            "public_keys": access["public_keys"],
        },
    }
    sockets = front.server_sockets_of(props)
    sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with on_core(where.front):
            ports = _start_front(props)
        own = {f"{name}_port": port for name, port in ports.items()} | {"socket_dir": str(sockets)} | changes
        with _server(model, folder / "server", where.server, own) as server:
            # Through the front. The server answers there last.
            server.address = f"{_HOST}:{ports['metrics']}"
            server.wait_until_ready()
            service = FrontedService(server, _front_pid(props), ports, str(access["token"]))
            if not service.is_ready():
                raise BenchError("the front does not let its client through to the server")
            yield service
    finally:
        for each in (front.front_folder_of(props), folder / "service"):
            process.stop(each)


@contextmanager
def _server(model: Path, work: Path, core: int | None, own: Mapping[str, Any]) -> Iterator[Server]:
    def command(environment: Path, model: Path, work: Path, port: int) -> tuple[list[str], dict[str, str]]:
        made = OURS.command(environment, model, work, port)
        specification = work / "SERVICE.json"
        document = json.loads(specification.read_text(encoding="utf-8"))
        specification.write_text(json.dumps({**document, **own}), encoding="utf-8")
        return made

    kind = dataclasses.replace(OURS, command=command, ready="/metrics")
    with started(kind, environment=triton_environment(), model=model, work=work, core=core) as server:
        yield server


def _start_front(props: Mapping[str, Any]) -> dict[str, int]:
    """The ports that it answers on. One that was free may be somebody else's by then; then it tries others."""
    folder = front.front_folder_of(props)
    for _ in range(_PORT_ATTEMPTS):
        ports = {name: free_port() for name in front.PORT_NAMES}
        try:
            process.start(folder, front.front_launch(props, ports))
        except (process.ProcessError, OSError) as error:
            raise BenchError(f"the front cannot be started: {error}") from None
        end = time.monotonic() + _OPEN_SECONDS
        while process.state_of(folder).running and time.monotonic() < end:
            # Refused for want of a token, or of a server: it answers.
            if _status(f"{_HOST}:{ports['http']}", {}) is not None:
                return ports
            time.sleep(0.05)
    raise BenchError(f"the front does not answer:\n{process.log_tail(folder)}")


def _front_pid(props: Mapping[str, Any]) -> int:
    record = records.read_record(front.front_folder_of(props) / records.PROCESS) or {}
    return int(record["child"]["pid"])


def _status(address: str, headers: Mapping[str, str]) -> int | None:
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", _READINESS_PATH, headers=dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
