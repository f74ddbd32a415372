"""A provider in a process of its own, spoken to over gRPC: Python dynamic resources, as the SDK serves them.

The process is the SDK's ``python -m pulumi.dynamic``, unmodified: it prints its port and serves ResourceProvider.
"""

import os
import sys
import threading
from collections.abc import Callable
from itertools import dropwhile
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from engine import urn as urns
from engine.errors import EngineError, Uncertain
from engine.plugin_process import PluginError, PluginProcess
from engine.providers import Checked, CheckFailure, Difference, Instance, mark_secrets
from engine.values import Properties, decode_struct, encode_struct

DYNAMIC_PACKAGE = "pulumi-python"
_START_SECONDS = 60.0
_CONFIG_VARIABLES = ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS")
# Past its own time-out a provider gets this long to say so itself before the engine stops waiting.
_GRACE_SECONDS = 5.0
# How grpc says that nobody answered to the end; a provider's own exceptions come as UNKNOWN.
_CUT_OFF = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL)


class PluginProvider:
    """Serves the package whose provider process `command` starts; the process starts with the first request.

    `on_output` receives every line that the process prints after its port. The methods raise EngineError with the
    last line of the provider's exception; the traceback goes to `on_debug`.
    """

    def __init__(
        self,
        command: list[str],
        *,
        directory: Path,
        project: str,
        config: dict[str, str],
        on_output: Callable[[str], None],
        on_debug: Callable[[str], None],
        on_secrets: Callable[[Properties], None] = lambda _: None,
    ) -> None:
        """`on_secrets` is told of all properties before the process is given them in the clear."""
        self._command = command
        self._directory = directory
        self._project = project
        self._config = config
        self._on_output = on_output
        self._on_debug = on_debug
        self._on_secrets = on_secrets
        self._calls = 0
        self._lock = threading.Lock()
        self._process: PluginProcess | None = None
        self._stub: provider_pb2_grpc.ResourceProviderStub | None = None
        self._channel: grpc.Channel | None = None

    def check(self, urn: str, olds: Properties, news: Properties) -> Checked:
        """See engine.providers.Provider."""
        response = self._call(
            "Check",
            provider_pb2.CheckRequest(
                urn=urn, name=urns.name_of(urn), type=urns.type_of(urn), olds=self._plain(olds), news=self._plain(news)
            ),
        )
        failures = [CheckFailure(failure.property, failure.reason) for failure in response.failures]
        return Checked(mark_secrets(decode_struct(response.inputs), news), failures)

    def diff(
        self, urn: str, identifier: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Difference:
        """See engine.providers.Provider."""
        response = self._call(
            "Diff",
            provider_pb2.DiffRequest(
                id=identifier,
                urn=urn,
                name=urns.name_of(urn),
                type=urns.type_of(urn),
                olds=self._plain(old_outputs),
                news=self._plain(news),
                old_inputs=self._plain(old_inputs),
            ),
        )
        changes = {
            provider_pb2.DiffResponse.DIFF_SOME: True,
            provider_pb2.DiffResponse.DIFF_NONE: False,
        }.get(response.changes)
        return Difference(
            changes=changes,
            replaces=list(response.replaces),
            changed_keys=list(response.diffs),
            delete_before_replace=response.deleteBeforeReplace,
        )

    def create(self, urn: str, inputs: Properties, timeout_seconds: float) -> Instance:
        """See engine.providers.Provider."""
        response = self._call(
            "Create",
            provider_pb2.CreateRequest(
                urn=urn,
                name=urns.name_of(urn),
                type=urns.type_of(urn),
                properties=self._plain(inputs),
                timeout=timeout_seconds,
            ),
            timeout_seconds,
        )
        if not response.id:
            raise EngineError(f"the provider created {urn} but returned no id")
        return Instance(response.id, mark_secrets(decode_struct(response.properties), inputs))

    def read(self, urn: str, identifier: str, inputs: Properties, outputs: Properties) -> Instance | None:
        """See engine.providers.Provider."""
        response = self._call(
            "Read",
            provider_pb2.ReadRequest(
                id=identifier,
                urn=urn,
                name=urns.name_of(urn),
                type=urns.type_of(urn),
                properties=self._plain(outputs),
                inputs=self._plain(inputs),
            ),
        )
        if not response.id:
            return None
        read_inputs = decode_struct(response.inputs) if response.HasField("inputs") else None
        return Instance(response.id, mark_secrets(decode_struct(response.properties), inputs), read_inputs)

    def update(
        self,
        urn: str,
        identifier: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        timeout_seconds: float,
    ) -> Properties:
        """See engine.providers.Provider."""
        response = self._call(
            "Update",
            provider_pb2.UpdateRequest(
                id=identifier,
                urn=urn,
                name=urns.name_of(urn),
                type=urns.type_of(urn),
                olds=self._plain(old_outputs),
                news=self._plain(news),
                old_inputs=self._plain(old_inputs),
                timeout=timeout_seconds,
            ),
            timeout_seconds,
        )
        return mark_secrets(decode_struct(response.properties), news)

    def delete(
        self, urn: str, identifier: str, inputs: Properties, outputs: Properties, timeout_seconds: float
    ) -> None:
        """See engine.providers.Provider."""
        self._call(
            "Delete",
            provider_pb2.DeleteRequest(
                id=identifier,
                urn=urn,
                name=urns.name_of(urn),
                type=urns.type_of(urn),
                properties=self._plain(outputs),
                old_inputs=self._plain(inputs),
                timeout=timeout_seconds,
            ),
            timeout_seconds,
        )

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self._calls > 0

    def close(self) -> None:
        """Ends the process, with whatever it runs within its group."""
        with self._lock:
            channel, process = self._channel, self._process
            self._channel = self._stub = self._process = None
        if channel is not None:
            channel.close()
        if process is not None:
            process.close()

    def start(self) -> None:
        """Starts the process now rather than with the first request. Raises EngineError where it does not come up."""
        self._started()

    def _started(self) -> provider_pb2_grpc.ResourceProviderStub:
        with self._lock:
            if self._stub is None:
                self._stub = self._launch()
            return self._stub

    def _launch(self) -> provider_pb2_grpc.ResourceProviderStub:
        search_path = [str(self._directory), *filter(None, [os.environ.get("PYTHONPATH")])]
        # The provider is handed its configuration by Configure; what it starts has no use for the decrypted values.
        inherited = {name: value for name, value in os.environ.items() if name not in _CONFIG_VARIABLES}
        environment = {
            **inherited,
            "PULUMI_PROJECT": self._project,
            "PYTHONPATH": os.pathsep.join(search_path),
            "PYTHONUNBUFFERED": "1",
        }
        try:
            self._process = PluginProcess.start(
                self._command,
                directory=self._directory,
                environment=environment,
                start_timeout_seconds=_START_SECONDS,
                on_output=self._on_output,
            )
        except PluginError as error:
            raise EngineError(f"the provider process ({' '.join(self._command[1:])}) {error}") from None
        # gRPC would go through a proxy that the environment names also to this machine itself.
        options = [*_GRPC_CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0)]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self._process.port}", options=options)
        stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        config = encode_struct(dict(self._config))
        try:
            stub.Configure(provider_pb2.ConfigureRequest(args=config, acceptSecrets=False), timeout=_START_SECONDS)
        except grpc.RpcError as error:
            raise EngineError(f"the provider process did not take its configuration: {error.details()}") from None
        return stub

    def _plain(self, properties: Properties) -> Any:
        self._on_secrets(properties)
        return encode_struct(properties, keep_secrets=False)

    def _call(self, method: str, request: Any, timeout_seconds: float = 0.0) -> Any:
        deadline = timeout_seconds + _GRACE_SECONDS if timeout_seconds else None
        stub = self._started()
        with self._lock:
            self._calls += 1
        try:
            return getattr(stub, method)(request, timeout=deadline)
        except grpc.RpcError as error:
            raise self._failure(method, request.urn, error, timeout_seconds) from None
        except ValueError:
            # So says grpc of a channel that has been closed.
            raise EngineError(f"{method.lower()} was not begun: the deployment is over") from None
        finally:
            with self._lock:
                self._calls -= 1

    def _failure(self, method: str, urn: str, error: grpc.RpcError, timeout_seconds: float) -> EngineError:
        code, details = error.code(), error.details() or ""
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            return Uncertain(
                f"{method.lower()} took longer than the {timeout_seconds:g} s that customTimeouts allow; "
                "the next run finds out what became of it"
            )
        if code in _CUT_OFF or "Stream removed" in details:
            return Uncertain(f"the provider process ended in the middle of {method.lower()}; its output is above")
        self._on_debug(f"{method} of {urn} raised:\n{details}")
        lines = [line for line in details.strip().splitlines() if line.strip()]
        return EngineError(_exception_text(lines) if lines else f"{method.lower()} failed: {code.name}")


def _exception_text(lines: list[str]) -> str:
    """The exception at the end of a traceback, all of its lines; the whole text where it is no traceback."""
    if not lines[0].startswith("Traceback "):
        return "\n".join(lines)
    # The last of chained exceptions; its own text may have indented lines too.
    last = max(index for index, line in enumerate(lines) if line.startswith("Traceback "))
    text = dropwhile(lambda line: line.startswith(" "), lines[last + 1 :])
    return "\n".join(text) or lines[-1]


def dynamic_provider_command() -> list[str]:
    """The command line of the SDK's server for Python dynamic resources."""
    return [sys.executable, "-u", "-m", "pulumi.dynamic"]
