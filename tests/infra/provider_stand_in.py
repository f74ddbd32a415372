"""Stands in for a Pulumi resource plugin, such as `pulumi-resource-aws`, under the real Pulumi command.

It speaks the ResourceProvider protocol of Pulumi and answers for no cloud: it takes every input as it is, replaces
nothing, and on creation hands back the inputs with an identifier and what else this project's program reads (`answers`
of each cloud). Of Google Cloud it also does two things that decide whether a stack can be made anew: names that the
program leaves out get a random end, as from the provider, and a name that is taken is refused, also by what Google
keeps when it is gone. It refuses to look anything up.

So what passes with it shows that the program, the policy pack, the engine and the state of the real command work
together, in which order resources come and go, and that nothing is asked of the account. It does not show that a cloud
accepts an argument.

What it creates, updates and deletes, it writes into a journal. It ends with the command that started it.

    python -m tests.infra.provider_stand_in JOURNAL VERSION [what Pulumi adds]
"""

# The methods are named by the protocol.
# ruff: noqa: N802

import importlib.metadata
import json
import shlex
import sys
import threading
from collections.abc import Callable
from concurrent import futures
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.infra.aws import answers as aws
from tests.infra.gcp import answers as gcp

ROOT = Path(__file__).parents[2]

Properties = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """One line of the journal."""

    operation: str
    type: str
    name: str
    id: str


class Journal:
    """What the stand-in did, in that order; several runs add to one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def add(self, entry: Entry) -> None:
        with self._lock, self._path.open("a") as file:
            file.write(json.dumps(asdict(entry)) + "\n")

    def read(self) -> list[Entry]:
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        return [Entry(**json.loads(line)) for line in lines]


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    """The provider of a cloud that is not there."""

    def __init__(self, journal: Journal, version: str) -> None:
        self._journal, self._version = journal, version

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self._version)

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return _difference(request)

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    def Check(self, request: Any, context: Any) -> Any:
        news = _properties(request.news)
        type_, name = request.urn.split("::")[-2].rpartition("$")[2], request.urn.split("::")[-1]
        if type_ in gcp.NAMED_BY_THE_PROVIDER and "name" not in news:
            known = _properties(request.olds).get("name")
            news["name"] = known or f"{name}-{request.randomSeed[:4].hex()[:7] or gcp.RANDOM_END}"
        return provider_pb2.CheckResponse(inputs=_struct(news))

    def Diff(self, request: Any, context: Any) -> Any:
        return _difference(request)

    def Create(self, request: Any, context: Any) -> Any:
        if request.preview:
            # Without an identifier, and without what is computed: both are unknown then.
            return provider_pb2.CreateResponse(properties=request.properties)
        inputs = _properties(request.properties)
        identifier, outputs = self._answer(request.type, request.name, inputs)
        if taken := self._taken(request.type, identifier):
            context.abort(grpc.StatusCode.ALREADY_EXISTS, f"{identifier} {taken}")
        self._journal.add(Entry("create", request.type, request.name, identifier))
        return provider_pb2.CreateResponse(id=identifier, properties=_struct(outputs))

    def _answer(self, type_: str, name: str, inputs: Properties) -> tuple[str, Properties]:
        if type_.startswith("gcp:"):
            # What is made a second time is another one.
            before = sum(entry.operation == "create" and entry.type == type_ for entry in self._journal.read())
            return gcp.identifier_of(type_, name, inputs), gcp.outputs_of(type_, name, inputs, salt=str(before))
        identifier = aws.identifier_of(type_, name, inputs)
        return identifier, aws.outputs_of(type_, identifier, inputs)

    def _taken(self, type_: str, identifier: str) -> str:
        """Why the identifier is taken; empty: it is not, or nobody looks."""
        if not type_.startswith("gcp:") or type_.endswith(gcp.MADE_TWICE):
            return ""
        mine = [entry.operation for entry in self._journal.read() if (entry.type, entry.id) == (type_, identifier)]
        if not mine:
            return ""
        if mine[-1] == "create":
            return "is there already"
        return "is kept by Google" if type_ in gcp.NAMES_KEPT else ""

    def Read(self, request: Any, context: Any) -> Any:
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Update(self, request: Any, context: Any) -> Any:
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        self._journal.add(Entry("update", request.type, request.name, request.id))
        outputs = {**_properties(request.olds), **_properties(request.news)}
        return provider_pb2.UpdateResponse(properties=_struct(outputs))

    def Delete(self, request: Any, context: Any) -> Any:
        self._journal.add(Entry("delete", request.type, request.name, request.id))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"the program looks something up: {request.tok}")

    def Call(self, request: Any, context: Any) -> Any:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"the program calls a method: {request.tok}")

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def _difference(request: Any) -> Any:
    old, new = _properties(request.old_inputs), _properties(request.news)
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    kinds = provider_pb2.DiffResponse
    return provider_pb2.DiffResponse(changes=kinds.DIFF_SOME if changed else kinds.DIFF_NONE, diffs=changed)


def _properties(struct: struct_pb2.Struct) -> Properties:
    properties: Properties = json_format.MessageToDict(struct)
    return properties


def _struct(properties: Properties) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())


def install(folder: Path, journal: Path) -> None:
    """Writes the commands `pulumi-resource-…` of the packages that the program's environment has.

    Pulumi takes a plugin that is on PATH before any other, whatever its version, but warns unless it is the package's.
    """
    for package in ("aws", "docker-build", "gcp", "kubernetes"):
        version = importlib.metadata.version(f"pulumi-{package}")
        started = shlex.join([sys.executable, "-P", "-m", "tests.infra.provider_stand_in", str(journal), version])
        command = folder / f"pulumi-resource-{package}"
        command.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {started} "$@"\n')
        command.chmod(0o755)


def serve(journal: Path, version: str, until: Callable[[], object]) -> None:
    """Serves until `until` returns; the port that was free is the first line of standard output."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(StandIn(Journal(journal), version), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    until()
    server.stop(grace=None)


if __name__ == "__main__":
    # Pulumi keeps the other end of standard input as long as it lives.
    serve(Path(sys.argv[1]), sys.argv[2], until=sys.stdin.buffer.read)
