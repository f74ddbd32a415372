"""Puts a deployment together from a project's files, runs it, and records how it ended.

Reads Pulumi.yaml, the stack's file and its checkpoint; opens the secrets; holds the lock; repairs what an interrupted
run left; starts policy packs; runs the program against the monitor; and adds the update to the stack's history.
"""

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine import checkpoint, policy_config, program, resource_state, values
from engine.analyzers import PolicyPack
from engine.builtin_provider import BuiltinProvider
from engine.deployment import Deployment, Stack
from engine.early_packs import EarlyPacks
from engine.errors import EngineError
from engine.events import Diagnostic, Event, Finished, Severity
from engine.file_backend import DamagedState, FileBackend, HistoryEntry, StateNotWritable
from engine.lock import LockOwner, StackLock, StackLocked
from engine.monitor import Engine, ResourceMonitor
from engine.passphrase import DamagedSecret, passphrase_file
from engine.plugin_provider import DYNAMIC_PACKAGE, PluginProvider, dynamic_provider_command
from engine.policies import PolicyPacks
from engine.policy_project import PolicyPackError
from engine.project import Project, load_project
from engine.provider_registry import BUILTIN_PACKAGE, ProviderRegistry
from engine.redaction import Redactor
from engine.repair import PendingOperation, RepairFailed, repair
from engine.resource_state import ResourceState
from engine.secrets_provider import crypter_for_preview
from engine.session import Request
from engine.snapshot import Snapshot
from engine.stack_existence import StackNotFound, require_stack
from engine.stack_secrets import StackSecrets, open_for_preview, open_for_update, opened
from engine.stack_settings import ResolvedConfig, load_stack_settings, resolve_config
from engine.state_location import find_state_folder
from engine.stopping import Stopping

ORGANIZATION = "organization"
# What the manifest says of who wrote the state: the protocol version that the embedded engine follows.
ENGINE_VERSION = "3.272.0"


