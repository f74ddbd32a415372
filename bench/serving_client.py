"""The clients that all servers are asked by: so many at once, each with a connection that it keeps, in one process.

A client sends one image, waits for the answer, and sends the next. What it sends is encoded before the clock starts and
answers are decoded when it has stopped: the servers are measured, and not Python's JSON. Every answer is compared.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.serving_ladder import Rung

TOLERANCE = 1e-3
"""Between two logits, which are of the order of 1; a wrong image is off by more."""

_LONGEST_SECONDS = 30.0
BINARY_LENGTH = "Inference-Header-Content-Length"
"""The header with the bytes of a message's JSON; what follows is not JSON."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request, ready to be sent."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, not looked at yet."""

    image: int
    """Which one was sent."""
    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a server is spoken to."""

    name: str
    path: str
    encode: Callable[[NDArray[np.float32]], Message]
    """An image (channels, height, width)."""
    decode: Callable[[Answer], Sequence[float]]
    """Its logits."""


def _json(document: Mapping[str, Any]) -> Message:
    return Message(json.dumps(document).encode(), {"Content-Type": "application/json"})


def _v2_json(image: NDArray[np.float32]) -> Message:
    tensor = {"name": "input", "shape": [1, *image.shape], "datatype": "FP32", "data": image.ravel().tolist()}
    return _json({"inputs": [tensor]})


def _v2_binary(image: NDArray[np.float32]) -> Message:
    from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

    tensor = InferInput("input", [1, *image.shape], "FP32")
    tensor.set_data_from_numpy(image[np.newaxis], binary_data=True)
    body, length = InferenceServerClient.generate_request_body(
        [tensor], outputs=[InferRequestedOutput("logits", binary_data=True)]
    )
    return Message(bytes(body), {BINARY_LENGTH: str(length)})


def _from_v2_json(answer: Answer) -> Sequence[float]:
    return list(json.loads(answer.body)["outputs"][0]["data"])


def _from_v2_binary(answer: Answer) -> Sequence[float]:
    from tritonclient.http import InferenceServerClient

    parsed = InferenceServerClient.parse_response_body(answer.body, header_length=int(answer.headers[BINARY_LENGTH]))
    return [float(each) for each in parsed.as_numpy("logits")[0]]


MODEL = "classifier"
"""What the servers that have names for models call it."""
_V2_PATH = f"/v2/models/{MODEL}/infer"

BINARY = Dialect("binary tensors", _V2_PATH, _v2_binary, _from_v2_binary)
"""KServe v2 with the tensor's bytes behind the JSON, written and read by the public tritonclient."""
V2_JSON = Dialect("JSON", _V2_PATH, _v2_json, _from_v2_json)
"""KServe v2, the numbers as JSON."""
FASTAPI_JSON = Dialect(
    "JSON",
    "/predict",
    lambda image: _json({"pixels": image.tolist()}),
    lambda answer: list(json.loads(answer.body)["logits"]),
)
LITSERVE_JSON = Dialect(
    "JSON",
    "/predict",
    lambda image: _json({"input": image.tolist()}),
    lambda answer: list(json.loads(answer.body)["output"]),
)


def ask(
    address: str,
    dialect: Dialect,
    messages: Sequence[Message],
    expected: NDArray[np.float32],
    *,
    clients: int,
    seconds: float,
) -> Rung:
    """Asks the server at `address`, HOST:PORT, for so long.

    Args:
        address: where the server listens.
        dialect: how it is spoken to.
        messages: what the dialect made of each image; they are sent in turn.
        expected: the images' logits, (count, labels).
        clients: how many ask at the same time.
        seconds: no request is begun after so long.

    Raises BenchError where the server cannot be reached, refuses a request, or answers another thing than expected.
    """
    url = f"http://{address}{dialect.path}"
    try:
        rung, answers = asyncio.run(_ask(url, messages, clients, seconds))
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise BenchError(f"{url} could not be asked: {error or type(error).__name__}") from None
    _compare(url, dialect, answers, expected)
    return rung


async def _ask(url: str, messages: Sequence[Message], clients: int, seconds: float) -> tuple[Rung, list[Answer]]:
    answers: list[Answer] = []
    rung = Rung(clients)
    turns = itertools.cycle(range(len(messages)))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=clients), timeout=aiohttp.ClientTimeout(total=_LONGEST_SECONDS)
    ) as session:
        began, computed = time.perf_counter(), time.process_time()
        until = began + seconds
        await asyncio.gather(*(_client(session, url, messages, turns, until, rung, answers) for _ in range(clients)))
        rung.seconds = time.perf_counter() - began
        rung.client_seconds = time.process_time() - computed
    return rung, answers


async def _client(
    session: aiohttp.ClientSession,
    url: str,
    messages: Sequence[Message],
    turns: Iterator[int],
    until: float,
    rung: Rung,
    answers: list[Answer],
) -> None:
    while True:
        image = next(turns)
        message = messages[image]
        began = time.perf_counter()
        async with session.post(url, data=message.body, headers=message.headers) as response:
            body = await response.read()
        ended = time.perf_counter()
        rung.milliseconds.append((ended - began) * 1e3)
        answers.append(Answer(image, response.status, body, response.headers))
        if ended >= until:
            return


def _compare(url: str, dialect: Dialect, answers: Sequence[Answer], expected: NDArray[np.float32]) -> None:
    for answer in answers:
        if answer.status != 200:
            shown = answer.body[:200].decode("utf-8", "replace")
            raise BenchError(f"{url} answered with status {answer.status}: {shown}")
        try:
            found = np.asarray(dialect.decode(answer), dtype=np.float32)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise BenchError(f"{url} gives an answer that cannot be read: {error!r}") from None
        wanted = expected[answer.image]
        if found.shape != wanted.shape or int(found.argmax()) != int(wanted.argmax()):
            raise BenchError(f"{url} takes image {answer.image} for {_class_of(found)}, not {_class_of(wanted)}")
        if not np.allclose(found, wanted, rtol=TOLERANCE, atol=TOLERANCE):
            difference = float(np.abs(found - wanted).max())
            raise BenchError(f"{url} gives logits for image {answer.image} that are off by up to {difference:.3g}")


def _class_of(logits: NDArray[np.float32]) -> str:
    return f"class {int(logits.argmax())} of {len(logits)}" if logits.ndim == 1 and len(logits) else "nothing"
