"""What the service's tests share: a small model in the published format, and the service's process."""

import base64
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from infra.local.process import free_port
from trainyard_artifacts.envelope import SCHEME, Envelope
from trainyard_artifacts.manifest import (
    Artifact,
    CodeVersion,
    DataVersion,
    Encryption,
    Manifest,
    ModelSignature,
    TensorSignature,
    Variant,
    associated_data,
)
from trainyard_artifacts.signature import sign_manifest
from trainyard_artifacts.storage import ObjectStore
from trainyard_serving.triton import SHARED_MEMORY, shared_memory_prefix

LABELS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RUN = "0123456789ab"
MARKER = "a-phrase-that-only-the-model-holds"
READINESS_SECONDS = 60
END_SECONDS = 60
PORT_ATTEMPTS = 3
WEIGHTS = np.random.default_rng(11).normal(size=(64, 10)).astype(np.float32)
SIGNATURE = ModelSignature(
    input=TensorSignature(name="image", dtype="float32", shape=(None, 1, 8, 8)),
    output=TensorSignature(name="logits", dtype="float32", shape=(None, 10)),
    labels=LABELS,
)


def tiny_model(scale: float = 1) -> bytes:
    """One matrix: 8 x 8 pixels to ten logits, which are ``scale`` times what ``expected_logits`` says."""
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["image"], ["pixels"]),
            helper.make_node("MatMul", ["pixels", "weights"], ["logits"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(WEIGHTS * np.float32(scale), "weights")],
        doc_string=MARKER,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(onnx.ModelProto.SerializeToString(model))


def expected_logits(images: NDArray[Any]) -> NDArray[np.float32]:
    """What the model answers for (count, 1, 8, 8) or (count, 8, 8)."""
    return images.reshape(len(images), 64).astype(np.float32) @ WEIGHTS


def some_images(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Images of shape (count, 1, 8, 8) with values as in the data set."""
    return np.random.default_rng(seed).integers(0, 17, size=(count, 1, 8, 8), dtype=np.uint8)


def publish(
    models_uri: str,
    key_uri: str,
    *,
    signature: ModelSignature = SIGNATURE,
    model: bytes | None = None,
    variants: Mapping[str, bytes] | None = None,
    run: str = RUN,
    **changes: Any,
) -> str:
    """Publish a model as training does and return the manifest's URI; needs the cloud in this process's environment."""
    store, envelope = ObjectStore(models_uri), Envelope(key_uri)
    artifacts = []
    named = {name: f"model-{name}.onnx" for name in variants or {}}
    files = {"model.onnx": tiny_model() if model is None else model}
    for name, plaintext in (files | {named[name]: data for name, data in (variants or {}).items()}).items():
        ciphertext = envelope.encrypt(plaintext, associated_data("digits", run, name))
        store.put(f"{name}.tink", ciphertext)
        artifacts.append(
            Artifact(
                name=name,
                object=f"{name}.tink",
                bytes=len(plaintext),
                sha256=hashlib.sha256(plaintext).hexdigest(),
                ciphertext_sha256=hashlib.sha256(ciphertext).hexdigest(),
            )
        )
    manifest = Manifest(
        job="digits",
        run=run,
        created=datetime.now(UTC),
        data=DataVersion(index_sha256="0" * 64, train_examples=1437, test_examples=360, shards=8),
        code=CodeVersion(package="trainyard-training", version="0.1.0", sources_sha256="0" * 64),
        frameworks={},
        metrics={"test_accuracy": 0.99},
        model=signature,
        encryption=Encryption(key_uri=key_uri, scheme=SCHEME),
        artifacts=tuple(artifacts),
        variants=tuple(
            Variant(name=name, bytes=1, accuracy=0.99, latency_ms=1, artifact=artifact)
            for name, artifact in named.items()
        ),
    )
    published = manifest.model_copy(update=changes)
    store.put("manifest.json", sign_manifest(published, Envelope(published.encryption.key_uri).key))
    return f"{models_uri}/manifest.json"


def free_ports() -> dict[str, int]:
    """Three ports that were free a moment ago, and that the kernel gives to no connection meanwhile."""
    ports: set[int] = set()
    while len(ports) < 3:
        ports.add(free_port())
    return dict(zip(("http_port", "grpc_port", "metrics_port"), ports, strict=True))


def release(manifest_uri: str, version: int = 1, percent: int = 100, **changes: Any) -> dict[str, Any]:
    """A release of what ``publish`` has published."""
    return {"version": version, "manifest_uri": manifest_uri, "run": RUN, "percent": percent} | changes


def service_document(
    manifest_uri: str, key_uri: str, work_dir: Path, *, run: str = RUN, **changes: Any
) -> dict[str, Any]:
    """A valid service specification, of one release unless ``releases`` are among the changes."""
    return {
        "service": "digits",
        "job": "digits",
        "releases": [release(manifest_uri, run=run)],
        "encryption_key_uri": key_uri,
        "model_name": "digits",
        **free_ports(),
        "work_dir": str(work_dir),
        "max_batch_size": 64,
        "queue_delay_microseconds": 500,
    } | changes


def run_to_its_end(
    document: dict[str, Any], directory: Path, environment: dict[str, str], *stage: str
) -> tuple[int, str]:
    """Run a service that is expected to end by itself; its exit code and output."""
    ended = subprocess.run(
        _command(document, directory, *stage),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=END_SECONDS,
        check=False,
    )
    return ended.returncode, ended.stdout


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Service:
    """A service that answers."""

    process: "subprocess.Popen[bytes]"
    document: dict[str, Any]
    log: Path

    @property
    def http(self) -> str:
        return f"127.0.0.1:{self.document['http_port']}"

    @property
    def grpc(self) -> str:
        address = f"unix:{self.document['socket_dir']}/grpc" if "socket_dir" in self.document else "127.0.0.1"
        return f"{address}:{self.document['grpc_port']}"

    @property
    def work_dir(self) -> Path:
        return Path(self.document["work_dir"])

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """What is answered over HTTP, whatever the status."""
        connection = self._connection("http")
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def metrics(self) -> str:
        connection = self._connection("metrics")
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def stubs(self) -> list[psutil.Process]:
        """The processes of the Python backend."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def shared_memory(self) -> list[Path]:
        return list(SHARED_MEMORY.glob(f"{shared_memory_prefix(str(self.work_dir))}*"))

    def is_ready(self) -> bool:
        try:
            # Triton opens the port of its metrics last, when it has long been ready to infer.
            return self.ask("GET", "/v2/health/ready").status == 200 and bool(self.metrics())
        except (OSError, HTTPException):
            return False

    def _connection(self, what: str) -> HTTPConnection:
        connection = HTTPConnection("127.0.0.1", self.document[f"{what}_port"], timeout=END_SECONDS)
        if "socket_dir" in self.document:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(END_SECONDS)
            connection.sock.connect(f"{self.document['socket_dir']}/{what}")
        return connection


@contextmanager
def running_service(
    document: dict[str, Any], directory: Path, environment: dict[str, str], *stage: str
) -> Iterator[Service]:
    """A service, from its readiness on; killed at the end if it still runs. A port lost to a race is chosen again."""
    for attempt in range(PORT_ATTEMPTS):
        log = directory / f"service-{attempt}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                _command(document, directory, *stage), env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        service = Service(process, document, log)
        try:
            if _wait_until_ready(service):
                yield service
                return
        finally:
            end(service)
        if attempt + 1 < PORT_ATTEMPTS and "in use" in log.read_text():
            document = {**document, **free_ports()}
        else:
            raise AssertionError(f"the service ended with {process.returncode}:\n{log.read_text()}")


def end(service: Service) -> None:
    """Kill what is left of the service and remove its shared memory."""
    left = service.stubs() if service.process.poll() is None else []
    service.process.kill()
    service.process.wait()
    for process in left:
        if process.is_running():
            process.kill()
    psutil.wait_procs(left)
    for path in service.shared_memory():
        path.unlink(missing_ok=True)


def wait_for(condition: Any, what: str, seconds: float = 30) -> None:
    """Wait until ``condition()`` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def files_with_the_model(directory: Path) -> list[Path]:
    """Regular files below ``directory`` that hold the decrypted model."""
    marker = MARKER.encode()
    needles = (marker, base64.b64encode(marker), WEIGHTS.tobytes()[:64])
    files = [path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if any(needle in path.read_bytes() for needle in needles)]


def stop(service: Service) -> int:
    """Ask the service to stop and return its exit code."""
    service.process.send_signal(signal.SIGTERM)
    return service.process.wait(END_SECONDS)


def service_environment(cloud_environment: dict[str, str], triton: Path, **changes: str) -> dict[str, str]:
    """The variables of the service's process."""
    system = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**system, **cloud_environment, "TRAINYARD_TRITON_VENV": str(triton), "OMP_NUM_THREADS": "1", **changes}


def _command(document: dict[str, Any], directory: Path, *stage: str) -> list[str]:
    path = directory / "SERVICE.json"
    path.write_text(json.dumps(document))
    return [sys.executable, "-m", "trainyard_serving", *stage, str(path)]


def _wait_until_ready(service: Service) -> bool:
    deadline = time.monotonic() + READINESS_SECONDS
    while service.process.poll() is None:
        if service.is_ready():
            return True
        assert time.monotonic() < deadline, f"not ready after {READINESS_SECONDS} s:\n{service.log.read_text()}"
        time.sleep(0.05)
    return False
