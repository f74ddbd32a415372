"""The benchmark's clients, against servers of this process: what they count, and what they refuse to count."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.serving_client import BINARY, FASTAPI_JSON, LITSERVE_JSON, V2_JSON, Answer, Dialect, ask

IMAGES = np.arange(3 * 2 * 2 * 2, dtype=np.float32).reshape(3, 2, 2, 2)
LOGITS = np.stack([[image.sum(), -image.sum(), 0.5] for image in IMAGES]).astype(np.float32)

Answering = Callable[[bytes], tuple[int, bytes]]


def logits_of(pixels: Any) -> list[float]:
    total = float(np.asarray(pixels, dtype=np.float32).sum())
    return [total, -total, 0.5]


def right(body: bytes) -> tuple[int, bytes]:
    return 200, json.dumps({"logits": logits_of(json.loads(body)["pixels"])}).encode()


@contextmanager
def server(answering: Answering) -> Iterator[str]:
    """HOST:PORT of a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, body = answering(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()


def asked(address: str, expected: NDArray[np.float32] = LOGITS, clients: int = 3) -> Any:
    messages = [FASTAPI_JSON.encode(image) for image in IMAGES]
    return ask(address, FASTAPI_JSON, messages, expected, clients=clients, seconds=0.05)


def test_every_answer_is_counted_and_all_clients_ask_at_the_same_time() -> None:
    together = threading.Barrier(3)
    answered: list[int] = []

    def answer(body: bytes) -> tuple[int, bytes]:
        if not answered:
            together.wait(10)
        answered.append(1)
        return right(body)

    with server(answer) as address:
        rung = asked(address)
    assert rung.clients == 3
    assert len(rung.milliseconds) == len(answered) >= 3
    assert rung.seconds >= 0.05
    assert all(each > 0 for each in rung.milliseconds)


def test_another_class_is_an_error_that_names_the_image() -> None:
    wrong = LOGITS[:, ::-1].copy()
    with server(right) as address, pytest.raises(BenchError, match="takes image 0 for class 0 of 3, not class 2 of 3"):
        asked(address, wrong, clients=1)


def test_the_right_class_with_other_logits_is_an_error() -> None:
    with server(right) as address, pytest.raises(BenchError, match="image 0 that are off by up to"):
        asked(address, LOGITS * 1.01, clients=1)


def test_one_wrong_answer_among_many_is_found() -> None:
    def answer(body: bytes) -> tuple[int, bytes]:
        is_last = json.loads(body)["pixels"] == IMAGES[2].tolist()
        return (200, b'{"logits": [0, 1, 0]}') if is_last else right(body)

    with server(answer) as address, pytest.raises(BenchError, match="takes image 2 for class 1 of 3"):
        asked(address, clients=3)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (503, b"overloaded", "answered with status 503: overloaded"),
        (200, b"{}", "an answer that cannot be read: KeyError"),
        (200, b"not JSON", "an answer that cannot be read: JSONDecodeError"),
        (200, b'{"logits": []}', "takes image 0 for nothing"),
        (200, b'{"logits": [9, 0]}', "takes image 0 for class 0 of 2, not"),
    ],
)
def test_an_answer_that_is_none_is_an_error_with_the_address(status: int, body: bytes, message: str) -> None:
    with server(lambda _: (status, body)) as address, pytest.raises(BenchError, match=message) as caught:
        asked(address, clients=1)
    assert address in str(caught.value)


def test_a_server_that_is_not_there_is_an_error_with_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(BenchError, match=f"http://{address}/predict could not be asked: "):
        asked(address)


@pytest.mark.parametrize(
    ("dialect", "pixels"),
    [(FASTAPI_JSON, "pixels"), (LITSERVE_JSON, "input")],
)
def test_the_web_services_get_nested_lists(dialect: Dialect, pixels: str) -> None:
    message = dialect.encode(IMAGES[1])
    assert json.loads(message.body) == {pixels: IMAGES[1].tolist()}
    assert message.headers == {"Content-Type": "application/json"}


def test_kserve_gets_one_tensor_with_the_batch_in_front() -> None:
    (tensor,) = json.loads(V2_JSON.encode(IMAGES[1]).body)["inputs"]
    assert (tensor["name"], tensor["shape"], tensor["datatype"]) == ("input", [1, 2, 2, 2], "FP32")
    assert tensor["data"] == IMAGES[1].ravel().tolist()
    answer = Answer(0, 200, b'{"outputs": [{"name": "logits", "shape": [1, 3], "data": [1, 2, 3]}]}', {})
    assert list(V2_JSON.decode(answer)) == [1, 2, 3]


def test_binary_tensors_are_the_images_bytes_behind_the_header() -> None:
    message = BINARY.encode(IMAGES[1])
    length = int(message.headers["Inference-Header-Content-Length"])
    header = json.loads(message.body[:length])
    assert message.body[length:] == IMAGES[1].tobytes()
    assert header["inputs"][0]["shape"] == [1, 2, 2, 2]
    assert header["outputs"] == [{"name": "logits", "parameters": {"binary_data": True}}]
    logits = np.array([[1.5, 2.5, 3.5]], dtype=np.float32)
    output = {"name": "logits", "shape": [1, 3], "datatype": "FP32", "parameters": {"binary_data_size": logits.nbytes}}
    head = json.dumps({"model_name": "classifier", "outputs": [output]}).encode()
    answer = Answer(0, 200, head + logits.tobytes(), {"Inference-Header-Content-Length": str(len(head))})
    assert list(BINARY.decode(answer)) == [1.5, 2.5, 3.5]
