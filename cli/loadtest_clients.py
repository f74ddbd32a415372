"""The clients of `yard loadtest`: the public `tritonclient`, over HTTP or gRPC, each with a connection of its own.

A model's inputs are asked of the service, and filled with random numbers or with examples from a file.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cli.errors import CommandError
from cli.loadtest_connections import LARGEST_MESSAGE, answered, copied, grpc_client, http_client, trust_of
from cli.loadtest_target import Endpoint, Target
from planning.capacity.closed_loop import Ask, RequestFailed

_BATCHES = 4
"""Different requests that take turns: one alone could be answered from a cache, and many fill the memory."""
_NOT_CONNECTED = ("no connection", "gRPC UNAVAILABLE")
"""What a failed handshake looks like: the libraries do not say which side has refused the other."""


@asynccontextmanager
async def asking(
    endpoint: Endpoint,
    target: Target,
    *,
    batch_size: int,
    examples: Mapping[str, NDArray[Any]] | None,
    timeout_seconds: float,
) -> AsyncIterator[Ask]:
    """Inside the block, sends requests to the model; every connection is closed at its end.

    One request is sent beforehand, so that a wrong model or batch is an error here and no figure.

    :param batch_size: Items in a request.
    :param examples: Arrays by the name of the input, their first axis the examples; None: random numbers.
    :raises CommandError: The service does not answer, or refuses the request, or the model's inputs cannot be filled.
    """
    connections: list[Any] = []
    make = http_client if endpoint.protocol == "http" else grpc_client
    headers = {"authorization": f"Bearer {target.token}"} if target.token else None
    trust = trust_of(endpoint, target) if endpoint.is_encrypted else None
    # Over HTTP the connection has the limit, over gRPC each call.
    limit = {} if endpoint.protocol == "http" else {"client_timeout": timeout_seconds}

    def connection(number: int) -> Any:
        while len(connections) <= number:
            connections.append(make(endpoint, timeout_seconds, trust))
        return connections[number]

    try:
        where = f"{target.model} at {endpoint.url}"
        try:
            as_document = {} if endpoint.protocol == "http" else {"as_json": True}
            metadata = await answered(
                connection(0).get_model_metadata(target.model, headers=copied(headers), **as_document, **limit)
            )
            batches = [
                _inputs(endpoint, tensors)
                for tensors in tensors_of(metadata.get("inputs", []), batch_size, examples, batches=_BATCHES)
            ]
        except RequestFailed as error:
            raise CommandError(_refused(where, endpoint, error)) from None
        except ValueError as error:
            raise CommandError(f"{where}: {error}") from None
        sent = 0

        async def ask(number: int) -> None:
            nonlocal sent
            sent += 1
            inputs = batches[sent % len(batches)]
            await answered(connection(number).infer(target.model, inputs, headers=copied(headers), **limit))

        try:
            await ask(0)
        except RequestFailed as error:
            raise CommandError(_refused(where, endpoint, error)) from None
        yield ask
    finally:
        await asyncio.gather(*(each.close() for each in connections), return_exceptions=True)


def _refused(where: str, endpoint: Endpoint, error: RequestFailed) -> str:
    is_tls = endpoint.is_encrypted and error.kind in _NOT_CONNECTED
    hint = "; --ca names an authority of your own, --certificate and --key show who you are" if is_tls else ""
    return f"{where}: {error.kind}: {error}{hint}"


def tensors_of(
    inputs: Sequence[Mapping[str, Any]],
    batch_size: int,
    examples: Mapping[str, NDArray[Any]] | None,
    *,
    batches: int,
) -> list[dict[str, tuple[str, NDArray[Any]]]]:
    """What to send: for each of several requests, the data type and the array of every input.

    :param inputs: The `inputs` of a model's metadata, as KServe v2 has them: name, datatype, shape. A first size of -1
        is the batch.
    :param examples: As in `asking`; requests take them in turn.
    :raises ValueError: An input has no fixed shape or a type without numbers and no example; an example is missing, or
        of another shape; the model takes no batches. The message names the option.
    """
    from tritonclient.utils import triton_to_np_dtype

    found: list[dict[str, tuple[str, NDArray[Any]]]] = [{} for _ in range(batches)]
    random = np.random.default_rng(0)
    for tensor in inputs:
        name, kind = tensor["name"], tensor["datatype"]
        shape = [int(size) for size in tensor["shape"]]
        has_batch = bool(shape) and shape[0] == -1
        if not has_batch and batch_size != 1:
            raise ValueError(f"--batch-size = {batch_size}: must be 1, since the model takes no batches")
        item = shape[1:] if has_batch else shape
        given = None if examples is None else _examples_of(name, item, examples)
        for number in range(batches):
            if given is None:
                array = _random(random, name, kind, [batch_size, *item] if has_batch else item)
            else:
                rows = np.arange(number * batch_size, (number + 1) * batch_size) % len(given)
                array = given[rows] if has_batch else given[rows[0]]
            numpy_type = triton_to_np_dtype(kind)
            if numpy_type is None:
                raise ValueError(f"input {name} is of the type {kind}, which this command cannot send")
            found[number][name] = (kind, np.ascontiguousarray(array.astype(numpy_type)))
    return found


def _examples_of(name: str, item: Sequence[int], examples: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    if name not in examples:
        raise ValueError(f"--inputs: must have the array {name!r}; it has {', '.join(sorted(examples)) or 'none'}")
    given = examples[name]
    fits = given.ndim == len(item) + 1 and len(given)
    if not fits or any(size not in (-1, there) for size, there in zip(item, given.shape[1:], strict=True)):
        raise ValueError(
            f"--inputs: {name!r} has the shape {given.shape}; must be (examples, {', '.join(map(str, item))})"
        )
    return given


def _random(random: np.random.Generator, name: str, kind: str, shape: Sequence[int]) -> NDArray[Any]:
    if kind == "BYTES" or any(size < 0 for size in shape):
        raise ValueError(
            f"input {name} is {kind} of the shape {list(shape)}, for which random numbers make no sense: give examples "
            "by --inputs"
        )
    if math.prod(shape) > LARGEST_MESSAGE:
        raise ValueError(f"input {name} of the shape {list(shape)} is too large for a request")
    # Between 0 and 1, whole numbers 0 or 1: what is valid as a pixel, a share, a position in a table, or a truth value.
    return random.random(shape) if kind in ("FP16", "FP32", "FP64", "BF16") else random.integers(0, 2, shape)


def _inputs(endpoint: Endpoint, tensors: Mapping[str, tuple[str, NDArray[Any]]]) -> list[Any]:
    if endpoint.protocol == "http":
        from tritonclient.http import InferInput
    else:
        from tritonclient.grpc import InferInput
    made = []
    for name, (kind, array) in tensors.items():
        tensor = InferInput(name, list(array.shape), kind)
        tensor.set_data_from_numpy(array)
        made.append(tensor)
    return made