class StackDeployment:
    """One deployment as a request asks for it; `run` once."""

    def __init__(self, request: Request, emit: Callable[[Event], None], *, phases: dict[str, float]) -> None:
        """`phases` holds what has been measured already: the seconds of each phase by name."""
        self.over = False
        self._request = request
        self.redactor = Redactor()
        """What is known to be secret."""
        self._emit: Callable[[Event], None] = lambda event: emit(self.redactor.redact_event(event))
        self._phases = phases
        self._began = time.monotonic()
        self._start_time = time.time()
        self._deployment: Deployment | None = None
        self._cancelled = threading.Event()
        self._blinded_config: dict[str, str] = {}
        self._lock: StackLock | None = None
        self._dynamic: PluginProvider | None = None
        self._stopping = Stopping(
            busy=lambda: self._dynamic is not None and self._dynamic.busy,
            over=lambda: self.over,
            last_words=self._give_up,
        )

    def cancel(self) -> None:
        """Lets running steps finish and begins no other; also before the first."""
        self._cancelled.set()
        if self._deployment is not None:
            self._deployment.cancel()
        self._stopping.begin()

    def run(self) -> None:
        """Runs to the end; every failure becomes a diagnostic, and `Finished` is always the last event."""
        cause = ""
        try:
            with ExitStack() as resources:
                cause = self._run(resources)
        except EngineError as error:
            cause = _cause(error)
            self._emit(Diagnostic(Severity.ERROR, str(error)))
        except Exception:
            cause = "engine"
            self._emit(Diagnostic(Severity.ERROR, f"the engine failed, which it should not:\n{traceback.format_exc()}"))
        deployment = self._deployment
        outcome = "succeeded" if not cause else "failed"
        if self._cancelled.is_set() and (not cause or cause == "resource"):
            outcome = "cancelled"
        self.over = True
        self._emit(
            Finished(
                outcome=outcome,
                changes=dict(deployment.reporter.changes) if deployment else {},
                seconds=time.monotonic() - self._began,
                outputs=values.blind(deployment.stack_outputs) if deployment else {},
                phases={name: round(seconds, 4) for name, seconds in self._phases.items()},
                cause=cause if outcome == "failed" else "",
                plugins=_plugins(deployment),
                config=self._blinded_config,
            )
        )

    def _run(self, resources: ExitStack) -> str:
        """Runs the deployment; returns the cause of its failure, or nothing."""
        request = self._request
        early = EarlyPacks(request.policy_packs)
        resources.callback(early.close)
        with self._phase("read"):
            project = load_project(request.directory)
            if request.action == "update":
                program.require_runnable(project.file, project.runtime, project.program_folder)
            settings = load_stack_settings(project, request.stack, request.config_file)
            for warning in settings.warnings():
                self._say(Severity.WARNING, warning)
            backend = FileBackend(find_state_folder(project, request.backend_url), project.name)
            require_stack(settings, backend)
            if not request.dry_run:
                self._take_lock(resources, project, backend)
            latest = backend.read_checkpoint(request.stack) or {}
        with self._phase("secrets"):
            generated = passphrase_file(backend.folder, project.name, request.stack)
            if request.dry_run:
                secrets = open_for_preview(settings, latest, generated)
            else:
                # What is destroyed needs no salt for the time after it.
                keep_salt = request.action != "destroy"
                secrets = open_for_update(settings, latest, generated, keep_salt=keep_salt)
            config = resolve_config(secrets.settings, secrets.decrypt_config)
            for key in config.secret_keys:
                self.redactor.learn_text(config.values.get(key, ""))
            self._blinded_config = {
                key: "[secret]" if key in config.secret_keys else value for key, value in config.values.items()
            }
        packs = self._launch_packs(resources, early, project, config)
        with self._phase("state"):
            olds, pending = _decoded(latest, secrets.decrypt_state, backend, request.stack)
            for state in olds:
                self.redactor.learn(state.outputs)
        return self._deploy(resources, project, backend, config, olds, pending, secrets, packs)

    def _take_lock(self, resources: ExitStack, project: Project, backend: FileBackend) -> None:
        backend.check_writable()
        lock = StackLock(backend.folder, project.name, self._request.stack, on_wait=self._tell_of_leftover)
        self._lock = resources.enter_context(lock)
        for owner in self._lock.taken_over:
            self._say(Severity.WARNING, f"took over the lock of {owner}, which is no longer running")

    def _tell_of_leftover(self, owner: LockOwner) -> None:
        self._say(Severity.INFO, f"waiting for the steps of the killed run (pid {owner.pid}) to finish …")

    def _give_up(self) -> None:
        self._say(Severity.WARNING, "the program does not stop; its process is ended")
        if self._lock is not None:
            self._lock.release()

    def _deploy(
        self,
        resources: ExitStack,
        project: Project,
        backend: FileBackend,
        config: ResolvedConfig,
        olds: list[ResourceState],
        pending: list[PendingOperation],
        secrets: StackSecrets,
        packs: list[PolicyPack],
    ) -> str:
        request = self._request
        providers = self._providers(resources, project, backend, config)
        if pending:
            with self._phase("repair"):
                repaired = repair(olds, pending, providers.recorded)
                olds = repaired.states
                for message in repaired.messages:
                    self._say(Severity.WARNING, message)

        def write(states: list[str], operations: list[str]) -> None:
            deployment: dict[str, Any] = {
                "manifest": checkpoint.new_manifest(ENGINE_VERSION, datetime.now(UTC)),
                **({"secrets_providers": checkpoint.passphrase_provider(secrets.salt)} if secrets.salt else {}),
            }
            content = checkpoint.encode_checkpoint(project.name, request.stack, deployment, states, operations)
            backend.write_checkpoint(request.stack, content)

        snapshot = Snapshot(olds, encrypt=secrets.encrypt, write=None if request.dry_run else write)
        if pending and not request.dry_run:
            snapshot.finish()
        with self._phase("policies"):
            policies = PolicyPacks(packs, self._emit, dry_run=request.dry_run) if packs else None
        stack = Stack(ORGANIZATION, project.name, request.stack, request.dry_run, request.parallel, request.every_state)
        deployment = Deployment(stack, olds, snapshot=snapshot, providers=providers, emit=self._emit, policies=policies)
        self._deployment = deployment
        if self._cancelled.is_set():
            deployment.cancel()
        failure = ""
        try:
            if request.action == "update":
                failure = self._run_program(project, config, deployment)
            with self._phase("delete"):
                deployment.finish(delete=not failure)
        finally:
            if deployment.violated or (policies is not None and policies.failed):
                failure = "policy"
            cause = failure or ("resource" if deployment.failed else "")
            if not request.dry_run:
                with self._phase("history"):
                    self._add_history(backend, config, cause, deployment)
        return cause

    # The parts

    def _providers(
        self, resources: ExitStack, project: Project, backend: FileBackend, config: ResolvedConfig
    ) -> ProviderRegistry:
        dynamic = PluginProvider(
            dynamic_provider_command(),
            directory=project.folder,
            project=project.name,
            config=config.values,
            on_output=lambda line: self._say(Severity.INFO, line),
            on_debug=lambda text: self._say(Severity.DEBUG, text),
            on_secrets=self.redactor.learn,
        )
        self._dynamic = dynamic
        secret_keys = frozenset(config.secret_keys)
        properties: values.Properties = {
            key: values.Secret(value) if key in secret_keys else value for key, value in config.values.items()
        }
        properties.update((key, values.Secret(values.UNKNOWN)) for key in config.unknown_keys)
        registry = ProviderRegistry(
            dry_run=self._request.dry_run,
            config=properties,
            dynamic=dynamic,
            builtin=BuiltinProvider(lambda name: _outputs_of(backend, project, name)),
        )
        resources.callback(registry.close)
        return registry

    def _launch_packs(
        self, resources: ExitStack, early: EarlyPacks, project: Project, config: ResolvedConfig
    ) -> list[PolicyPack]:
        """Starts the policy packs; they become ready while the deployment goes on."""
        request = self._request
        if not request.policy_packs:
            return []
        if request.policy_configs and len(request.policy_configs) != len(request.policy_packs):
            raise PolicyPackError(
                f"{len(request.policy_packs)} policy packs and {len(request.policy_configs)} configurations: "
                "give one configuration for each pack, or none"
            )
        configs: list[Path] | list[None] = request.policy_configs or [None] * len(request.policy_packs)
        packs: list[PolicyPack] = []
        for directory, config_file in zip(request.policy_packs, configs, strict=True):
            pack = PolicyPack.launch(
                directory,
                project=project.name,
                stack=request.stack,
                organization=ORGANIZATION,
                config=config.values,
                secret_keys=config.secret_keys,
                dry_run=request.dry_run,
                policy_config=policy_config.load(config_file) if config_file else None,
                on_output=lambda line: self._say(Severity.INFO, line),
                process=early.take(directory),
            )
            resources.callback(pack.close)
            packs.append(pack)
        return packs

    def _run_program(self, project: Project, config: ResolvedConfig, deployment: Deployment) -> str:
        """Runs the program; returns the cause of its failure, or nothing."""
        what = program.Program(
            directory=project.folder,
            entry=project.program_folder,
            project=project.name,
            stack=self._request.stack,
            organization=ORGANIZATION,
            dry_run=self._request.dry_run,
            parallel=self._request.parallel,
            config=config.values,
            secret_keys=list(config.secret_keys),
            unknown_keys=list(config.unknown_keys),
        )
        monitor = ResourceMonitor(
            deployment, directory=project.folder, config=config.values, secret_keys=list(config.secret_keys)
        )
        with self._phase("program"):
            try:
                program.run(what, monitor, Engine(self._emit, debug=self._request.debug))
            except program.ProgramError as error:
                # Where the engine refused something, it has said so; the program only saw its monitor go away.
                if deployment.failed or deployment.cancelled:
                    return "resource"
                self._emit(Diagnostic(Severity.ERROR, str(error)))
                # Before anything but the stack itself was registered, it can only be the settings that it refuses.
                untouched = sum(deployment.reporter.changes.values()) <= 1
                return "configuration" if error.deliberate and untouched else "program"
        return ""

    def _add_history(self, backend: FileBackend, config: ResolvedConfig, cause: str, deployment: Deployment) -> None:
        if not backend.state_file(self._request.stack).is_file():
            # Stopped before anything was registered: there is nothing to remember.
            return
        backend.add_history(
            self._request.stack,
            HistoryEntry(
                kind=self._request.action,
                result="failed" if cause or deployment.cancelled else "succeeded",
                start_time=self._start_time,
                end_time=time.time(),
                message=self._request.message,
                config=config.recorded,
                resource_changes=deployment.reporter.changes,
            ),
        )

    def _say(self, severity: Severity, message: str) -> None:
        if severity != Severity.DEBUG or self._request.debug:
            self._emit(Diagnostic(severity, message))

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self._phases[name] = self._phases.get(name, 0.0) + time.monotonic() - began


