"""Clients that ask at a fixed rate, whether or not they are answered, and what became of each of their requests.

Half of the requests go over HTTP and half over gRPC. An answer is right, which is compared, or a refusal that says so:
429 or 503 with `Retry-After`, or the error of a full queue, over gRPC UNAVAILABLE or RESOURCE_EXHAUSTED from whoever
refused. Whatever else a client sees, such as a cut connection, no answer in time or another error, is counted by what
it was.
"""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc
import numpy as np
from numpy.typing import NDArray

from bench.serving_client import BINARY, MODEL, TOLERANCE, Answer

LONGEST_SECONDS = 40.0
"""For which an answer is waited for; the front's own limit is shorter."""

_GRPC_METHOD = "/inference.GRPCInferenceService/ModelInfer"
_CHANNELS = 16
"""One connection has as many requests as the front lets it have; more connections ask for more."""
_KEPT_SECONDS = 5.0
"""So long a client keeps a connection that it does not use: less than the front."""
_SERVER_REFUSALS = ("Exceeds maximum queue size", "Request timeout expired")
_FRONT_REFUSALS = ("reset reason: overflow", "no healthy upstream", "too many requests")
_MOST_SAID = 160

Ask = Callable[[int], Awaitable[str | None]]
"""Asks about the image of that number: "" for a right answer, None for a refusal, else what was wrong."""


@dataclass(slots=True)
class Tally:
    """What became of requests."""

    seconds: float = 0.0
    """In which they were sent."""
    lasted: float = 0.0
    """Seconds from the first request to the last answer."""
    sent: int = 0
    right: list[float] = field(default_factory=list)
    """Milliseconds of each right answer."""
    refused: list[float] = field(default_factory=list)
    """Milliseconds of each refusal."""
    other: Counter[str] = field(default_factory=Counter)
    """How often each other thing was seen."""
    late: list[float] = field(default_factory=list)
    """Milliseconds by which each request was sent later than it should have been: what the clients themselves add."""

    @property
    def right_a_second(self) -> float:
        """Right answers."""
        return len(self.right) / self.lasted


@dataclass(frozen=True, slots=True)
class Questions:
    """Images and what is right to answer."""

    http: str
    """HOST:PORT."""
    grpc: str
    """HOST:PORT."""
    images: NDArray[np.float32]
    """(count, channels, height, width)."""
    logits: NDArray[np.float32]
    """(count, labels)."""
    headers: Mapping[str, str]
    """Sent with each request."""


def ask_in_turn(questions: Questions, *, clients: int, seconds: float) -> Tally:
    """So many clients, each of which asks again as soon as it is answered; half of them over each protocol."""
    return asyncio.run(_ask_in_turn(questions, clients, seconds))


def ask_at_a_rate(questions: Questions, *, rate: float, seconds: float) -> Tally:
    """So many requests a second, at even distances, however many of them wait. Returns when all have their answer."""
    return asyncio.run(_ask_at_a_rate(questions, rate, seconds))


async def _ask_in_turn(questions: Questions, clients: int, seconds: float) -> Tally:
    tally, numbers = Tally(), itertools.count()
    async with _both(questions) as asks:
        began = time.perf_counter()

        async def client(ask: Ask) -> None:
            await _counted(ask, next(numbers), tally)
            while time.perf_counter() < began + seconds:
                await _counted(ask, next(numbers), tally)

        await asyncio.gather(*(client(asks[number % 2]) for number in range(clients)))
        tally.seconds = tally.lasted = time.perf_counter() - began
    return tally


