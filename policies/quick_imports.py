"""Imports gRPC and Pulumi's protocol without what a policy pack has no use for: two thirds of the time until it serves.

Pulumi's messages are modules of its SDK, which imports all of itself with them: programs, stacks, the Automation API.
gRPC brings in asyncio, for servers of another kind. Where the SDK is there already, it stays.
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_PACKAGES = ("pulumi", "pulumi.runtime", "pulumi.runtime.proto")
"""Packages of which only modules are needed, and nothing that they do themselves."""
_DEFERRED = frozenset({"asyncio", "google.protobuf.internal.python_message", "grpc.aio"})
"""Modules that are executed when they are first used."""


def import_protocol() -> None:
    """Makes `grpc` and the modules of `pulumi.runtime.proto` cheap to import; imports them."""
    if "pulumi" in sys.modules:
        return
    finder = _DeferringFinder()
    sys.meta_path.insert(0, finder)
    try:
        _stand_in_for_packages()
        for module in ("grpc", "pulumi.runtime.proto.analyzer_pb2_grpc", "pulumi.runtime.proto.plugin_pb2"):
            importlib.import_module(module)
    finally:
        sys.meta_path.remove(finder)


def _stand_in_for_packages() -> None:
    path = None
    for name in _PACKAGES:
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        path = list(spec.submodule_search_locations)
        package = ModuleType(name)
        package.__path__ = path
        sys.modules[name] = package


class _DeferringFinder:
    """Finds the deferred modules as Python would, and has them executed at their first attribute access."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in _DEFERRED else None
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec
