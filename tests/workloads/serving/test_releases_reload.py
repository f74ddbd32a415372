"""Releases exchanged while the service runs, under load; what cannot be exchanged; and how such a service ends."""

import concurrent.futures
import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
import tritonclient.grpc
from onnx import TensorProto, helper, numpy_helper
from tritonclient.utils import InferenceServerException

from tests.workloads.serving.service_process import (
    END_SECONDS,
    Service,
    expected_logits,
    files_with_the_model,
    publish,
    release,
    running_service,
    service_document,
    service_environment,
    some_images,
    stop,
    tiny_model,
    wait_for,
)
from trainyard_artifacts.envelope import SCHEME
from trainyard_artifacts.manifest import Encryption
from trainyard_serving.exit_status import ExitStatus

pytestmark = pytest.mark.xdist_group("triton-releases-reload")

OTHER_RUN = "ba9876543210"
CLIENTS = 4
IMAGES = some_images(2).astype(np.float32)


@pytest.fixture(scope="module")
def cloud(_object_server: Any) -> Any:
    return _object_server


@pytest.fixture(scope="module")
def folder(cloud: Any) -> Iterator[str]:
    """Where this module's models are, with the cloud in this process's environment: ``one`` and ``other``."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        place = f"s3://{cloud.models_bucket}/reload/{os.getpid()}"
        publish(f"{place}/one", cloud.key_uri)
        publish(f"{place}/other", cloud.key_uri, run=OTHER_RUN, model=tiny_model(2))
        yield place


@contextmanager
def supervised(
    cloud: Any, triton: Path, directory: Path, folder: str, sockets: Path, **changes: Any
) -> Iterator[Service]:
    manifest_uri = f"{folder}/one/manifest.json"
    document = service_document(manifest_uri, cloud.key_uri, directory / "work", socket_dir=str(sockets), **changes)
    with running_service(document, directory, service_environment(cloud.environment, triton)) as service:
        wait_for((service.work_dir / "releases.json").exists, "the service to say what it serves")
        yield service


@pytest.fixture(scope="module")
def service(
    cloud: Any, folder: str, triton_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service whose releases can be exchanged."""
    directory = tmp_path_factory.mktemp("reload")
    with supervised(cloud, triton_environment, directory, folder, directory / "s") as running:
        yield running


def one(folder: str, version: int = 1, percent: int = 100) -> dict[str, Any]:
    return release(f"{folder}/one/manifest.json", version, percent)


def other(folder: str, version: int = 2, percent: int = 100) -> dict[str, Any]:
    return release(f"{folder}/other/manifest.json", version, percent, run=OTHER_RUN)


def exchange(service: Service, releases: Sequence[dict[str, Any]] | str, **changes: Any) -> dict[str, Any]:
    """What the service says after it was asked to serve these, or what a whole text says."""
    text = releases if isinstance(releases, str) else json.dumps(service.document | {"releases": releases} | changes)
    (service.log.parent / "SERVICE.json").write_text(text)
    service.process.send_signal(signal.SIGHUP)
    digest = hashlib.sha256(text.encode()).hexdigest()
    record = service.work_dir / "releases.json"
    wait_for(lambda: json.loads(record.read_text())["document_sha256"] == digest, "the new document to be acted on")
    told: dict[str, Any] = json.loads(record.read_text())
    return told


def infer(client: Any, version: str = "") -> int:
    """How many times the first model's logits are answered."""
    request = tritonclient.grpc.InferInput("image", IMAGES.shape, "FP32")
    request.set_data_from_numpy(IMAGES)
    answer = client.infer("digits", [request], model_version=version).as_numpy("logits")
    (scale,) = {round(float(ratio)) for ratio in (answer / expected_logits(IMAGES)).ravel()}
    return int(scale)


def ask(service: Service, version: str = "") -> int:
    with tritonclient.grpc.InferenceServerClient(service.grpc) as client:
        return infer(client, version)


