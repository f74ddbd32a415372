"""Calls of a policy pack over gRPC, and what goes wrong in them: the only place that knows gRPC's errors.

Importing this module brings in gRPC.
"""

from collections.abc import Callable
from typing import Any

import grpc
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from engine.plugin_process import PluginProcess
from engine.policy_project import PolicyPackError

# What the Python server of gRPC says before the text of an exception that a policy raised.
_GRPC_PREFIX = "Exception calling application: "
_LARGEST_MESSAGE_BYTES = 400 * 1024 * 1024
_ANALYZE_ALL = "/trainyard.Analyzer/AnalyzeAll"
"""Takes an AnalyzeStackRequest and gives the AnalyzeResponse that `Analyze` would give of each resource in it.

Not in Pulumi's protocol, which asks about one resource a call: a call takes longer than it takes this project's pack to
judge the resource. Other packs do not have it, and are asked one by one.
"""


class CallRefused(PolicyPackError):
    """The pack answered a call with an error, and runs on."""

    def __init__(self, text: str, reason: str, code: grpc.StatusCode) -> None:
        super().__init__(text)
        self.reason = reason
        """What the pack said."""
        self.unknown_method = code == grpc.StatusCode.UNIMPLEMENTED
        self.wrong_argument = code == grpc.StatusCode.INVALID_ARGUMENT


class AnalyzerCalls:
    """The connection to a policy pack's process; may be used from several threads. Close it."""

    def __init__(self, name: str, process: PluginProcess, timeout_seconds: float) -> None:
        self.name = name
        """What errors call the pack."""
        self._process = process
        self._timeout_seconds = timeout_seconds
        self._channel = grpc.insecure_channel(
            f"127.0.0.1:{process.port}",
            options=[
                ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
                ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
                ("grpc.enable_http_proxy", 0),
            ],
        )
        self._analyzer = analyzer_pb2_grpc.AnalyzerStub(self._channel)
        self._analyze_all = self._channel.unary_unary(
            _ANALYZE_ALL,
            request_serializer=analyzer_pb2.AnalyzeStackRequest.SerializeToString,
            response_deserializer=analyzer_pb2.AnalyzeResponse.FromString,
        )

    def call(self, method: str, request: Any, doing: str, *, optional: bool = False) -> Any:
        """What a method of Pulumi's protocol answers; None where an `optional` one is missing.

        Raises PolicyPackError that says what the pack was `doing`; CallRefused where it runs on.
        """
        try:
            return self._answer(getattr(self._analyzer, method), request, doing)
        except CallRefused as refusal:
            if optional and refusal.unknown_method:
                return None
            raise

    def analyze_all(self, request: Any, doing: str) -> Any:
        """What the pack says of many resources at once. Raises PolicyPackError like `call`."""
        return self._answer(self._analyze_all, request, doing)

    def close(self) -> None:
        """End the connection, and calls in progress. May be called again."""
        self._channel.close()

    def _answer(self, ask: Callable[..., Any], request: Any, doing: str) -> Any:
        try:
            return ask(request, timeout=self._timeout_seconds)
        except grpc.RpcError as error:
            raise self._failure(error.code(), str(error.details()).removeprefix(_GRPC_PREFIX), doing) from None
        except ValueError:
            raise PolicyPackError(f"policy pack {self.name}: it was closed while {doing}") from None

    def _failure(self, code: grpc.StatusCode, reason: str, doing: str) -> PolicyPackError:
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            late = f"did not answer within {self._timeout_seconds:g} s while {doing}"
            return PolicyPackError(f"policy pack {self.name}: {late}{self._process.last_words()}")
        refused = f"policy pack {self.name}: failed while {doing}: {reason}"
        if code in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INVALID_ARGUMENT):
            return CallRefused(refused, reason, code)
        gone = code == grpc.StatusCode.UNAVAILABLE
        text = f"policy pack {self.name}: {self._process.failure(doing, reason, gone=gone)}"
        # A method that raised; any other code is about the connection.
        return CallRefused(text, reason, code) if code == grpc.StatusCode.UNKNOWN else PolicyPackError(text)
