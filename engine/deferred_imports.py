"""Defers modules that the Pulumi SDK imports at once and a program seldom uses, until their first use.

`import pulumi` brings in the Automation API, a pickler, gRPC's asynchronous half and the whole of OpenTelemetry's SDK;
together they take more than half of its time, and a program that runs beside the engine needs none of them.
"""

import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_DEFERRED = frozenset(
    {
        "dill",
        "google.protobuf.internal.python_message",
        "grpc.aio",
        "opentelemetry.propagate",
        "opentelemetry.trace",
        "packaging.version",
        "pulumi.automation",
    }
)
# The SDK imports this name from there for a type annotation; it makes one only where a trace is to be continued.
_TRACING = "opentelemetry.sdk.trace"
_TRACER = "TracerProvider"
_TRACE_VARIABLE = "TRACEPARENT"


class _DeferringFinder:
    """Finds the deferred modules as Python would, and has them executed at their first attribute access."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _DEFERRED:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


@contextmanager
def deferred_imports() -> Iterator[None]:
    """Within the block, imports of the SDK are cheap; whatever is imported after it is imported as ever."""
    finder = _DeferringFinder()
    sys.meta_path.insert(0, finder)
    placeholder = None if _TRACE_VARIABLE in os.environ or _TRACING in sys.modules else ModuleType(_TRACING)
    if placeholder is not None:
        setattr(placeholder, _TRACER, object)
        sys.modules[_TRACING] = placeholder
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if placeholder is not None and sys.modules.get(_TRACING) is placeholder:
            del sys.modules[_TRACING]
