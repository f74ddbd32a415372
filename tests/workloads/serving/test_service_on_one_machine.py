"""The real server behind the real front as `yard up` starts both on one machine, and clients with the stack's token."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from infra.local import process, records
from infra.local.access_token import AccessTokenProvider
from infra.local.folder import leftovers
from infra.local.front import front_properties
from infra.local.process_provider import folder_of
from infra.local.services import ServiceProvider
from infra.service_settings import AuthenticationSettings, LimitSettings
from tests.workloads.serving.service_process import (
    LABELS,
    expected_logits,
    release,
    service_document,
    some_images,
    wait_for,
)
from trainyard_serving.predict import LabelledImages, PredictionError, predict
from workloads.serving.component import READY_PATH, SERVER

pytestmark = pytest.mark.xdist_group("triton-on-one-machine")

MAX_BATCH_SIZE = 5
PLACES = ("http_port", "grpc_port", "metrics_port", "work_dir")


BACKEND = "triton_python_b"
"""What the system calls a process of Triton's Python backend, which has at most 15 letters."""


@dataclass(frozen=True)
class Running:
    """What runs, and the token that it takes."""

    props: dict[str, Any]
    outs: dict[str, Any]
    token: str
    manifest_uri: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def server(self) -> Any:
        """The server's process, as its supervisor has recorded it."""
        return (records.read_record(folder_of(self.props) / records.PROCESS) or {})["child"]

    def client(self, protocol: str) -> Any:
        return {"http": tritonclient.http, "grpc": tritonclient.grpc}[protocol].InferenceServerClient(
            self.outs["endpoints"][protocol]
        )


@pytest.fixture(scope="module")
def running(
    model_cloud: tuple[Any, str], triton_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    cloud, manifest_uri = model_cloud
    folder = tmp_path_factory.mktemp("stack")
    token = AccessTokenProvider().create({"audience": "trainyard-serving"}).outs or {}
    document = service_document(manifest_uri, cloud.key_uri, folder, max_batch_size=MAX_BATCH_SIZE)
    props = {
        "folder": str(folder),
        "name": "serving",
        "command": ["python", "-m", SERVER.module],
        "document": {name: value for name, value in document.items() if name not in PLACES},
        "environment": {**cloud.environment, "TRAINYARD_TRITON_VENV": str(triton_environment)},
        "version": "1",
        "revision": "1",
        "ports": {"http": 0, "grpc": 0, "metrics": 0},
        "readiness_path": READY_PATH,
        "readiness_deadline_seconds": 60,
        "grace_seconds": 40,
        "shared_memory": SERVER.shared_memory,
        "front": front_properties(AuthenticationSettings(), LimitSettings(), token["public_keys"]),
        "reread": ["releases"],
    }
    made = ServiceProvider().create(props)
    outs = made.outs or {}
    yield Running(props, outs, token["token"], manifest_uri)
    ServiceProvider().delete(made.id, outs)
    assert list(leftovers(folder)) == []


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_public_clients_are_answered_with_the_token_and_not_without(running: Running, protocol: Any) -> None:
    images = some_images(3).astype(np.float32)
    library = {"http": tritonclient.http, "grpc": tritonclient.grpc}[protocol]
    tensor = library.InferInput("image", images.shape, "FP32")
    tensor.set_data_from_numpy(images)
    with running.client(protocol) as client:
        answer = client.infer("digits", [tensor], headers=running.headers)
        np.testing.assert_allclose(answer.as_numpy("logits"), expected_logits(images), rtol=1e-4)
        for headers in (None, {"authorization": "Bearer nonsense"}):
            with pytest.raises(InferenceServerException) as refused:
                client.infer("digits", [tensor], headers=headers)
            assert refused.value.status() in ("401", "StatusCode.UNAUTHENTICATED")


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_nobody_controls_models_or_registers_memory(running: Running, protocol: Any) -> None:
    with running.client(protocol) as client:
        for ask in (
            lambda: client.unload_model("digits", headers=running.headers),
            lambda: client.load_model("digits", headers=running.headers),
            lambda: client.register_system_shared_memory("region", "/region", 8, headers=running.headers),
            lambda: client.get_model_repository_index(headers=running.headers),
        ):
            with pytest.raises(InferenceServerException) as refused:
                ask()
            assert refused.value.status() in ("404", "StatusCode.UNIMPLEMENTED")
        assert client.is_model_ready("digits", headers=running.headers)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_predict_shows_the_token_and_finds_out_how_many_images_are_taken(running: Running, protocol: Any) -> None:
    images = some_images(70)
    right = expected_logits(images).argmax(axis=1)
    address = running.outs["endpoints"][protocol]
    asked = LabelledImages(images, right)
    found = predict(address, "digits", asked, LABELS, protocol=protocol, token=running.token)
    assert [each.label for each in found] == [LABELS[label] for label in right]
    for token, told in (("", "asks for a token"), ("wrong", "does not take the token")):
        with pytest.raises(PredictionError, match=told):
            predict(address, "digits", asked, LABELS, protocol=protocol, token=token)


def test_the_running_server_takes_over_other_releases(running: Running) -> None:
    provider = ServiceProvider()
    server = running.server()
    beside = [release(running.manifest_uri), release(running.manifest_uri, version=2, percent=0)]
    changed = {**running.props, "document": {**running.props["document"], "releases": beside}}
    assert provider.diff("serving", running.outs, changed).replaces == []
    outs = provider.update("serving", running.outs, changed).outs or {}
    with running.client("http") as client:
        assert client.is_model_ready("digits", "2", headers=running.headers)

    missing = [release(running.manifest_uri.replace("manifest", "no-manifest"))]
    refused = {**changed, "document": {**changed["document"], "releases": missing}}
    with pytest.raises(process.ProcessError, match="serving goes on as before: ") as raised:
        provider.update("serving", outs, refused)
    assert "no-manifest" in str(raised.value)
    outs = provider.update("serving", outs, running.props).outs or {}
    with running.client("http") as client:
        assert client.is_model_ready("digits", "1", headers=running.headers)
        assert not client.is_model_ready("digits", "2", headers=running.headers)
    assert running.server() == server
    assert json.dumps(running.token) not in json.dumps(outs)


@pytest.mark.parametrize("victim", [BACKEND, "tritonserver", "python"])
def test_whichever_of_its_processes_is_killed_it_comes_back_by_itself(running: Running, victim: str) -> None:
    images = some_images(3).astype(np.float32)
    tensor = tritonclient.http.InferInput("image", images.shape, "FP32")
    tensor.set_data_from_numpy(images)

    def is_right() -> bool:
        try:
            with running.client("http") as client:
                answer = client.infer("digits", [tensor], headers=running.headers)
        except (InferenceServerException, OSError):
            return False
        return np.allclose(answer.as_numpy("logits"), expected_logits(images), rtol=1e-4)

    assert is_right()
    before = running.server()
    top = psutil.Process(before["pid"])

    def victims() -> list[psutil.Process]:
        found = []
        for each in [top, *top.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                if each.name().startswith(victim):
                    found.append(each)
        return found

    # A release that the test before has taken away may still have a process, whose end is nobody's loss.
    wait_for(lambda: victim != BACKEND or len(victims()) == 1, "one process of the backend", 60)
    victims()[0].kill()
    wait_for(lambda: running.server() not in (before, None), "the service to be started again", 60)
    wait_for(is_right, "right answers", 60)
