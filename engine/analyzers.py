"""Policy packs: each runs unmodified in a process of its own and is asked about every resource and about the stack.

`PolicyPack.start` does what the pulumi command does for ``--policy-pack``: it reads PulumiPolicy.yaml, starts the pack
with its own interpreter, shakes hands, tells it of the stack, and configures it. `launch` begins with that and leaves
the waiting to `ready`, so that something else can be done meanwhile. Whoever deploys then asks:

- `remediate`, before anything else, where `remediates` says that some policy mends what it finds;
- `analyze` for each resource, with its inputs, before the step on it. A mandatory violation stops an update; a preview
  goes on, to show them all, and fails at its end. `analyze_all` asks about many at once;
- `analyze_stack` with every resource's outputs, once all steps have succeeded.

A pack that breaks never lets a deployment through: every failure is a `PolicyPackError` that names the pack and quotes
its last words. A pack may be asked from several threads at once. Importing this module is cheap: gRPC comes with the
first start.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import analyzer_messages, policy_config, policy_project
from engine.analyzer_messages import Remediation
from engine.early_packs import inherited_environment
from engine.errors import EngineError
from engine.events import PolicyPackLoaded, PolicyViolation
from engine.plugin_process import PluginError, PluginProcess
from engine.policy_project import PolicyPackError, PolicyProject

if TYPE_CHECKING:
    from pulumi.runtime.proto.analyzer_pb2 import AnalyzeRequest, AnalyzerResource

    from engine.analyzer_calls import AnalyzerCalls

__all__ = ["PolicyPack", "PolicyPackError", "Remediation"]

START_TIMEOUT_SECONDS = 60.0
CALL_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Deployed:
    """What a pack is told of the deployment that it judges."""

    project: str
    stack: str
    organization: str
    config: Mapping[str, str]
    secret_keys: Sequence[str]
    dry_run: bool

    def environment(self) -> dict[str, str]:
        """The pack's environment variables: ours, and what Pulumi's SDKs read."""
        return {
            **inherited_environment(),
            "PULUMI_PROJECT": self.project,
            "PULUMI_STACK": self.stack,
            "PULUMI_ORGANIZATION": self.organization,
            "PULUMI_DRY_RUN": "true" if self.dry_run else "false",
            "PULUMI_CONFIG": json.dumps(dict(self.config)),
        }


class PolicyPack:
    """A policy pack's process. Make one with `start` or `launch`; it must be closed (it is a context manager)."""

    def __init__(
        self,
        project: PolicyProject,
        process: PluginProcess,
        deployed: _Deployed,
        given: Mapping[str, policy_config.PolicySetting],
        *,
        start_timeout_seconds: float,
        call_timeout_seconds: float,
        on_output: Callable[[str], None],
    ) -> None:
        self.name = project.directory.name
        self.version = project.version
        self.policies: tuple[policy_config.Policy, ...] = ()
        """The policies, with the levels that the configuration gives them, once the pack is ready."""
        self._project = project
        self._process = process
        self._deployed = deployed
        self._given = given
        self._start_timeout_seconds = start_timeout_seconds
        self._call_timeout_seconds = call_timeout_seconds
        self._on_output = on_output
        self._calls: AnalyzerCalls | None = None
        self._severities: dict[str, str] = {}
        self._starting = threading.Lock()
        self._is_ready = False
        self._failure: EngineError | None = None
        self._takes_many = True

    @classmethod
    def start(cls, directory: Path, **options: Any) -> "PolicyPack":
        """Start the policy pack in `directory` and wait until it is ready; the options and errors are `launch`'s.

        No process is left after an error.
        """
        pack = cls.launch(directory, **options)
        try:
            pack.ready()
        except BaseException:
            pack.close()
            raise
        return pack

    @classmethod
    def launch(
        cls,
        directory: Path,
        *,
        project: str,
        stack: str,
        organization: str = "organization",
        config: Mapping[str, str],
        secret_keys: Sequence[str] = (),
        dry_run: bool,
        policy_config: Mapping[str, Any] | None = None,
        python: str | None = None,
        start_timeout_seconds: float = START_TIMEOUT_SECONDS,
        call_timeout_seconds: float = CALL_TIMEOUT_SECONDS,
        on_output: Callable[[str], None] | None = None,
        process: PluginProcess | None = None,
    ) -> "PolicyPack":
        """Start the policy pack in `directory` for a stack; `ready` waits until it can be asked.

        `config` maps ``project:key`` to its value, decrypted; `secret_keys` are those that are secrets. `policy_config`
        is the content of a policy configuration file (see `engine.policy_config`). `python` takes the place of the
        pack's own interpreter. What the pack prints goes to `on_output`, a line a call, from other threads. `process`
        is the pack's, if it was started before. Raises PolicyPackError or PolicyConfigError; no process is left then.
        """
        deployed = _Deployed(project, stack, organization, config, secret_keys, dry_run)
        try:
            found = policy_project.load(directory)
            given = _given_settings(policy_config)
            process = process or PluginProcess.launch(
                found.command(python or found.interpreter()),
                directory=found.directory,
                environment=deployed.environment(),
            )
        except BaseException as error:
            if process is not None:
                process.close()
            if isinstance(error, OSError):
                raise PolicyPackError(f"policy pack {directory}: it cannot be started: {error}") from None
            raise
        return cls(
            found,
            process,
            deployed,
            given,
            start_timeout_seconds=start_timeout_seconds,
            call_timeout_seconds=call_timeout_seconds,
            on_output=on_output or _ignore,
        )

    def ready(self) -> None:
        """Wait until the pack can be asked. Raises PolicyPackError or PolicyConfigError, the same one each time."""
        with self._starting:
            if self._failure is not None:
                raise self._failure
            if self._is_ready:
                return
            try:
                with self._understanding("what it says of itself"):
                    self._become_ready()
            except EngineError as error:
                self._failure = error
                raise
            self._is_ready = True

    def _become_ready(self) -> None:
        try:
            self._process.wait_for_port(self._start_timeout_seconds, self._on_output)
        except PluginError as error:
            where = self._project.directory
            raise PolicyPackError(f"policy pack {where}: {error}{_hint(self._project, str(error))}") from None
        from engine.analyzer_calls import AnalyzerCalls

        self._calls = AnalyzerCalls(self.name, self._process, self._call_timeout_seconds)
        self._shake_hands()
        self._configure_stack()
        self._configure()

    @property
    def may_remediate(self) -> bool:
        """Whether `remediate` may ever change anything, as far as is known before the pack is ready."""
        return self._project.remediates or any(setting.level == "remediate" for setting in self._given.values())

    @property
    def loaded(self) -> PolicyPackLoaded:
        """The event that tells of this pack."""
        rules = [
            {
                "name": policy.name,
                "level": policy.level,
                "severity": policy.severity,
                "description": policy.description,
            }
            for policy in self.policies
        ]
        return PolicyPackLoaded(self.name, self.version, len(self.policies), rules)

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
        response = self._asked.call("Remediate", request, f"mending {request.urn}")
        with self._understanding(f"what it says of {request.urn}"):
            return analyzer_messages.remediations(request, response, version=self._project.version)

    def analyze(self, request: "AnalyzeRequest") -> list[PolicyViolation]:
        """What the resource policies object to in one resource. Raises PolicyPackError where a policy fails."""
        if not self._enabled("resource"):
            return []
        response = self._asked.call("Analyze", request, f"analyzing {request.urn}")
        with self._understanding(f"what it says of {request.urn}"):
            return analyzer_messages.violations(
                response, version=self._project.version, severities=self._severities, urn=request.urn
            )

    def analyze_all(self, requests: Sequence["AnalyzeRequest"]) -> Iterator[list[PolicyViolation]]:
        """What `analyze` says of each resource, asked at once where the pack can be. Raises PolicyPackError in turn."""
        from engine.analyzer_calls import CallRefused

        if self._takes_many and self._enabled("resource"):
            try:
                yield from self._analyze_at_once(requests)
                return
            except CallRefused as refusal:
                # Where a policy raised, only its own resource's answer says so, and the others have one.
                self._takes_many = not refusal.unknown_method
        for request in requests:
            yield self.analyze(request)

    def _analyze_at_once(self, requests: Sequence["AnalyzeRequest"]) -> Iterable[list[PolicyViolation]]:
        from pulumi.runtime.proto import analyzer_pb2

        together = analyzer_pb2.AnalyzeStackRequest(resources=map(analyzer_messages.as_resource, requests))
        response = self._asked.analyze_all(together, f"analyzing {len(requests)} resources")
        found: dict[str, list[PolicyViolation]] = {request.urn: [] for request in requests}
        with self._understanding(f"what it says of {len(requests)} resources"):
            for violation in analyzer_messages.violations(
                response, version=self._project.version, severities=self._severities, known_urns=found
            ):
                found[violation.urn].append(violation)
        return found.values()

    def analyze_stack(self, resources: Sequence["AnalyzerResource"]) -> list[PolicyViolation]:
        """What the stack policies object to in all resources together. Raises PolicyPackError where a policy fails.

        A pack of resource policies only is asked too, as by Pulumi: it may say here what it could not decide before.
        """
        from pulumi.runtime.proto import analyzer_pb2

        if not self._enabled():
            return []
        request = analyzer_pb2.AnalyzeStackRequest(resources=resources)
        response = self._asked.call("AnalyzeStack", request, "analyzing the stack", optional=not self._enabled("stack"))
        if response is None:
            return []
        with self._understanding("what it says of the stack"):
            return analyzer_messages.violations(
                response,
                version=self._project.version,
                severities=self._severities,
                known_urns=(resource.urn for resource in resources),
            )

    def close(self) -> None:
        """End the pack's process and wait until it is gone; it need not be ready. May be called again."""
        if self._calls is not None:
            self._calls.close()
        self._process.close()

    def __enter__(self) -> "PolicyPack":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _asked(self) -> "AnalyzerCalls":
        if self._calls is None:
            raise PolicyPackError(f"policy pack {self.name}: it was asked before it was ready")
        return self._calls

    @contextmanager
    def _understanding(self, what: str) -> Iterator[None]:
        """Whatever an answer that breaks Pulumi's protocol leads to is the pack's failure."""
        try:
            yield
        except EngineError:
            raise
        except Exception as error:
            text = f"policy pack {self.name}: {what} cannot be understood: {type(error).__name__}: {error}"
            raise PolicyPackError(text) from error

    def _enabled(self, kind: str = "") -> bool:
        """Whether a policy is enabled that is, or may be, of this kind."""
        return any(policy.level != "disabled" and (not kind or policy.kind in (kind, "")) for policy in self.policies)

    def _shake_hands(self) -> None:
        from pulumi.runtime.proto import analyzer_pb2

        directory = str(self._project.directory)
        request = analyzer_pb2.AnalyzerHandshakeRequest(root_directory=directory, program_directory=directory)
        self._asked.call("Handshake", request, "shaking hands", optional=True)

    def _configure_stack(self) -> None:
        from pulumi.runtime.proto import analyzer_pb2

        deployed = self._deployed
        request = analyzer_pb2.AnalyzerStackConfigureRequest(
            stack=deployed.stack,
            project=deployed.project,
            organization=deployed.organization,
            dry_run=deployed.dry_run,
            config_secret_keys=deployed.secret_keys,
            config=deployed.config,
        )
        self._asked.call("ConfigureStack", request, "being told of the stack", optional=True)

    def _configure(self) -> None:
        from google.protobuf.empty_pb2 import Empty

        info = self._asked.call("GetAnalyzerInfo", Empty(), "describing itself")
        self.name = self._asked.name = info.name
        self.version = self._project.version or info.version
        policies = analyzer_messages.policies(info)
        if not info.supportsConfig:
            if self._given:
                raise PolicyPackError(f"policy pack {self.name}: it takes no policy configuration")
        else:
            try:
                settings = policy_config.reconcile(policies, analyzer_messages.initial_settings(info), self._given)
            except policy_config.PolicyConfigError as error:
                raise policy_config.PolicyConfigError(f"policy pack {self.name}: {error}") from None
            self._hand_over(settings)
            policies = [replace(policy, level=settings[policy.name].level or policy.level) for policy in policies]
        self.policies = tuple(policies)
        self._severities = {policy.name: policy.severity for policy in policies}
        if self.remediates and not self.may_remediate:
            raise PolicyPackError(
                f"policy pack {self.name}: {policy_project.FILE_NAME} says 'remediates: false', but some policies do"
            )

    def _hand_over(self, settings: Mapping[str, policy_config.PolicySetting]) -> None:
        from engine.analyzer_calls import CallRefused

        try:
            self._asked.call("Configure", analyzer_messages.configure_request(settings), "being configured")
        except CallRefused as refusal:
            if refusal.wrong_argument:
                raise policy_config.PolicyConfigError(f"policy pack {self.name}: {refusal.reason}") from None
            raise


def _ignore(_: str) -> None:
    pass


def _given_settings(content: Mapping[str, Any] | None) -> dict[str, policy_config.PolicySetting]:
    return policy_config.parse(content or {})


def _hint(project: PolicyProject, failure: str) -> str:
    missing = any(f"No module named {name}" in failure for name in ("'pulumi", "pulumi", "'grpc", "'google"))
    return f"\nIts packages are missing; install them with: {project.setup_command()}" if missing else ""
