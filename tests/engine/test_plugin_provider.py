"""The SDK's own server for Python dynamic resources, as the engine's provider."""

import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine import plugin_provider
from engine.errors import EngineError, Uncertain
from engine.plugin_provider import PluginProvider, dynamic_provider_command
from tests.processes import no_process_left

URN = "urn:pulumi:dev::yard::pulumi-python:dynamic:Resource::it"
# A server that understands no provider at all, but answers like the SDK's.
SERVER = """
import os, sys, time
from concurrent import futures
import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

class Server(provider_pb2_grpc.ResourceProviderServicer):
    def Configure(self, request, context):
        return provider_pb2.ConfigureResponse(acceptSecrets=False)
    def Create(self, request, context):
        {create}

server = grpc.server(futures.ThreadPoolExecutor(2))
provider_pb2_grpc.add_ResourceProviderServicer_to_server(Server(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
"""

Start = Callable[[str], PluginProvider]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server whose create is the given code."""
    with no_process_left(), ExitStack() as running:

        def start(create: str) -> PluginProvider:
            script = tmp_path / "server.py"
            script.write_text(SERVER.replace("{create}", textwrap.indent(create, " " * 8).strip()))
            provider = make([sys.executable, str(script)], tmp_path, [])
            running.callback(provider.close)
            return provider

        yield start


def make(command: list[str], directory: Path, lines: list[str]) -> PluginProvider:
    return PluginProvider(
        command, directory=directory, project="yard", config={}, on_output=lines.append, on_debug=lines.append
    )


def test_past_its_time_out_nobody_knows_whether_a_create_took_place(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_provider, "_GRACE_SECONDS", 0.1)
    with pytest.raises(Uncertain, match=r"create took longer than the 0\.2 s that customTimeouts allow"):
        start("time.sleep(60)").create(URN, {}, 0.2)


def test_when_the_server_dies_nobody_knows_either(start: Start) -> None:
    with pytest.raises(Uncertain, match="ended in the middle of create"):
        start("os._exit(3)").create(URN, {}, 0.0)


def test_an_id_is_required(start: Start) -> None:
    with pytest.raises(EngineError, match="returned no id"):
        start("return provider_pb2.CreateResponse()").create(URN, {}, 0.0)


def test_of_a_traceback_the_exception_is_told_and_the_rest_is_kept_for_debugging(tmp_path: Path) -> None:
    lines: list[str] = []
    provider = make(dynamic_provider_command(), tmp_path, lines)
    with no_process_left():
        with pytest.raises(EngineError, match="KeyError: '__provider'") as raised:
            provider.create(URN, {"no": "provider"}, 0.0)
        provider.close()
    assert "Traceback" not in str(raised.value)
    assert any("Traceback" in line for line in lines)


FRAMES = """
  File "__main__.py", line 7, in create
    raise error
    ^^^^^^^^^^^
"""
CAUSE = f"Traceback (most recent call last):{FRAMES}OSError: the cause"
DURING = "During handling of the above exception, another exception occurred:"


@pytest.mark.parametrize(
    ("details", "told"),
    [
        (f"Traceback (most recent call last):{FRAMES}ValueError: no luck", "ValueError: no luck"),
        (
            f"Traceback (most recent call last):{FRAMES}RuntimeError: job failed\nits log ends:\n  one\n    two\n",
            "RuntimeError: job failed\nits log ends:\n  one\n    two",
        ),
        (
            f"{CAUSE}\n\n{DURING}\n\nTraceback (most recent call last):{FRAMES}KeyError: 'x'\n  more",
            "KeyError: 'x'\n  more",
        ),
        (
            f"{CAUSE}\n  Traceback (most recent call last):\n  x",
            "OSError: the cause\n  Traceback (most recent call last):\n  x",
        ),
        ("not today\n  maybe tomorrow", "not today\n  maybe tomorrow"),
    ],
)
def test_a_message_is_told_from_its_first_line_to_its_last(start: Start, details: str, told: str) -> None:
    with pytest.raises(EngineError) as raised:
        start(f"context.abort(grpc.StatusCode.UNKNOWN, {details!r})").create(URN, {}, 0.0)
    assert str(raised.value) == told