def _outputs_of(backend: FileBackend, project: Project, name: str) -> values.Properties | None:
    """The outputs of another stack in the same state folder, as ORGANIZATION/PROJECT/STACK or a part of that."""
    *_, other_project, stack = ["", project.name, *name.split("/")] if "/" not in name else name.split("/")
    other = FileBackend(backend.folder, other_project)
    latest = other.read_checkpoint(stack)
    if latest is None:
        return None
    crypter = crypter_for_preview(
        load_stack_settings(project, stack),
        checkpoint.state_salt(latest),
        passphrase_file(backend.folder, other_project, stack),
    )
    decrypt = opened(crypter, checkpoint.state_salt(latest)) if crypter else None
    for document in latest.get("resources") or []:
        if document["type"] == "pulumi:pulumi:Stack" and not document.get("delete"):
            return resource_state.decode(document, decrypt).outputs
    return {}


def _plugins(deployment: Deployment | None) -> list[str]:
    if deployment is None:
        return []
    packages = {name for name in deployment.reporter.packages if name not in (DYNAMIC_PACKAGE, BUILTIN_PACKAGE)}
    return sorted(packages)


def _decoded(
    latest: dict[str, Any], decrypt: Callable[[str], str] | None, backend: FileBackend, stack: str
) -> tuple[list[ResourceState], list[PendingOperation]]:
    """The states and pending operations of a deployment. Raises EngineError for what cannot be read or honoured."""
    try:
        olds = [resource_state.decode(document, decrypt) for document in latest.get("resources") or []]
        pending = [
            PendingOperation(each["type"], resource_state.decode(each["resource"], decrypt))
            for each in latest.get("pending_operations") or []
        ]
    except DamagedSecret as error:
        backup = backend.newest_good_backup(stack)
        raise DamagedState(
            f"{backend.state_file(stack)} is damaged: {error}"
            + (
                f"\nthe newest backup that holds together is {backup}\nto restore it: yard restore -s {stack}"
                if backup
                else ""
            )
        ) from None
    except ValueError as error:
        raise EngineError(f"{backend.state_file(stack)}: {error}") from None
    return olds, pending


def _cause(error: EngineError) -> str:
    match error:
        case StackNotFound():
            return "stack-not-found"
        case StackLocked():
            return "locked"
        case DamagedState() | StateNotWritable():
            return "state"
        case RepairFailed():
            return "resource"
        case PolicyPackError():
            return "policy"
        case _:
            return "configuration"
