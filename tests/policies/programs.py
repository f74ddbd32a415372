"""Runs small Pulumi programs in this process as a first preview or update would, and keeps what they register.

In a preview, an output that only a cloud could give is unknown; what a property is made of is known all the same.
"""

import runpy
from pathlib import Path
from typing import Any, NamedTuple

from google.protobuf import struct_pb2
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import wait_for_rpcs

from engine.analyzer_messages import analyze_request, analyzer_resource
from engine.resource_state import ResourceState
from engine.values import decode_struct
from tests.pulumi_loop import run_in_loop

CORPUS = Path(__file__).parent / "corpus"


class Registered(NamedTuple):
    """A resource, and the provider that its program names for it."""

    state: ResourceState
    provider: ResourceState | None

    def judged_alone(self) -> Any:
        """What a pack is told before the resource is made."""
        return analyze_request(self.state, self.state.inputs, provider=self.provider)

    def judged_in_stack(self) -> Any:
        """What a pack is told of the resource once all are made."""
        return analyzer_resource(self.state, self.state.outputs, provider=self.provider)


class _NoAnswers(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        raise AssertionError("the monitor below answers by itself")

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"the program looks something up: {args.token}")


class _Monitor(mocks.MockMonitor):
    """Answers as an engine does: in a preview with the inputs and no id, in an update with an id and an ARN."""

    def __init__(self, *, preview: bool) -> None:
        super().__init__(_NoAnswers())
        self._preview = preview
        self.registered: list[Registered] = []
        self._providers: dict[str, ResourceState] = {}
        """By reference."""

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        urn = self.make_urn(request.parent, request.type, request.name)
        answer = struct_pb2.Struct()
        answer.CopyFrom(request.object)
        if not self._preview:
            for key, value in {
                "arn": f"arn:aws:mock:eu-west-1:123456789012:{request.name}",
                "name": request.name,
                "email": f"{request.name}@example.iam.gserviceaccount.com",
            }.items():
                if key not in answer.fields:
                    answer.fields[key].string_value = value
        identifier = "" if self._preview else f"{request.name}-id"
        state = ResourceState(
            urn,
            request.type,
            request.custom,
            inputs=decode_struct(request.object),
            outputs=decode_struct(answer),
            parent=request.parent,
            dependencies=list(request.dependencies),
            property_dependencies={name: list(each.urns) for name, each in request.propertyDependencies.items()},
            additional_secret_outputs=list(request.additionalSecretOutputs),
            protect=bool(request.protect),
        )
        if request.type.startswith("pulumi:providers:"):
            self._providers[urn] = state
        elif not request.type.startswith("pulumi:"):
            self.registered.append(Registered(state, self._providers.get(request.provider.rpartition("::")[0])))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identifier, object=answer)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        return Empty()


def run_program(path: Path, *, preview: bool = True) -> list[Registered]:
    """What the program at `path` registers in a first preview or update of stack dev, in that order."""
    monitor = _Monitor(preview=preview)

    async def program() -> None:
        mocks.set_mocks(_NoAnswers(), project="trainyard", stack="dev", preview=preview, monitor=monitor)
        runpy.run_path(str(path), run_name="__main__")
        await wait_for_rpcs()

    run_in_loop(program)
    return monitor.registered
