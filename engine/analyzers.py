"""Policy packs: each runs unmodified in a process of its own and is asked about every resource and about the stack.

`PolicyPack.start` does what the pulumi command does for ``--policy-pack``: it reads PulumiPolicy.yaml, starts the pack
with its own interpreter, shakes hands, tells it of the stack, and configures it. Whoever deploys then asks:

- `remediate`, before anything else, where `remediates` says that some policy mends what it finds;
- `analyze` for each resource, with its inputs, before the step on it. A mandatory violation stops an update; a preview
  goes on, to show them all, and fails at its end;
- `analyze_stack` with every resource's outputs, once all steps have succeeded.

A pack that breaks never lets a deployment through: every failure is a `PolicyPackError` that names the pack and quotes
its last words. A pack may be asked from several threads at once. Importing this module is cheap: gRPC comes with the
first start.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import analyzer_messages, policy_config, policy_project
from engine.analyzer_messages import Remediation
from engine.events import PolicyPackLoaded, PolicyViolation
from engine.plugin_process import PluginError, PluginProcess
from engine.policy_project import PolicyPackError, PolicyProject

if TYPE_CHECKING:
    from pulumi.runtime.proto.analyzer_pb2 import AnalyzeRequest, AnalyzerResource

__all__ = ["PolicyPack", "PolicyPackError", "Remediation"]

START_TIMEOUT_SECONDS = 60.0
CALL_TIMEOUT_SECONDS = 300.0

# What the Python server of gRPC says before the text of an exception that a policy raised.
_GRPC_PREFIX = "Exception calling application: "
_LARGEST_MESSAGE_BYTES = 400 * 1024 * 1024
# A policy pack has no use for what opens the stack's secrets; it is handed the configuration in the clear already.
_WITHHELD_VARIABLES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_ACCESS_TOKEN")


class PolicyPack:
    """A policy pack that runs and is configured. Make one with `start`; it must be closed (it is a context manager)."""

    def __init__(self, project: PolicyProject, process: PluginProcess, call_timeout_seconds: float) -> None:
        import grpc
        from pulumi.runtime.proto import analyzer_pb2_grpc

        self.name = project.directory.name
        self.version = project.version
        self.policies: tuple[policy_config.Policy, ...] = ()
        """The policies, with the levels that the configuration gives them."""
        self._project = project
        self._process = process
        self._call_timeout_seconds = call_timeout_seconds
        self._channel = grpc.insecure_channel(
            f"127.0.0.1:{process.port}",
            options=[
                ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
                ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
                ("grpc.enable_http_proxy", 0),
            ],
        )
        self._analyzer = analyzer_pb2_grpc.AnalyzerStub(self._channel)

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        project: str,
        stack: str,
        organization: str = "organization",
        config: Mapping[str, str],
        secret_keys: Sequence[str] = (),
        dry_run: bool,
        engine_address: str = "",
        policy_config: Mapping[str, Any] | None = None,
        python: str | None = None,
        start_timeout_seconds: float = START_TIMEOUT_SECONDS,
        call_timeout_seconds: float = CALL_TIMEOUT_SECONDS,
        on_output: Callable[[str], None] | None = None,
    ) -> "PolicyPack":
        """Start the policy pack in `directory` for a stack and configure it.

        `config` maps ``project:key`` to its value, decrypted; `secret_keys` are those that are secrets. `policy_config`
        is the content of a policy configuration file (see `engine.policy_config`). `python` takes the place of the
        pack's own interpreter. What the pack prints goes to `on_output`, a line a call, from other threads. Raises
        PolicyPackError or PolicyConfigError; no process is left then.
        """
        found = policy_project.load(directory)
        given = _given_settings(policy_config)
        interpreter = python or found.interpreter()
        environment = _environment(project, stack, organization, config, dry_run)
        command = [interpreter, "-u", "-m", "pulumi.policy", engine_address, str(found.directory)]
        try:
            process = PluginProcess.start(
                command,
                directory=found.directory,
                environment=environment,
                start_timeout_seconds=start_timeout_seconds,
                on_output=on_output or _ignore,
            )
        except PluginError as error:
            raise PolicyPackError(f"policy pack {found.directory}: {error}{_hint(found, str(error))}") from None
        pack = cls(found, process, call_timeout_seconds)
        try:
            pack._shake_hands(engine_address)
            pack._configure_stack(project, stack, organization, config, secret_keys, dry_run)
            pack._configure(given)
        except BaseException:
            pack.close()
            raise
        return pack

    @property
    def loaded(self) -> PolicyPackLoaded:
        """The event that tells of this pack."""
        return PolicyPackLoaded(self.name, self.version, len(self.policies))

    @property
    def remediates(self) -> bool:
        """Whether a policy is at the level that mends resources; if none is, `remediate` never changes anything."""
        return any(policy.level == "remediate" for policy in self.policies)

    def remediate(self, request: "AnalyzeRequest") -> list[Remediation]:
        """What the policies at level remediate make of the resource's inputs, each building on the one before.

        The last properties take the place of the inputs; a `diagnostic` is shown as an advisory violation. Raises
        PolicyPackError.
        """
        if not self.remediates:
            return []
        response = self._call("Remediate", request, f"mending {request.urn}")
        return analyzer_messages.remediations(request, response, version=self._project.version)

    def analyze(self, request: "AnalyzeRequest") -> list[PolicyViolation]:
        """What the resource policies object to in one resource. Raises PolicyPackError where a policy fails."""
        if not self._enabled("resource"):
            return []
        response = self._call("Analyze", request, f"analyzing {request.urn}")
        return analyzer_messages.violations(
            response, version=self._project.version, severities=self._severities, urn=request.urn
        )

    def analyze_stack(self, resources: Sequence["AnalyzerResource"]) -> list[PolicyViolation]:
        """What the stack policies object to in all resources together. Raises PolicyPackError where a policy fails."""
        from pulumi.runtime.proto import analyzer_pb2

        if not self._enabled("stack"):
            return []
        request = analyzer_pb2.AnalyzeStackRequest(resources=resources)
        response = self._call("AnalyzeStack", request, "analyzing the stack")
        return analyzer_messages.violations(
            response,
            version=self._project.version,
            severities=self._severities,
            known_urns=(resource.urn for resource in resources),
        )

    def cancel(self) -> None:
        """Ask the pack to give up what it is doing; advisory, as in Pulumi's protocol. Never raises."""
        import grpc
        from google.protobuf.empty_pb2 import Empty

        with suppress(grpc.RpcError, ValueError):
            self._analyzer.Cancel(Empty(), timeout=1)

    def close(self) -> None:
        """End the pack's process and wait until it is gone. May be called again."""
        self._channel.close()
        self._process.close()

    def __enter__(self) -> "PolicyPack":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _severities(self) -> dict[str, str]:
        return {policy.name: policy.severity for policy in self.policies}

    def _enabled(self, kind: str) -> bool:
        return any(policy.level != "disabled" and policy.kind in (kind, "") for policy in self.policies)

    def _shake_hands(self, engine_address: str) -> None:
        from pulumi.runtime.proto import analyzer_pb2

        directory = str(self._project.directory)
        request = analyzer_pb2.AnalyzerHandshakeRequest(
            engine_address=engine_address, root_directory=directory, program_directory=directory
        )
        self._call("Handshake", request, "shaking hands", optional=True)

    def _configure_stack(
        self,
        project: str,
        stack: str,
        organization: str,
        config: Mapping[str, str],
        secret_keys: Sequence[str],
        dry_run: bool,
    ) -> None:
        from pulumi.runtime.proto import analyzer_pb2

        request = analyzer_pb2.AnalyzerStackConfigureRequest(
            stack=stack,
            project=project,
            organization=organization,
            dry_run=dry_run,
            config_secret_keys=secret_keys,
            config=config,
        )
        self._call("ConfigureStack", request, "being told of the stack", optional=True)

    def _configure(self, given: Mapping[str, policy_config.PolicySetting]) -> None:
        from dataclasses import replace

        from google.protobuf.empty_pb2 import Empty

        info = self._call("GetAnalyzerInfo", Empty(), "describing itself")
        self.name = info.name
        self.version = self._project.version or info.version
        policies = analyzer_messages.policies(info)
        if not info.supportsConfig:
            if given:
                raise PolicyPackError(f"policy pack {self.name}: it takes no policy configuration")
            self.policies = tuple(policies)
            return
        try:
            settings = policy_config.reconcile(policies, analyzer_messages.initial_settings(info), given)
        except policy_config.PolicyConfigError as error:
            raise policy_config.PolicyConfigError(f"policy pack {self.name}: {error}") from None
        self._call("Configure", analyzer_messages.configure_request(settings), "being configured")
        self.policies = tuple(replace(policy, level=settings[policy.name].level or policy.level) for policy in policies)

    def _call(self, method: str, request: Any, doing: str, *, optional: bool = False) -> Any:
        """Call the pack; `optional` methods may be missing. The only place that sees gRPC's errors."""
        import grpc

        try:
            return getattr(self._analyzer, method)(request, timeout=self._call_timeout_seconds)
        except grpc.RpcError as error:
            code = error.code()
            if optional and code == grpc.StatusCode.UNIMPLEMENTED:
                return None
            if code == grpc.StatusCode.DEADLINE_EXCEEDED:
                reason = f"did not answer within {self._call_timeout_seconds:g} s while {doing}"
                raise PolicyPackError(f"policy pack {self.name}: {reason}{self._process.last_words()}") from None
            reason = str(error.details()).removeprefix(_GRPC_PREFIX)
            raise PolicyPackError(f"policy pack {self.name}: {self._process.failure(doing, reason)}") from None
        except ValueError:
            raise PolicyPackError(f"policy pack {self.name}: it was closed while {doing}") from None


def _ignore(_: str) -> None:
    pass


def _given_settings(content: Mapping[str, Any] | None) -> dict[str, policy_config.PolicySetting]:
    return policy_config.parse(content or {})


def _environment(
    project: str, stack: str, organization: str, config: Mapping[str, str], dry_run: bool
) -> dict[str, str]:
    """The pack's environment variables: ours, and what Pulumi's SDKs read."""
    inherited = {name: value for name, value in os.environ.items() if name not in _WITHHELD_VARIABLES}
    return {
        **inherited,
        "PULUMI_PROJECT": project,
        "PULUMI_STACK": stack,
        "PULUMI_ORGANIZATION": organization,
        "PULUMI_DRY_RUN": "true" if dry_run else "false",
        "PULUMI_CONFIG": json.dumps(dict(config)),
    }


def _hint(project: PolicyProject, failure: str) -> str:
    missing = "No module named 'pulumi" in failure or "No module named pulumi" in failure
    return f"\nIts packages are missing; install them with: {project.setup_command()}" if missing else ""
