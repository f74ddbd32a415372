"""The two services that a Pulumi program talks to, as objects in its own process: ResourceMonitor and Engine.

They take and give the messages of the SDK's own protocol, so the program cannot tell them from gRPC stubs. What is not
implemented is answered with «not supported», and refused by name if it is used all the same.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2, resource_pb2

from engine import goal as goals
from engine import values
from engine.deployment import Deployment
from engine.errors import Cancelled, EngineError, Unsupported
from engine.events import Diagnostic, Event, Severity

_FEATURES = {
    "secrets": resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    "resourceReferences": resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    "outputValues": resource_pb2.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
    "aliasSpecs": resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    "deletedWith": resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
}

_SEVERITIES = {
    engine_pb2.DEBUG: Severity.DEBUG,
    engine_pb2.INFO: Severity.INFO,
    engine_pb2.WARNING: Severity.WARNING,
    engine_pb2.ERROR: Severity.ERROR,
}


class _Refused(grpc.RpcError):
    """What a gRPC stub would raise; the SDK asks it for its code and details."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self._code = code
        self._details = details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details


class ResourceMonitor:
    """Pulumi's ResourceMonitor service over one deployment. Method names and messages are the protocol's."""

    def __init__(
        self, deployment: Deployment, *, directory: Path, config: dict[str, str], secret_keys: list[str]
    ) -> None:
        self._deployment = deployment
        self._root = directory.as_uri()
        self._config = config
        self._secret_keys = secret_keys

    def GetDeploymentInfo(self, request: Empty) -> resource_pb2.DeploymentInfo:  # noqa: N802
        """What is being deployed, and the features that this monitor supports."""
        stack = self._deployment.stack
        return resource_pb2.DeploymentInfo(
            project=stack.project,
            stack=stack.name,
            organization=stack.organization,
            config=self._config,
            configSecretKeys=self._secret_keys,
            dryRun=stack.dry_run,
            parallel=stack.parallel,
            supportedFeatures=list(_FEATURES.values()),
        )

    def SupportsFeature(self, request: resource_pb2.SupportsFeatureRequest) -> resource_pb2.SupportsFeatureResponse:  # noqa: N802
        """Whether a feature is supported, by its older textual name."""
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:  # noqa: N802
        """Registers one resource; returns when its step is done."""
        with _Answering(self._deployment):
            state = self._deployment.register(goals.from_register_request(request, self._root))
        response = resource_pb2.RegisterResourceResponse(urn=state.urn, id=state.id)
        if state.custom:
            response.object.CopyFrom(values.encode_struct(state.outputs))
        return response

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> Empty:  # noqa: N802
        """Records the outputs of a component or of the stack."""
        with _Answering(self._deployment):
            self._deployment.register_outputs(request.urn, values.decode_struct(request.outputs))
        return Empty()

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:  # noqa: N802
        """Reads a resource that the stack does not manage."""
        with _Answering(self._deployment):
            state = self._deployment.read(goals.from_read_request(request, self._root))
        return resource_pb2.ReadResourceResponse(
            urn=state.urn, id=state.id, properties=values.encode_struct(state.outputs)
        )

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> Any:  # noqa: N802
        """A provider function. Only its plugin could answer: unknown in a preview, refused in a deployment."""
        message = f"the function {request.tok} needs the plugin of its package, which the embedded engine does not run"
        if self._deployment.stack.dry_run:
            self._deployment.reporter.notify(Severity.WARNING, f"{message}; its result is unknown in this preview")
            return resource_pb2.ResourceInvokeResponse(unknown=True)
        with _Answering(self._deployment):
            raise Unsupported(f"{message}; use the pulumi command")

    def SignalAndWaitForShutdown(self, request: Empty) -> Empty:  # noqa: N802
        """The program has no more to register; nothing of it is needed for what follows."""
        return Empty()

    def Call(self, request: resource_pb2.ResourceCallRequest) -> Any:  # noqa: N802
        """Refused: methods of remote components."""
        self._refuse(f"the method call {request.tok}")

    def RegisterPackage(self, request: resource_pb2.RegisterPackageRequest) -> Any:  # noqa: N802
        """Refused: parameterized packages."""
        self._refuse(f"the parameterized package {request.name}")

    def RegisterStackTransform(self, request: Any) -> Any:  # noqa: N802
        """Refused: transforms that run outside of the program."""
        self._refuse("a stack transform")

    def RegisterStackInvokeTransform(self, request: Any) -> Any:  # noqa: N802
        """Refused: transforms of provider functions."""
        self._refuse("an invoke transform")

    def RegisterResourceHook(self, request: Any) -> Any:  # noqa: N802
        """Refused: hooks."""
        self._refuse("a resource hook")

    def RegisterErrorHook(self, request: Any) -> Any:  # noqa: N802
        """Refused: hooks."""
        self._refuse("an error hook")

    def _refuse(self, what: str) -> None:
        with _Answering(self._deployment):
            raise Unsupported(f"{what} is not supported by the embedded engine; use the pulumi command")


class Engine:
    """Pulumi's Engine service: the program's log, and its root resource."""

    def __init__(self, emit: Callable[[Event], None], *, debug: bool = False) -> None:
        self._emit = emit
        self._debug = debug
        self._root = ""

    def Log(self, request: engine_pb2.LogRequest) -> Empty:  # noqa: N802
        """Passes a message on; the SDK's own debug lines, several a resource, only where they were asked for."""
        severity = request.severity
        if severity != engine_pb2.DEBUG or self._debug:
            self._emit(
                Diagnostic(_SEVERITIES[severity], request.message, request.urn, request.ephemeral, request.streamId)
            )
        return Empty()

    def GetRootResource(self, request: Any) -> engine_pb2.GetRootResourceResponse:  # noqa: N802
        """The URN of the stack."""
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: engine_pb2.SetRootResourceRequest) -> engine_pb2.SetRootResourceResponse:  # noqa: N802
        """Remembers the URN of the stack."""
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: engine_pb2.RequirePulumiVersionRequest) -> Any:  # noqa: N802
        """The embedded engine is no version of the CLI: a program that needs a certain one must run under it."""
        raise _Refused(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"the program requires the Pulumi CLI {request.pulumi_version_range}; use the pulumi command",
        )


class _Answering:
    """Turns the engine's errors into what a gRPC stub raises, having made sure that the user sees them once."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, grpc.RpcError) or not isinstance(error, Exception):
            return
        if isinstance(error, Cancelled):
            raise _Refused(grpc.StatusCode.UNAVAILABLE, str(error)) from None
        if isinstance(error, EngineError | ValueError):
            self._deployment.reporter.fail(getattr(error, "urn", ""), error)
            raise _Refused(grpc.StatusCode.UNAVAILABLE, str(error)) from None
