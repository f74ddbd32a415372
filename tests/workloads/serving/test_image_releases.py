"""Images while releases are exchanged on one machine: each is answered, by the old release or the new one."""

import http.client
import io
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.workloads.serving.service_process import (
    END_SECONDS,
    LABELS,
    SIGNATURE,
    expected_logits,
    publish,
    release,
    service_document,
    service_environment,
    some_images,
    wait_for,
)

pytestmark = pytest.mark.xdist_group("triton-images")

DIGIT = some_images(1, seed=3)[0, 0]
LABEL = LABELS[int(expected_logits(DIGIT[np.newaxis]).argmax())]


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=END_SECONDS)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.rint(DIGIT * (255 / 16)).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@contextmanager
def asked_all_the_time(path: Path) -> Iterator[list[tuple[int, bytes]]]:
    """Answers of four clients that send an image, wait for its answer, and send it again."""
    answers: list[tuple[int, bytes]] = []
    done = threading.Event()

    def ask() -> None:
        connection = UnixConnection(path)
        while not done.is_set():
            connection.request(
                "POST", "/v2/models/digits-image/infer", picture(), {"Inference-Header-Content-Length": "0"}
            )
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
        connection.close()

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        yield answers
    finally:
        done.set()
        for client in clients:
            client.join()


def record(work_dir: Path) -> Any:
    path = work_dir / "releases.json"
    return json.loads(path.read_bytes()) if path.exists() else {"releases": []}


def serves(work_dir: Path, version: int) -> bool:
    return any(each["version"] == version for each in record(work_dir)["releases"])


def wait_for_more(answers: list[Any], count: int) -> None:
    before = len(answers)
    wait_for(lambda: len(answers) >= before + count, "answers")


def test_no_image_is_lost_while_releases_are_exchanged(
    model_cloud: tuple[Any, str], triton_environment: Path, tmp_path: Path
) -> None:
    cloud, manifest_uri = model_cloud
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        signature = SIGNATURE.model_copy(update={"largest_value": 16})
        manifest_uri = publish(f"{manifest_uri.rpartition('/')[0]}-images", cloud.key_uri, signature=signature)
    sockets = tmp_path / "s"
    sockets.mkdir(mode=0o700)
    document = service_document(manifest_uri, cloud.key_uri, tmp_path / "work", socket_dir=str(sockets))
    specification = tmp_path / "SERVICE.json"
    specification.write_text(json.dumps(document))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "trainyard_serving", str(specification)],
            env=service_environment(cloud.environment, triton_environment),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: record(tmp_path / "work")["releases"] or process.poll() is not None, "the service", 60)
        assert process.poll() is None, (tmp_path / "log").read_text()
        with asked_all_the_time(sockets / "http") as answers:
            for version, percent in ((2, 100), (3, 40)):
                others = [release(manifest_uri, version=1, percent=100 - percent)]
                document["releases"] = [*others, release(manifest_uri, version=version, percent=percent)]
                specification.write_text(json.dumps(document))
                wait_for_more(answers, 1)
                process.send_signal(signal.SIGHUP)
                wait_for(partial(serves, tmp_path / "work", version), "the change")
                assert record(tmp_path / "work")["error"] is None
                wait_for_more(answers, 20)
        assert {status for status, _ in answers} == {200}, answers[-1]
        assert {body[-len(LABEL) :] for _, body in answers} == {LABEL.encode()}
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_SECONDS) == 0
    finally:
        below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        process.wait()
        for each in below:
            if each.is_running():
                each.kill()
