"""Asking a tritonserver on a Unix socket: whether it is ready, and to load a model anew.

The extension for model repositories of KServe v2,
https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_model_repository.html.
"""

import http.client
import json
import socket
from pathlib import Path

from typing_extensions import override

_READINESS_TIMEOUT_SECONDS = 5.0
_LOAD_TIMEOUT_SECONDS = 900.0


class ModelControlError(Exception):
    """The server could not load a model; the message is its own, on one line."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    @override
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def is_ready(path: Path) -> bool:
    """Whether the server that listens on the socket ``path`` says that it is ready."""
    try:
        return _ask(path, "GET", "/v2/health/ready", _READINESS_TIMEOUT_SECONDS)[0] == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


def load_model(path: Path, name: str) -> None:
    """Have the model read anew from the repository. Returns when its new versions answer in the place of the old ones.

    Requests that the old ones have are still answered by them.

    Raises:
        ModelControlError: a version could not be loaded, and the old ones go on; or the server does not answer.
    """
    try:
        status, body = _ask(path, "POST", f"/v2/repository/models/{name}/load", _LOAD_TIMEOUT_SECONDS)
    except (OSError, http.client.HTTPException) as error:
        raise ModelControlError(f"the server does not answer the request to load {name}: {error}") from None
    if status != http.client.OK:
        raise ModelControlError(f"the server cannot load {name}: {_reason(body)}")


def _ask(path: Path, method: str, target: str, timeout: float) -> tuple[int, bytes]:
    connection = _UnixConnection(path, timeout)
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _reason(body: bytes) -> str:
    try:
        told = str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        told = body.decode(errors="replace")
    # What follows the first line is the model code's stack.
    return told.partition("\n")[0].strip()
