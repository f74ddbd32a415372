"""Deploys by the embedded engine: stacks that need no plugin, such as those on this machine."""

import io
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from engine.events import Diagnostic, Event, Finished, PolicyViolation, Severity, StepStarted
from engine.session import Host, Request
from lifecycle.deployer import DeployedResource, DeploymentResult, Planned, Show, deployed_resource

_NOT_RESOURCES = ("pulumi:pulumi:Stack", "pulumi:providers:")


class EmbeddedDeployer:
    """Each deployment runs in a child process, which ends when this one does."""

    def __init__(
        self,
        directory: Path,
        stack: str,
        config_file: str = "",
        backend_url: str = "",
        policy_packs: Sequence[Path] = (),
    ) -> None:
        """`backend_url` is where the state is kept, if not where the project or the environment say."""
        self._directory, self._stack, self._config_file = directory, stack, config_file
        self._backend_url = backend_url
        self._policy_packs = policy_packs
        self._host: Host | None = None
        self._changing = threading.Lock()

    def preview(self, show: Show) -> Planned:
        """What `up` would do; the steps of what stays the same are in the document, too."""
        from engine.urn import is_default_provider
        from engine.values import as_json

        steps: list[dict[str, Any]] = []

        def note(event: Event) -> None:
            if isinstance(event, StepStarted) and event.logical and not is_default_provider(event.urn):
                states = {"oldState": as_json(event.old_state), "newState": as_json(event.new_state)}
                steps.append({"op": event.operation, "urn": event.urn, **states})

        finished, reason = self._run("update", note, dry_run=True)
        result = _result(finished, reason)
        if not result.succeeded:
            for line in reason.splitlines():
                show(line)
        return Planned(result, {"config": finished.config, "steps": steps})

    def up(self, show: Show) -> DeploymentResult:
        """Creates or updates everything; a job is waited for."""
        return self._shown("update", show)

    def destroy(self, show: Show) -> DeploymentResult:
        """Deletes everything, also what a deployment that was killed has left half-done."""
        return self._shown("destroy", show)

    def cancel(self) -> None:
        """Asks the deployment to stop, as Ctrl-C does: a second time ends it at once."""
        with self._changing:
            if self._host is not None:
                self._host.cancel()

    def outputs(self) -> dict[str, Any]:
        """What the stack exports, from its state."""
        from engine.stack_outputs import NothingDeployed, read_outputs

        try:
            return read_outputs(self._directory, self._stack, self._config_file)
        except NothingDeployed:
            return {}

    def resources(self) -> list[DeployedResource]:
        """What the state holds, and what is pending in it: a deployment that was killed may have made it."""
        from engine.file_backend import FileBackend
        from engine.project import load_project
        from engine.state_location import find_state_folder

        project = load_project(self._directory)
        latest = FileBackend(find_state_folder(project), project.name).read_checkpoint(self._stack) or {}
        documents = [*(latest.get("resources") or [])]
        documents += [each["resource"] for each in latest.get("pending_operations") or []]
        found = {
            (each["urn"], each.get("id", "")): deployed_resource(each)
            for each in documents
            if not each["type"].startswith(_NOT_RESOURCES)
        }
        return list(found.values())

    def _shown(self, action: Literal["update", "destroy"], show: Show) -> DeploymentResult:
        from engine.display import DisplayOptions, make_display

        display = make_display(DisplayOptions(action=action, stack=self._stack), _Lines(show))
        try:
            return _result(*self._run(action, display.show, dry_run=False))
        finally:
            display.close()

    def _run(
        self, action: Literal["update", "destroy"], watch: Callable[[Event], None], *, dry_run: bool
    ) -> tuple[Finished, str]:
        """Runs it to its end; how it ended, and the errors that were told."""
        errors: list[str] = []

        def note(event: Event) -> None:
            if isinstance(event, Diagnostic) and event.severity == Severity.ERROR:
                errors.append(event.message.rstrip())
            elif isinstance(event, PolicyViolation) and event.level == "mandatory":
                errors.append(f"policy {event.policy}: {event.message.rstrip()}")
            watch(event)

        request = Request(
            action=action,
            dry_run=dry_run,
            directory=self._directory,
            stack=self._stack,
            every_state=dry_run,
            config_file=self._config_file,
            backend_url=self._backend_url,
            policy_packs=[path.resolve() for path in self._policy_packs] if action == "update" else [],
            message="ephemeral run",
        )
        with Host() as host:
            with self._changing:
                self._host = host
            try:
                return host.run(request, note), "\n".join(errors)
            finally:
                with self._changing:
                    self._host = None


def _result(finished: Finished, reason: str) -> DeploymentResult:
    changes = {operation: count for operation, count in finished.changes.items() if count}
    return DeploymentResult(finished.outcome, finished.cause, reason, changes)  # type: ignore[arg-type]


class _Lines(io.StringIO):
    """A stream for a display: what is written goes on line by line."""

    def __init__(self, show: Show) -> None:
        super().__init__()
        self._show, self._rest = show, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._show(line)
        return len(text)
