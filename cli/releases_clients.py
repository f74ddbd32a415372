"""How `yard releases` asks one version of a model: the public `tritonclient`, over HTTP or gRPC.

Connections and their errors are those of `yard loadtest`; here answers are read, too, and a version is named.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cli.loadtest_connections import answered, copied, grpc_client, http_client, trust_of
from cli.loadtest_target import Endpoint, Target
from planning.capacity.closed_loop import RequestFailed

_BATCHES = (256, 128, 64, 32, 16, 8, 4, 2, 1)
"""Tried one after the other where the service does not tell its largest batch: a front may keep that to itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """How a version of the model is called."""

    input: str
    datatype: str
    """As KServe v2 names it: `FP32`."""
    shape: tuple[int, ...]
    """Of one item."""
    output: str
    batch_size: int
    """Items that a request may have, or the most that were tried."""
    is_cached: bool
    """Whether the service says that answers may come from its cache."""


class Client:
    """Asks one endpoint for versions of one model; a connection for each number, opened when it is first used."""

    def __init__(self, endpoint: Endpoint, target: Target, timeout_seconds: float) -> None:
        self._endpoint, self._model, self._timeout_seconds = endpoint, target.model, timeout_seconds
        self._headers = {"authorization": f"Bearer {target.token}"} if target.token else None
        self._trust = trust_of(endpoint, target) if endpoint.is_encrypted else None
        self._connections: list[Any] = []
        is_http = endpoint.protocol == "http"
        # Over HTTP the connection has the limit, over gRPC each call.
        self._limit = {} if is_http else {"client_timeout": timeout_seconds}
        self._as_document = {} if is_http else {"as_json": True}

    async def versions(self) -> frozenset[int]:
        """The versions that are served now. Raises RequestFailed."""
        metadata = await self._ask(0, "get_model_metadata", **self._as_document)
        return frozenset(int(version) for version in metadata.get("versions", ()))

    async def called(self, version: int, examples: NDArray[Any]) -> Called:
        """How to call a version.

        :param examples: Items to try batches with, at least one.

        Raises RequestFailed, also where the version takes other inputs than these, or no batches.
        """
        metadata = await self._ask(0, "get_model_metadata", model_version=str(version), **self._as_document)
        tensor, (output, *_) = metadata["inputs"][0], metadata["outputs"]
        # Over gRPC, numbers of 64 bits come as text.
        first, *shape = (int(size) for size in tensor["shape"])
        if len(metadata["inputs"]) != 1 or first != -1 or examples[0].size != math.prod(shape):
            takes = ", ".join(f"{each['name']} {each['datatype']} {each['shape']}" for each in metadata["inputs"])
            raise RequestFailed(
                "other inputs", f"the model takes {takes}, and its test examples are {list(examples.shape[1:])}"
            )
        known = {
            "input": tensor["name"],
            "datatype": tensor["datatype"],
            "shape": tuple(shape),
            "output": output["name"],
        }
        try:
            answer = await self._ask(0, "get_model_config", model_version=str(version), **self._as_document)
            configuration = answer.get("config", answer)
            is_cached = bool(configuration.get("response_cache", {}).get("enable"))
            return Called(**known, batch_size=max(1, int(configuration["max_batch_size"])), is_cached=is_cached)
        except RequestFailed:
            return await self._largest_accepted(version, known, examples)

    async def answers(self, version: int, called: Called, examples: NDArray[Any], number: int = 0) -> NDArray[Any]:
        """The positions of the labels that the version gives to examples, at most a batch of them.

        :param number: Of the connection to use.

        Raises RequestFailed.
        """
        answer = await self._ask(number, "infer", model_version=str(version), **self.request(called, examples))
        logits = answer.as_numpy(called.output)
        if logits is None or logits.ndim != 2 or len(logits) != len(examples):
            raise RequestFailed("invalid answer", f"{called.output} of another shape than asked for")
        positions: NDArray[Any] = logits.argmax(axis=1)
        return positions

    async def send(self, version: int, request: dict[str, Any], number: int) -> None:
        """Sends a request that `request` has made, and waits for its answer. Raises RequestFailed."""
        await self._ask(number, "infer", model_version=str(version), **request)

    def request(self, called: Called, examples: NDArray[Any]) -> dict[str, Any]:
        """What to send for so many examples."""
        if self._endpoint.protocol == "http":
            from tritonclient.http import InferInput, InferRequestedOutput
        else:
            from tritonclient.grpc import InferInput, InferRequestedOutput
        from tritonclient.utils import triton_to_np_dtype

        arranged = np.ascontiguousarray(examples.astype(triton_to_np_dtype(called.datatype)))
        tensor = InferInput(called.input, [len(examples), *called.shape], called.datatype)
        tensor.set_data_from_numpy(arranged.reshape(len(examples), *called.shape))
        return {"inputs": [tensor], "outputs": [InferRequestedOutput(called.output)]}

    async def close(self) -> None:
        """Closes all connections."""
        await asyncio.gather(*(each.close() for each in self._connections), return_exceptions=True)

    async def _largest_accepted(self, version: int, known: dict[str, Any], examples: NDArray[Any]) -> Called:
        for size in _BATCHES:
            called = Called(**known, batch_size=size, is_cached=False)
            batch = np.resize(examples, (size, *examples.shape[1:]))
            with contextlib.suppress(RequestFailed):
                await self.answers(version, called, batch)
                return called
        await self.answers(version, called, batch)
        return called

    async def _ask(self, number: int, method: str, **arguments: Any) -> Any:
        while len(self._connections) <= number:
            make = http_client if self._endpoint.protocol == "http" else grpc_client
            self._connections.append(make(self._endpoint, self._timeout_seconds, self._trust))
        ask = getattr(self._connections[number], method)
        return await answered(ask(self._model, headers=copied(self._headers), **arguments, **self._limit))


@asynccontextmanager
async def connected(endpoint: Endpoint, target: Target, timeout_seconds: float) -> AsyncIterator[Client]:
    """Inside the block, a client; all its connections are closed at the end.

    :param timeout_seconds: For each request.
    """
    client = Client(endpoint, target, timeout_seconds)
    try:
        yield client
    finally:
        await client.close()
