"""Stands in for a Pulumi resource plugin, such as `pulumi-resource-aws`, under the real Pulumi command.

It speaks the ResourceProvider protocol of Pulumi and answers for no cloud: it takes every input as it is, defaults
nothing, replaces nothing, and on creation hands back the inputs with an identifier, an ARN and what else this project's
program reads. It refuses to look anything up. So what passes with it shows that the program, the policy pack, the
engine and the state of the real command work together, in which order resources come and go, and that nothing is asked
of the account. It does not show that AWS accepts an argument.

What it creates, updates and deletes, it writes into a journal. It ends with the command that started it.

    python provider_stand_in.py JOURNAL VERSION [what Pulumi adds]
"""

# The methods are named by the protocol.
# ruff: noqa: N802

import hashlib
import importlib.metadata
import json
import shlex
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

ACCOUNT = "123456789012"
REGION = "eu-west-1"

Properties = dict[str, Any]

PHYSICAL_NAMES = {
    "aws:cloudwatch/eventRule:EventRule": "name",
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:ec2/placementGroup:PlacementGroup": "name",
    "aws:ecr/repository:Repository": "name",
    "aws:eks/cluster:Cluster": "name",
    "aws:iam/instanceProfile:InstanceProfile": "name",
    "aws:iam/role:Role": "name",
    "aws:kms/alias:Alias": "name",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:scheduler/scheduleGroup:ScheduleGroup": "name",
}
"""The property that is the identifier, by type, of what AWS knows by name."""

ARNS = {
    "aws:cloudwatch/logGroup:LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}",
    "aws:ecr/repository:Repository": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{{}}",
    "aws:eks/cluster:Cluster": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{{}}",
    "aws:iam/role:Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "aws:s3/bucket:Bucket": "arn:aws:s3:::{}",
}
"""The ARN of an identifier, of those types whose ARN the program writes itself."""


def physical_id(type_: str, name: str, inputs: Mapping[str, Any]) -> str:
    """The identifier that AWS would give, or one like it, always the same."""
    made_up = f"{name}-{hashlib.sha256(f'{type_} {name}'.encode()).hexdigest()[:8]}"
    return str(inputs.get(PHYSICAL_NAMES.get(type_, ""), made_up))


def computed(type_: str, identifier: str) -> Properties:
    """What AWS answers beyond the inputs."""
    arn = ARNS.get(type_, f"arn:aws:stand-in:{REGION}:{ACCOUNT}:{type_.rpartition(':')[2]}/{{}}").format(identifier)
    common = {"arn": arn, "name": identifier}
    match type_:
        case "aws:eks/cluster:Cluster":
            issuer = f"https://oidc.eks.{REGION}.amazonaws.com/id/0123456789ABCDEF"
            return common | {
                "endpoint": f"https://0123456789ABCDEF.gr7.{REGION}.eks.amazonaws.com",
                "certificateAuthority": {"data": "Y2VydGlmaWNhdGU="},
                "identities": [{"oidcs": [{"issuer": issuer}]}],
                "vpcConfig": {"clusterSecurityGroupId": "sg-0123456789abcdef0"},
            }
        case "aws:eks/nodeGroup:NodeGroup":
            groups = [{"autoscalingGroups": [{"name": f"eks-{identifier}"}]}]
            return common | {"nodeGroupName": identifier, "resources": groups}
        case "aws:ec2/launchTemplate:LaunchTemplate":
            return common | {"latestVersion": 1}
        case "aws:ecr/repository:Repository":
            return common | {"repositoryUrl": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{identifier}"}
        case "aws:kms/key:Key":
            return common | {"keyId": identifier}
        case "aws:sqs/queue:Queue":
            return common | {"url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{identifier}"}
        case _:
            return common


def outputs_of(type_: str, identifier: str, inputs: Properties) -> Properties:
    """Inputs and computed outputs, joined where an object has both."""
    outputs = computed(type_, identifier)
    for name, value in inputs.items():
        both = isinstance(value, dict) and isinstance(outputs.get(name), dict)
        outputs[name] = {**outputs[name], **value} if both else value
    return outputs


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
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        return _difference(request)

    def Create(self, request: Any, context: Any) -> Any:
        if request.preview:
            # Without an identifier, and without what is computed: both are unknown then.
            return provider_pb2.CreateResponse(properties=request.properties)
        inputs = _properties(request.properties)
        identifier = physical_id(request.type, request.name, inputs)
        self._journal.add(Entry("create", request.type, request.name, identifier))
        outputs = outputs_of(request.type, identifier, inputs)
        return provider_pb2.CreateResponse(id=identifier, properties=_struct(outputs))

    def Read(self, request: Any, context: Any) -> Any:
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Update(self, request: Any, context: Any) -> Any:
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        self._journal.add(Entry("update", request.type, request.name, request.id))
        outputs = outputs_of(request.type, request.id, _properties(request.news))
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
    for package in ("aws", "docker-build", "kubernetes"):
        version = importlib.metadata.version(f"pulumi-{package}")
        started = shlex.join([sys.executable, "-P", str(Path(__file__).resolve()), str(journal), version])
        command = folder / f"pulumi-resource-{package}"
        command.write_text(f'#!/bin/sh\nexec {started} "$@"\n')
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
