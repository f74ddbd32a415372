"""Makes costly habits of the Pulumi SDK cheap, in the program's process and without changing what it registers.

For each resource the SDK writes some seven debug messages, which nobody has asked for; reads the source text of every
stack frame, of which only the position is used; and composes, out of a dozen promises, a URN that only its mocks need.
Each promise reads global settings several times and looks through its value for unknowns. Where the SDK's own functions
have other names than those expected here, it keeps them, and is merely slower.
"""

import gc
import pathlib
import sys
from collections.abc import Callable
from functools import cache
from types import FrameType
from typing import Any

from pulumi import Output, _utils, log
from pulumi.runtime import resource as sdk
from pulumi.runtime import rpc, settings
from pulumi.runtime.proto import source_pb2

# Promises of a program in the making are all reachable: looking for garbage every 700 objects finds none.
_GARBAGE_THRESHOLD = 100_000

_SCALARS = frozenset({str, int, float, bool, type(None)})


def apply(*, debug: bool) -> None:
    """Takes effect for the rest of the process; `debug` keeps the debug messages."""
    gc.freeze()
    gc.set_threshold(_GARBAGE_THRESHOLD, 20, 100)
    gc.enable()
    if not debug:
        _replace(log, "debug", lambda _: _ignore)
    _replace(sdk, "_get_stack_trace", lambda _: _stack_trace)
    _replace(sdk, "create_urn", _create_urn_by)
    _replace(rpc, "contains_unknowns", _contains_unknowns_by)
    _replace(getattr(_utils, "ContextProperty", None), "__get__", lambda _: _read_setting)


def _replace(owner: object, name: str, cheaper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    if hasattr(owner, name):
        setattr(owner, name, cheaper(getattr(owner, name)))


def _ignore(*args: Any, **options: Any) -> None:
    """A debug message that nobody has asked for."""


def _stack_trace() -> source_pb2.StackTrace:
    """The frame that constructed the resource, found by the SDK's own rule: it called the third `__init__` inwards."""
    frame: FrameType | None = sys._getframe(1)
    constructors = 0
    while frame is not None:
        if frame.f_code.co_name == "__init__":
            constructors += 1
            if constructors == 3:
                caller = frame.f_back
                if caller is None:
                    break
                position = source_pb2.SourcePosition(uri=_uri(caller.f_code.co_filename), line=caller.f_lineno)
                return source_pb2.StackTrace(frames=[source_pb2.StackFrame(pc=position)])
        frame = frame.f_back
    return source_pb2.StackTrace()


@cache
def _uri(filename: str) -> str:
    try:
        return pathlib.Path(filename).as_uri()
    except ValueError:
        return ""


def _create_urn_by(create_urn: Callable[..., Any]) -> Callable[..., Any]:
    """The SDK's function, without its promises where every part is known; the SDK's own rule for the text."""

    def create(name: Any, type_: Any, parent: Any = None, project: str | None = None, stack: str | None = None) -> Any:
        if not (isinstance(name, str) and isinstance(type_, str) and isinstance(parent, str | None)):
            return create_urn(name, type_, parent, project, stack)
        if parent is not None:
            prefix = parent[: parent.rfind("::")] + "$"
        else:
            stack = settings.get_stack() if stack is None else stack
            project = settings.get_project() if project is None else project
            prefix = f"urn:pulumi:{stack}::{project}::"
        return Output.from_input(f"{prefix}{type_}::{name}")

    return create


def _contains_unknowns_by(contains_unknowns: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The SDK's function, asked only of what could contain anything."""

    def contains(value: Any) -> bool:
        return type(value) not in _SCALARS and contains_unknowns(value)

    return contains


def _read_setting(setting: Any, owner: Any, owner_type: type | None = None) -> Any:
    """What `ContextProperty.__get__` gives; reads the context variable once instead of twice."""
    value = setting.fget()
    return setting if owner is None or isinstance(value, dict) else value