@contextmanager
def steady_load(service: Service) -> Iterator[Counter[int]]:
    """Requests without a version by several clients; what is answered, once this ends. A failed one is an error."""
    answered: Counter[int] = Counter()
    over = threading.Event()

    def client() -> Counter[int]:
        found: Counter[int] = Counter()
        with tritonclient.grpc.InferenceServerClient(service.grpc) as connection:
            while not over.wait(0.01):
                found[infer(connection)] += 1
        return found

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as threads:
        clients = [threads.submit(client) for _ in range(CLIENTS)]
        try:
            yield answered
        finally:
            over.set()
            for each in clients:
                answered.update(each.result())


def test_canary_promotion_and_rollback_lose_no_request(service: Service, folder: str) -> None:
    assert exchange(service, [one(folder)])["error"] is None
    with steady_load(service) as answered:
        canary = exchange(service, [one(folder, percent=80), other(folder, percent=20)])
        assert (ask(service, "1"), ask(service, "2")) == (1, 2)
        promoted = exchange(service, [one(folder, percent=0), other(folder)])
        assert {ask(service) for _ in range(5)} == {2}
        rolled_back = exchange(service, [one(folder)])
        assert {ask(service) for _ in range(5)} == {1}
    assert [told["error"] for told in (canary, promoted, rolled_back)] == [None] * 3
    run = {"version": 1, "run": "0123456789ab", "variant": ""}
    new = {"version": 2, "run": OTHER_RUN, "variant": ""}
    assert canary["releases"] == [{**run, "percent": 80}, {**new, "percent": 20}]
    assert promoted["releases"] == [{**run, "percent": 0}, {**new, "percent": 100}]
    assert rolled_back["releases"] == [{**run, "percent": 100}]
    assert set(answered) == {1, 2}
    assert min(answered.values()) > CLIENTS
    assert files_with_the_model(service.log.parent) == []


