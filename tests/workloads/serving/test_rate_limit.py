"""``executions_at_once``: how many models the real server runs at the same time, seen by the models themselves."""

import base64
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tritonclient.grpc import model_config_pb2

from tests.workloads.serving.bare_server import bare_server
from tests.workloads.serving.service_process import WEIGHTS, Service, some_images, tiny_model
from tests.workloads.serving.test_release_rules import fetched, release, specification
from tests.workloads.serving.test_triton import arguments_for
from trainyard_serving.image_models import image_model_folders
from trainyard_serving.model_repository import ModelFolder
from trainyard_serving.server_files import service_folders
from trainyard_serving.triton import find_triton

pytestmark = pytest.mark.xdist_group("triton-rate-limit")

IMAGES = some_images(1).astype(np.float32)
LONGEST_WAIT_SECONDS = 30
# Of each execution: who is inside is known by a file for each, and that two were inside at once by another. It stays
# for a moment, or until two have been, and then answers as ever.
WATCH = f"""
import os, time
_execute = TritonPythonModel.execute

def _watched(self, requests):
    work_dir = Path(__file__).parents[3]
    mine = work_dir / "inside" / str(os.getpid())
    mine.touch()
    ends = time.monotonic() + ({LONGEST_WAIT_SECONDS} if (work_dir / "wait").exists() else 0.05)
    while time.monotonic() < ends and not (work_dir / "met").exists():
        if len(os.listdir(mine.parent)) > 1:
            (work_dir / "met").touch()
        time.sleep(0.002)
    mine.unlink()
    return _execute(self, requests)

TritonPythonModel.execute = _watched
"""


@contextmanager
def watched_server(triton_environment: Path, work_dir: Path, **changes: Any) -> Iterator[Service]:
    """A server of two releases and of the steps for images, whose models note whether they meet."""
    triton = find_triton({"TRAINYARD_TRITON_VENV": str(triton_environment)})
    releases = [release(1, 100), release(2, 0)]
    asked = specification(*releases, work_dir=str(work_dir), queue_delay_microseconds=0, **changes)
    (work_dir / "inside").mkdir(parents=True)
    models = []
    for each in releases:
        path = work_dir / f"{each.version}.onnx"
        path.write_bytes(tiny_model(each.version))
        models.append(replace(fetched(each, largest_value=16), model_path=str(path)))
    folders = {name: watched(folder) for name, folder in service_folders(triton, asked, models).items()}
    with bare_server(triton, asked, folders) as server:
        # Warming up, they may have met.
        (work_dir / "met").unlink(missing_ok=True)
        yield server


def watched(folder: ModelFolder) -> ModelFolder:
    """The folder with model code that notes who is inside: that of the decoder and the labels, too."""
    code = {
        path: ("from pathlib import Path\n" + text.partition('"""\n\n')[2] + WATCH)
        if path.endswith("/model.py")
        else text
        for path, text in folder.files.items()
    }
    return replace(folder, files=code)


def ask(server: Service, version: int) -> np.ndarray[Any, Any]:
    body = {"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 8, 8], "data": IMAGES.ravel().tolist()}]}
    answer = server.ask("POST", f"/v2/models/digits/versions/{version}/infer", json.dumps(body).encode())
    assert answer.status == 200, answer.body
    return np.array(answer.json()["outputs"][0]["data"])


def ask_with_image(server: Service) -> str:
    file = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(file, "PNG")
    headers = {"Inference-Header-Content-Length": "0"}
    answer = server.ask("POST", "/v2/models/digits-image/infer", file.getvalue(), headers)
    assert answer.status == 200, answer.body
    return base64.b64encode(answer.body).decode()


def test_without_a_limit_models_run_at_the_same_time(triton_environment: Path, tmp_path: Path) -> None:
    with watched_server(triton_environment, tmp_path / "work", images=False) as server:
        (server.work_dir / "wait").touch()
        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(lambda version: ask(server, version), [1, 2]))
        # One alone would have waited for the other in vain.
        assert (server.work_dir / "met").exists()
        np.testing.assert_allclose(answers[1], 2 * answers[0], rtol=1e-5)


def test_with_a_limit_of_one_no_model_runs_while_another_does(triton_environment: Path, tmp_path: Path) -> None:
    with watched_server(triton_environment, tmp_path / "work", executions_at_once=1, instances=2) as server:

        def work(number: int) -> Any:
            return ask_with_image(server) if number % 3 == 0 else ask(server, number % 3)

        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(work, range(18)))
        assert not (server.work_dir / "met").exists()
        expected = (IMAGES.reshape(1, 64) @ WEIGHTS).ravel()
        for number, answer in enumerate(answers):
            if number % 3:
                np.testing.assert_allclose(answer, number % 3 * expected, rtol=1e-4, atol=1e-3)
            else:
                assert answer == answers[0]


def test_the_server_is_told_how_many_and_each_model_that_it_counts() -> None:
    assert not [argument for argument in arguments_for() if "rate" in argument]
    limited = arguments_for(executions_at_once=3)
    assert {"--rate-limit=execution_count", "--rate-limit-resource=executions:3"} <= set(limited)
    asked = {"name": "digits", "max_batch_size": 8, "queue_delay_microseconds": 0, "max_queue_size": 0}
    for executions in (0, 3):
        folders = image_model_folders(
            fetched(release(1, 100), largest_value=16).manifest.model,
            **{**asked, "queue_timeout_microseconds": 0, "executions_at_once": executions},
        )
        parsed = {
            name: text_format.Parse(folder.configuration, model_config_pb2.ModelConfig())
            for name, folder in folders.items()
        }
        # The ensemble runs nothing itself.
        found = {
            name: [(each.name, each.count) for group in model.instance_group for each in group.rate_limiter.resources]
            for name, model in parsed.items()
        }
        counted = [("executions", 1)] if executions else []
        assert found == {"digits-decode": counted, "digits-label": counted, "digits-image": []}