async def _ask_at_a_rate(questions: Questions, rate: float, seconds: float) -> Tally:
    tally, tasks = Tally(), set[asyncio.Task[None]]()
    async with _both(questions) as asks:
        began = time.perf_counter()
        for number in range(round(rate * seconds)):
            while (ahead := began + number / rate - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            tally.late.append(-ahead * 1e3)
            if number % 8 == 0:
                # One that is late must still hear its answers.
                await asyncio.sleep(0)
            task = asyncio.create_task(_counted(asks[number % 2], number, tally))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        tally.seconds = time.perf_counter() - began
        await asyncio.gather(*tasks)
        tally.lasted = time.perf_counter() - began
    return tally


async def _counted(ask: Ask, number: int, tally: Tally) -> None:
    tally.sent += 1
    began = time.perf_counter()
    found = await ask(number)
    milliseconds = (time.perf_counter() - began) * 1e3
    if found is None:
        tally.refused.append(milliseconds)
    elif found:
        tally.other[found] += 1
    else:
        tally.right.append(milliseconds)


@asynccontextmanager
async def _both(questions: Questions) -> AsyncIterator[tuple[Ask, Ask]]:
    async with _http(questions) as http, _grpc(questions) as rpc:
        yield http, rpc


@asynccontextmanager
async def _http(questions: Questions) -> AsyncIterator[Ask]:
    messages = [BINARY.encode(image) for image in questions.images]
    url = f"http://{questions.http}{BINARY.path}"
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_SECONDS)
    timeout = aiohttp.ClientTimeout(total=LONGEST_SECONDS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=questions.headers) as session:

        async def ask(number: int) -> str | None:
            image = number % len(messages)
            message = messages[image]
            try:
                async with session.post(url, data=message.body, headers=message.headers) as response:
                    body = await response.read()
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                return f"HTTP: {type(error).__name__}: {error}"[:_MOST_SAID]
            return judged_http(questions, Answer(image, response.status, body, response.headers))

        yield ask


@asynccontextmanager
async def _grpc(questions: Questions) -> AsyncIterator[Ask]:
    messages = [_grpc_message(image) for image in questions.images]
    metadata = tuple((name.lower(), value) for name, value in questions.headers.items())
    # Else they would share one connection.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    channels = [grpc.aio.insecure_channel(questions.grpc, options) for _ in range(_CHANNELS)]
    calls: list[Any] = [channel.unary_unary(_GRPC_METHOD) for channel in channels]

    async def ask(number: int) -> str | None:
        image = number % len(messages)
        try:
            body = await calls[number // 2 % _CHANNELS](messages[image], timeout=LONGEST_SECONDS, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return judged_error(error.code().name, error.details() or "")
        return _compared(_grpc_logits(body), questions.logits[image])

    try:
        yield ask
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))


def judged_http(questions: Questions, answer: Answer) -> str | None:
    """What an answer over HTTP is; see `Ask`."""
    if answer.status == 200:
        return _compared(np.asarray(BINARY.decode(answer), np.float32), questions.logits[answer.image])
    headers = {name.lower() for name in answer.headers}
    if answer.status in (429, 503) and ("retry-after" in headers or _said(answer.body) in _SERVER_REFUSALS):
        return None
    return f"HTTP {answer.status}: {answer.body.decode(errors='replace')}"[:_MOST_SAID]


def judged_error(code: str, details: str) -> str | None:
    """What an error over gRPC is; see `Ask`. A client says UNAVAILABLE itself where a connection was cut."""
    by_the_service = any(each in details for each in (*_SERVER_REFUSALS, *_FRONT_REFUSALS))
    if code == "RESOURCE_EXHAUSTED" or (code == "UNAVAILABLE" and by_the_service):
        return None
    return f"gRPC {code}: {details}"[:_MOST_SAID]


def _said(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return ""


def _compared(found: Sequence[float] | NDArray[np.float32], wanted: NDArray[np.float32]) -> str:
    fits = np.shape(found) == wanted.shape and np.allclose(found, wanted, rtol=TOLERANCE, atol=TOLERANCE)
    return "" if fits else "an answer that is wrong"


def _grpc_message(image: NDArray[np.float32]) -> bytes:
    from tritonclient.grpc import service_pb2

    request = service_pb2.ModelInferRequest(model_name=MODEL)
    request.inputs.add(name="input", datatype="FP32", shape=[1, *image.shape])
    request.raw_input_contents.append(np.ascontiguousarray(image).tobytes())
    return bytes(request.SerializeToString())


def _grpc_logits(body: bytes) -> NDArray[np.float32]:
    from tritonclient.grpc import service_pb2

    answer = service_pb2.ModelInferResponse.FromString(body)
    return np.frombuffer(answer.raw_output_contents[0], np.float32)
