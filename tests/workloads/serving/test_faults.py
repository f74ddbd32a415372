"""Faults of the whole service, tritonserver behind the front that is deployed: clear errors, and it goes on.

No room on the disk, requests that are too large, clients that never finish, the model's process killed under load.
"""

import contextlib
import dataclasses
import json
import re
import select
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
import pytest
from tritonclient.grpc import service_pb2

from infra.service_settings import AuthenticationSettings, LimitSettings
from tests.infra.kubernetes.service.front_process import (
    INFER,
    RunningFront,
    front_for,
    running_front,
    without_envoy,
)
from tests.workloads.serving.service_process import (
    END_SECONDS,
    Service,
    expected_logits,
    running_service,
    service_document,
    service_environment,
    some_images,
    wait_for,
)
from trainyard_serving.exit_status import ExitStatus

pytestmark = pytest.mark.xdist_group("triton-faults")

LIMITS = LimitSettings(request_mib=1 / 16, concurrent_requests=8, connections=30)
LARGEST = 65_536
NO_ROOM_BYTES = 4_096
"""More than the model, which is in a file in memory, and less than the code that is written for it."""
SMALL_FILES = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({NO_ROOM_BYTES}, {NO_ROOM_BYTES}))
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Becomes the program that its arguments name, of which no file may be larger."""
SLOW_HEAD = b"POST /v2 HTTP/1.1\r\nHost: front\r\nX-Slow: "
IMAGES = some_images(1).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Fronted:
    """The service, its front, and how to start it once more."""

    service: Service
    front: RunningFront
    again: Callable[[Path], contextlib.AbstractContextManager[Service]]
    slow: socket.socket
    """A connection whose request was begun before everything else, and never ends."""


@pytest.fixture(scope="module")
def no_room(model_cloud: Any, triton_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    """What a service said whose files did not fit where they were to be, and the document that it was started with."""
    cloud, manifest_uri = model_cloud
    folder = tmp_path_factory.mktemp("faults")
    document = service_document(manifest_uri, cloud.key_uri, folder / "work", drain_seconds=1)
    environment = service_environment(cloud.environment, triton_environment, OMP_NUM_THREADS="1")
    specification = folder / "SERVICE.json"
    specification.write_text(json.dumps(document))
    ended = subprocess.run(
        [sys.executable, "-c", SMALL_FILES, sys.executable, "-m", "trainyard_serving", str(specification)],
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=END_SECONDS,
        check=False,
    )
    left = [path for path in (folder / "work").rglob("*") if not path.is_dir()]
    return document, environment, ended, left


@pytest.fixture(scope="module")
def fronted(no_room: tuple[Any, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    """The service that had no room before, with its front."""
    if reason := without_envoy():
        pytest.skip(reason)
    document, environment, *_ = no_room
    folder = tmp_path_factory.mktemp("fronted")
    asked = front_for(AuthenticationSettings(mechanism="none"), limits=LIMITS)

    def again(directory: Path) -> contextlib.AbstractContextManager[Service]:
        directory.mkdir()
        return running_service(document, directory, environment)

    with (
        again(folder / "first") as service,
        running_front(
            asked,
            folder / "front",
            http=service.document["http_port"],
            grpc=service.document["grpc_port"],
            server_metrics=service.document["metrics_port"],
        ) as front,
        socket.create_connection(("127.0.0.1", front.ports.clients), timeout=END_SECONDS) as slow,
    ):
        slow.sendall(SLOW_HEAD)
        yield Fronted(service, front, again, slow)


def ask_by_http(front: RunningFront) -> str:
    """The status, and what is wrong with the answer."""
    tensor = {"name": "image", "datatype": "FP32", "shape": [1, 1, 8, 8], "data": IMAGES.ravel().tolist()}
    answer = front.ask(INFER, body=json.dumps({"inputs": [tensor]}))
    if answer.status != 200:
        return f"HTTP {answer.status}: {answer.body.decode()}"
    return _compared(json.loads(answer.body)["outputs"][0]["data"])


def ask_by_grpc(front: RunningFront) -> str:
    """The status, and what is wrong with the answer."""
    request = service_pb2.ModelInferRequest(model_name="digits", raw_input_contents=[IMAGES.tobytes()])
    request.inputs.add(name="image", datatype="FP32", shape=[1, 1, 8, 8])
    try:
        answer = service_pb2.ModelInferResponse.FromString(front.infer_by_grpc(request.SerializeToString(), None))
    except grpc.RpcError as error:
        return f"gRPC {error.code().name}: {error.details()}"
    return _compared(np.frombuffer(answer.raw_output_contents[0], np.float32))


def _compared(logits: Any) -> str:
    found = np.asarray(logits, np.float32).reshape(1, 10)
    return "right" if np.allclose(found, expected_logits(IMAGES), rtol=1e-5, atol=1e-4) else f"wrong: {found}"


ASKS = (ask_by_http, ask_by_grpc)


def require_right(front: RunningFront) -> None:
    assert [ask(front) for ask in ASKS] == ["right"] * 2


def require_refused_for_room(exit_code: int, output: str) -> None:
    assert exit_code == ExitStatus.CANNOT_WRITE, output
    assert len([line for line in output.splitlines() if line.startswith("error: ")]) == 1, output
    assert "Traceback" not in output


def test_without_room_for_its_files_it_says_so_and_leaves_none(no_room: tuple[Any, ...]) -> None:
    _, _, ended, left = no_room
    require_refused_for_room(ended.returncode, ended.stdout)
    assert re.search(r"File too large: '/.*/model_repository/digits/.*'", ended.stdout)
    assert left == []


def test_a_full_disk_is_told_and_nothing_is_left_on_it(no_room: tuple[Any, ...], tmp_path: Path) -> None:
    # A disk of one page: the first file fits, the next does not. A link to a long path takes a page, too, so which file
    # is the next depends on where the project lies.
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=4k tmpfs {disk}"
    unshared = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if not shutil.which("unshare") or subprocess.run([*unshared, mount], capture_output=True, check=False).returncode:
        pytest.skip(
            "a disk of one page needs a mount in a user namespace of its own, which this machine does not allow"
        )
    document, environment, *_ = no_room
    specification = tmp_path / "SERVICE.json"
    specification.write_text(json.dumps({**document, "runtime_dir": str(disk), "work_dir": str(tmp_path / "work")}))
    script = f'{mount}; "$@"; code=$?; find {disk} ! -type d; exit $code'
    ended = subprocess.run(
        [*unshared, script, "sh", sys.executable, "-m", "trainyard_serving", str(specification)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=END_SECONDS,
        check=False,
    )
    require_refused_for_room(ended.returncode, ended.stdout)
    assert re.search(rf"No space left on device: .*'{disk}/", ended.stdout)
    assert not [line for line in ended.stdout.splitlines() if line.startswith(f"{disk}/")]


def test_once_there_is_room_it_serves(fronted: Fronted) -> None:
    require_right(fronted.front)


def test_a_request_that_is_too_large_is_refused_as_that_and_no_other_is(fronted: Fronted) -> None:
    front = fronted.front
    assert front.ask(INFER, body=bytes(LARGEST + 1)).status == 413
    claimed = front.ask(INFER, body=b"", **{"content-length": str(10**12)})
    assert (claimed.status, json.loads(claimed.body)) == (413, {"error": "content length too large"})
    with pytest.raises(grpc.RpcError) as refused:
        front.infer_by_grpc(bytes(LARGEST + 1), None)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refused.value.details() == "request too long"
    # As large as may be, and nonsense: that is for the server to say.
    answer = front.ask(INFER, body=bytes(LARGEST))
    assert answer.status == 500
    assert "failed to parse the request JSON" in json.loads(answer.body)["error"]
    assert front.ask(INFER, body=b"{}", **{"x-large": "a" * 70_000}).status == 431
    require_right(front)


def test_more_connections_than_it_takes_are_closed_and_the_kubelet_is_answered(fronted: Fronted) -> None:
    front = fronted.front

    def still_open() -> int:
        # Nobody says anything to these clients, so what can be read is the end.
        return len(connections) - len(select.select(connections, [], [], 0)[0])

    wait_for(lambda: front.open_connections() <= 1, "the connections of others to be gone")
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", front.ports.clients), timeout=END_SECONDS))
            for _ in range(2 * int(LIMITS.connections))
        ]
        wait_for(lambda: still_open() < LIMITS.connections, "the connections to be closed")
        assert still_open() > LIMITS.connections // 2
        assert front.ask("/v2/health/ready", port=front.ports.health).status == 200
        with pytest.raises(ConnectionError):
            front.ask("/v2")
    wait_for(lambda: front.open_connections() <= 1, "the connections to be gone")
    require_right(front)


def test_the_models_process_killed_under_load_is_told_to_each_client_and_a_new_start_serves_the_same_front(
    fronted: Fronted, tmp_path: Path
) -> None:
    service, front = fronted.service, fronted.front
    seen: list[list[str]] = [[] for _ in range(6)]
    ended = threading.Event()

    def client(number: int) -> None:
        while not ended.wait(0.02):
            seen[number].append(ASKS[number % 2](front))

    with futures.ThreadPoolExecutor(len(seen)) as threads:
        clients = [threads.submit(client, number) for number in range(len(seen))]
        try:
            wait_for(lambda: all(len(each) >= 3 for each in seen), "all clients to be answered")
            (stub,) = [each for each in service.stubs() if each.name().startswith("triton_python_b")]
            processes = service.stubs()
            stub.kill()
            service.process.wait(END_SECONDS)
            _, alive = psutil.wait_procs(processes, timeout=END_SECONDS)
            assert alive == []
            wait_for(lambda: all(each[-1] != "right" for each in seen), "all clients to be told")
            refused = front.ask("/v2/health/ready")
            assert (refused.status, refused.headers.get("retry-after")) == (503, "1")
            with fronted.again(tmp_path / "again"):
                wait_for(lambda: all(each[-1] == "right" for each in seen), "all clients to be answered again")
                ended.set()
                # Every client has an answer to every request of its own.
                for each in clients:
                    each.result(END_SECONDS)
        finally:
            ended.set()
    assert {answer for each in seen for answer in each if not _is_clear(answer)} == set()


def test_a_client_that_never_finishes_its_request_is_told_so_and_let_go(fronted: Fronted) -> None:
    answer = b""
    while received := fronted.slow.recv(4_096):
        answer += received
    assert answer.startswith(b"HTTP/1.1 408 ")


def _is_clear(answer: str) -> bool:
    """Whether it is right, or says that it is the service that failed."""
    clear = ('HTTP 500: {"error":"', 'HTTP 503: {"error":"', "gRPC INTERNAL: ", "gRPC UNAVAILABLE: ")
    # What a server says that has let its model go and is about to end, and that ends with calls under way.
    ending = "has no available versions" in answer or answer == "gRPC CANCELLED: CANCELLED"
    return answer == "right" or ending or (answer.startswith(clear) and not answer.endswith(": "))
