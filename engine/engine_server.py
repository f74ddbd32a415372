"""Pulumi's Engine service on loopback, for the helper processes that want to log or to know the root resource.

The program itself does not use it: it has the engine as an object in its own process. The server starts when its
address is first asked for, because no helper may ever ask.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.events import Diagnostic, Severity

if TYPE_CHECKING:
    import grpc

_SEVERITIES = (Severity.DEBUG, Severity.INFO, Severity.WARNING, Severity.ERROR)


class EngineServer:
    """Answers Log, GetRootResource and SetRootResource; `on_diagnostic` is called from the server's threads."""

    def __init__(self, on_diagnostic: Callable[[Diagnostic], None]) -> None:
        self.root_urn = ""
        self._on_diagnostic = on_diagnostic
        self._server: grpc.Server | None = None
        self._address = ""
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """HOST:PORT of the service, which starts now if it has not yet."""
        with self._lock:
            if self._server is None:
                self._start()
            return self._address

    def close(self) -> None:
        """Stop serving; calls in progress are cut off. May be called again, and before any start."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.stop(grace=None).wait()

    def _start(self) -> None:
        from concurrent.futures import ThreadPoolExecutor

        import grpc
        from pulumi.runtime.proto import engine_pb2_grpc

        server = grpc.server(ThreadPoolExecutor(max_workers=4, thread_name_prefix="engine-service"))
        engine_pb2_grpc.add_EngineServicer_to_server(_servicer(self, self._on_diagnostic), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self._server, self._address = server, f"127.0.0.1:{port}"


def _servicer(engine: EngineServer, on_diagnostic: Callable[[Diagnostic], None]) -> Any:
    from google.protobuf.empty_pb2 import Empty
    from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

    class Servicer(engine_pb2_grpc.EngineServicer):
        def Log(self, request: Any, _context: Any) -> Empty:  # noqa: N802
            severity = _SEVERITIES[request.severity] if request.severity < len(_SEVERITIES) else Severity.INFO
            on_diagnostic(Diagnostic(severity, request.message, request.urn, request.ephemeral, request.streamId))
            return Empty()

        def GetRootResource(self, _request: Any, _context: Any) -> Any:  # noqa: N802
            return engine_pb2.GetRootResourceResponse(urn=engine.root_urn)

        def SetRootResource(self, request: Any, _context: Any) -> Any:  # noqa: N802
            engine.root_urn = request.urn
            return engine_pb2.SetRootResourceResponse()

    return Servicer()