def model_that_fails_to_run() -> bytes:
    """It loads, and its tensors are what the manifest says, but its inner shape fits no single image."""
    graph = helper.make_graph(
        [
            helper.make_node("Reshape", ["image", "shape"], ["pixels"]),
            helper.make_node("Add", ["pixels", "zero"], ["logits"]),
        ],
        "bad",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        [
            numpy_helper.from_array(np.array([-1, 10], np.int64), "shape"),
            numpy_helper.from_array(np.zeros(10, np.float32), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(onnx.ModelProto.SerializeToString(model))


def bad_exchanges(cloud: Any, folder: str, service: Service) -> Iterator[tuple[str, dict[str, Any]]]:
    """What has to be told, and what is, for each release or document that cannot be served."""
    altered = publish(f"{folder}/altered", cloud.key_uri)
    key = f"{folder.split('/', 3)[3]}/altered/model.onnx.tink"
    data = bytearray(cloud.client("s3").get_object(Bucket=cloud.models_bucket, Key=key)["Body"].read())
    data[-1] ^= 1
    cloud.client("s3").put_object(Bucket=cloud.models_bucket, Key=key, Body=bytes(data))
    another_key = publish(
        f"{folder}/key", cloud.key_uri, encryption=Encryption(key_uri=cloud.other_key_uri, scheme=SCHEME)
    )
    broken = publish(f"{folder}/broken", cloud.key_uri, model=model_that_fails_to_run())
    for expected, uri in (
        ("model.onnx.tink as stored was altered", altered),
        ("its encryption key is", another_key),
        ("nowhere/manifest.json", f"{folder}/nowhere/manifest.json"),
        ("the server cannot load digits: load failed for model 'digits': version 2", broken),
    ):
        yield expected, exchange(service, [one(folder), release(uri, 2, 0)])
    variant = {**other(folder, percent=0), "variant": "int8"}
    yield "lists no variant 'int8'", exchange(service, [one(folder), variant])
    yield "add up to 100, and are 99", exchange(service, [one(folder, percent=99)])
    yield "for the changes of max_batch_size", exchange(service, [one(folder)], max_batch_size=32)
    yield "JSON", exchange(service, "{")


def test_what_cannot_be_served_is_told_and_the_old_release_goes_on(cloud: Any, service: Service, folder: str) -> None:
    before = exchange(service, [one(folder)])["releases"]
    with steady_load(service) as answered:
        for expected, told in bad_exchanges(cloud, folder, service):
            assert expected in told["error"]
            assert "\n" not in told["error"]
            assert told["releases"] == before
            assert service.is_ready()
    assert set(answered) == {1}
    assert "Traceback" not in service.log.read_text()
    # And it is not stuck with that.
    assert exchange(service, [other(folder)])["error"] is None
    assert ask(service) == 2


def test_it_listens_on_sockets_of_its_owner_only_and_its_parent_stays_small(service: Service) -> None:
    parent = psutil.Process(service.process.pid)
    (server,) = [each for each in parent.children() if each.name() == "tritonserver"]
    for each in (parent, *service.stubs()):
        # That of a release that has just been let go may end meanwhile.
        with contextlib.nullcontext() if each == parent else contextlib.suppress(psutil.NoSuchProcess):
            assert [found for found in each.net_connections("tcp") if found.status == psutil.CONN_LISTEN] == []
            assert each.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert not [name for name in server.environ() if name.startswith("AWS_")]
    sockets = Path(service.document["socket_dir"])
    assert sockets.stat().st_mode & 0o077 == 0
    assert {path.name for path in sockets.iterdir()} == {"http", f"grpc:{service.document['grpc_port']}", "metrics"}
    loaded = {Path(region.path).name for region in parent.memory_maps()}
    assert not [name for name in loaded if "onnxruntime" in name or "tink" in name or "numpy" in name]
    with (
        tritonclient.grpc.InferenceServerClient(service.grpc) as client,
        pytest.raises(InferenceServerException, match="trainyard-closed"),
    ):
        client.unload_model("digits")


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, ExitStatus.DONE), (signal.SIGKILL, -signal.SIGKILL)])
def test_asked_to_end_or_killed_while_it_fetches_it_leaves_no_process(
    cloud: Any, triton_environment: Path, tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    document = service_document(
        "s3://models/m/manifest.json", cloud.key_uri, tmp_path / "w", socket_dir=str(tmp_path / "s")
    )
    (tmp_path / "SERVICE.json").write_text(json.dumps(document))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "trainyard_serving", str(tmp_path / "SERVICE.json")],
            env=service_environment(cloud.environment, triton_environment, AWS_ENDPOINT_URL=endpoint),
        )
        silent.accept()[0].close()
        children = psutil.Process(process.pid).children()
        assert children
        process.send_signal(number)
        assert process.wait(END_SECONDS) == expected
        assert psutil.wait_procs(children, timeout=END_SECONDS)[1] == []


def test_however_it_ends_all_of_it_does_and_it_can_be_started_anew(
    cloud: Any, folder: str, triton_environment: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sockets = tmp_path_factory.mktemp("s")
    started = partial(
        supervised, cloud, triton_environment, tmp_path, folder, sockets, queue_delay_microseconds=2_000_000
    )

    def ended(processes: list[psutil.Process]) -> bool:
        return psutil.wait_procs(processes, timeout=END_SECONDS)[1] == []

    with started() as service:
        processes = service.stubs()
        (stub,) = [process for process in processes if process.name().startswith("triton_python_b")]
        stub.kill()
        # Nobody has asked it to end, so whoever started it is to see that it failed.
        assert service.process.wait(END_SECONDS) == ExitStatus.FAILED
        assert ended(processes)
    with started() as service:
        processes = service.stubs()
        service.process.kill()
        service.process.wait()
        assert ended(processes)
    with started() as service, concurrent.futures.ThreadPoolExecutor(1) as thread:
        processes = service.stubs()
        waiting = thread.submit(ask, service)
        pending = 'nv_inference_pending_request_count{model="digits",version="1"} 1'
        wait_for(lambda: pending in service.metrics(), "the request to be in the queue")
        assert stop(service) == ExitStatus.DONE
        assert waiting.result() == 1
        assert ended(processes)
        assert service.shared_memory() == []
        assert files_with_the_model(tmp_path) == []
