"""Connections of the public `tritonclient` to a service, over HTTP or gRPC, and what may go wrong with an answer."""

import os
from typing import Any

from cli.loadtest_target import Endpoint, Target
from planning.capacity.closed_loop import RequestFailed

LARGEST_MESSAGE = 2**31 - 1
_MOST_SAID = 200


def trust_of(endpoint: Endpoint, target: Target) -> Any:
    """What an encrypted endpoint is known by, in the form of the protocol's client."""
    if endpoint.protocol == "http":
        return target.tls.context()
    # Else gRPC's library writes of every failed handshake on the standard error, beside what this command says of it.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    return target.tls.channel_credentials()


def http_client(endpoint: Endpoint, timeout_seconds: float, trust: Any) -> Any:
    """A client with one connection over HTTP, which has the limit of time for each request."""
    from tritonclient.http.aio import InferenceServerClient

    return InferenceServerClient(
        endpoint.address,
        conn_limit=1,
        conn_timeout=timeout_seconds,
        ssl=endpoint.is_encrypted,
        # Without a context it would take any certificate.
        ssl_context=trust,
    )


def grpc_client(endpoint: Endpoint, _timeout_seconds: float, trust: Any) -> Any:
    """A client with a connection of its own over gRPC, where each request has a limit of time."""
    from tritonclient.grpc.aio import InferenceServerClient

    return InferenceServerClient(
        endpoint.address,
        creds=trust,
        channel_args=[
            ("grpc.max_send_message_length", LARGEST_MESSAGE),
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            # Else all clients would share one connection.
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_http_proxy", 0 if endpoint.is_here else 1),
        ],
    )


async def answered(answer: Any) -> Any:
    """Waits for an answer. Raises RequestFailed for whatever the service or the network makes of it."""
    import aiohttp
    from tritonclient.utils import InferenceServerException

    try:
        return await answer
    except InferenceServerException as error:
        raise RequestFailed(_kind(error.status()), one_line(error.message())) from None
    except TimeoutError:
        raise RequestFailed("timeout", "no answer in time") from None
    except (aiohttp.ClientError, OSError) as error:
        raise RequestFailed(_connection_kind(error), one_line(str(error))) from None


def _kind(status: str | None) -> str:
    if not status:
        return "invalid answer"
    if status.isdigit():
        return f"HTTP {status}"
    name = status.removeprefix("StatusCode.")
    return "timeout" if name == "DEADLINE_EXCEEDED" else f"gRPC {name}"


def _connection_kind(error: Exception) -> str:
    import aiohttp

    return "no connection" if isinstance(error, aiohttp.ClientConnectionError | OSError) else "invalid answer"


def one_line(text: object) -> str:
    """What was said, on one line and not for long."""
    line = " ".join(str(text or "").split()) or "nothing said"
    return line if len(line) <= _MOST_SAID else f"{line[:_MOST_SAID]}…"


def copied(headers: dict[str, str] | None) -> dict[str, str] | None:
    """The headers for one request, since the client writes into what it gets."""
    return dict(headers) if headers else None
