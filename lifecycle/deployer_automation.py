"""Deploys by Pulumi's Automation API, with the real Pulumi CLI and its plugins: stacks in a cloud.

Each deployment is a `pulumi` process of its own, in the project folder, with the state that the project or the
environment names. Such a process goes on where the one that started it is killed, and where it is killed itself, its
lock stays: whoever deploys next on this machine stops the one and gives back the other.
"""

import os
import re
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.durable_files import replace_file
from engine.values import Secret
from lifecycle.deployer import DeployedResource, DeploymentResult, Planned, Show, deployed_resource
from lifecycle.runs.errors import RunError

if TYPE_CHECKING:
    import psutil
    from pulumi.automation import Stack

INSTALL = "curl -fsSL https://get.pulumi.com | sh   (or: brew install pulumi/tap/pulumi)"
ORPHAN_SECONDS = 120.0
"""How long a deployment whose parent was killed may take to finish its running steps."""
_NOT_RESOURCES = ("pulumi:pulumi:Stack", "pulumi:providers:")
_LOCK_OWNER = re.compile(r"created by \S+@(?P<host>\S+) \(pid (?P<pid>\d+)\)")
_CANCELLED = re.compile(r"update cancell?ed|error: cancell?ed|operation cancell?ed")
_POLICY = re.compile(r"policy violation|Policy Violations", re.IGNORECASE)
_SETTINGS = re.compile(r"has \d+ problems? in its settings")
_KILLED = re.compile(r"code: -9\b")


class AutomationDeployer:
    """Each deployment runs `pulumi`, which says by what it prints what failed."""

    def __init__(self, directory: Path, stack: str, config_file: str = "", policy_packs: Sequence[Path] = ()) -> None:
        """Raises RunError where there is no `pulumi`."""
        if shutil.which("pulumi") is None:
            raise RunError(
                f"stack {stack} needs the Pulumi CLI with its plugins, and there is no pulumi on PATH.\n"
                f"Install it:  {INSTALL}"
            )
        self._directory, self._name, self._config_file = directory, stack, config_file or None
        self._policy_packs = policy_packs
        self._stack: Stack | None = None

    def preview(self, show: Show) -> Planned:
        """What `up` would do to an empty stack, by the embedded engine: no state nor credential is needed."""
        from lifecycle.deployer_embedded import EmbeddedDeployer

        with tempfile.TemporaryDirectory() as state:
            url = Path(state).as_uri()
            config_file = self._config_file or ""
            return EmbeddedDeployer(self._directory, self._name, config_file, url, self._policy_packs).preview(show)

    def up(self, show: Show) -> DeploymentResult:
        """Creates or updates everything; a job is waited for."""
        return self._deploy("up", show)

    def destroy(self, show: Show) -> DeploymentResult:
        """Deletes everything, also what a deployment that was killed has left half-done."""
        return self._deploy("destroy", show)

    def cancel(self) -> None:
        """Interrupts the CLI, as Ctrl-C does: running steps are finished; a second time ends it at once."""
        interrupt_deployments()

    def outputs(self) -> dict[str, Any]:
        """What the stack exports, from its state."""
        from pulumi.automation.errors import CommandError

        stack = self._selected()
        if stack is None:
            return {}
        try:
            found = stack.outputs()
        except CommandError as error:
            raise RunError(f"the outputs of stack {self._name} cannot be read: {_said(str(error))}") from None
        return {name: Secret(each.value) if each.secret else each.value for name, each in found.items()}

    def resources(self) -> list[DeployedResource]:
        """What the state holds, and what is pending in it."""
        from pulumi.automation.errors import CommandError

        stack = self._selected()
        if stack is None:
            return []
        try:
            deployment = stack.export_stack().deployment or {}
        except CommandError as error:
            raise RunError(f"the state of stack {self._name} cannot be read: {_said(str(error))}") from None
        documents = [*(deployment.get("resources") or [])]
        documents += [each["resource"] for each in deployment.get("pending_operations") or []]
        return [deployed_resource(each) for each in documents if not each["type"].startswith(_NOT_RESOURCES)]

    def _selected(self) -> "Stack | None":
        """The stack where the backend has it; it is not made."""
        from pulumi.automation import select_stack
        from pulumi.automation.errors import CommandError, StackNotFoundError

        if self._stack is None:
            try:
                self._stack = select_stack(self._name, work_dir=str(self._directory))
            except StackNotFoundError:
                return None
            except CommandError as error:
                raise RunError(f"stack {self._name} cannot be opened: {_said(str(error))}") from None
        return self._stack

    def _made(self) -> "Stack":
        """The stack, made where the backend has none. The user's own settings stay as they are."""
        from pulumi.automation import create_stack

        found = self._selected()
        if found is None:
            from engine.project import load_project

            # The CLI writes a salt into the file, which the run's own copy gets anyway.
            own = load_project(self._directory).stack_file(self._name)
            before = own.read_bytes() if own.is_file() else None
            self._stack = found = create_stack(self._name, work_dir=str(self._directory))
            if before is not None and own.read_bytes() != before:
                replace_file(own, before)
        return found

    def _deploy(self, action: Literal["up", "destroy"], show: Show) -> DeploymentResult:
        from pulumi.automation.errors import CommandError, ConcurrentUpdateError

        try:
            stack = self._made() if action == "up" else self._selected()
        except CommandError as error:
            return DeploymentResult("failed", "configuration", _said(str(error)))
        if stack is None:
            return DeploymentResult("succeeded")
        run: Callable[..., Any] = stack.destroy
        if action == "up":
            run = partial(stack.up, policy_packs=[str(path.resolve()) for path in self._policy_packs])
        for last in (False, True):
            try:
                done = run(
                    on_output=lambda text: _show_lines(text, show),
                    on_error=lambda text: _show_lines(text, show),
                    color="never",
                    suppress_outputs=True,
                    suppress_progress=True,
                    show_secrets=False,
                    config_file=self._config_file,
                )
            except ConcurrentUpdateError as error:
                if last or not self._freed(stack, str(error), show):
                    return DeploymentResult("failed", "locked", _said(str(error)))
            except CommandError as error:
                return DeploymentResult(*_failure(str(error)))
            else:
                return DeploymentResult("succeeded", changes=dict(done.summary.resource_changes or {}))
        raise AssertionError

    def _freed(self, stack: "Stack", text: str, show: Show) -> bool:
        """Whether the lock that the text tells of is gone now: that of a dead process, or one without its parent."""
        import psutil
        from pulumi.automation.errors import CommandError

        owner = _LOCK_OWNER.search(text)
        if owner is None or owner["host"] != socket.gethostname():
            return False
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(owner["pid"]))
            if process.name() == "pulumi" and process.status() != psutil.STATUS_ZOMBIE:
                parent = process.parent()
                if process.pid == os.getpid() or (parent is not None and parent.pid != 1):
                    return False
                show(f"waiting for the steps of a killed deployment (pid {process.pid}) to finish …")
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(ORPHAN_SECONDS)
                except psutil.TimeoutExpired:
                    return False
        self._end_plugins()
        with suppress(CommandError):
            stack.cancel()
        return True

    def _end_plugins(self) -> None:
        """Ends what a killed CLI has left running in the project: the language's host and providers."""
        import psutil

        left = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                is_plugin = process.name().startswith("pulumi-") or "pulumi.dynamic" in process.cmdline()
                orphaned = process.ppid() == 1 and Path(process.cwd()).is_relative_to(self._directory.resolve())
                if is_plugin and orphaned:
                    left += [process, *process.children(recursive=True)]
        for process in left:
            with suppress(psutil.Error):
                process.kill()


def deployments() -> "list[psutil.Process]":
    """The CLI's processes that this process has started and that still run."""
    import psutil

    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if child.name() == "pulumi" and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


def interrupt_deployments() -> None:
    """Asks each of them to stop in good order, as Ctrl-C does."""
    import psutil

    for process in deployments():
        with suppress(psutil.Error):
            process.send_signal(signal.SIGINT)


def _failure(text: str) -> tuple[Literal["failed", "cancelled"], str, str]:
    """Outcome, cause and reason of a command that failed, by what it has printed. Pure."""
    said = _said(text)
    if _KILLED.search(text):
        return "failed", "program", "the deployment's process ended by SIGKILL"
    if _CANCELLED.search(text):
        return "cancelled", "", said
    if _POLICY.search(text):
        return "failed", "policy", said
    if _SETTINGS.search(text):
        return "failed", "configuration", said
    return "failed", "resource", said


def _said(text: str) -> str:
    """The errors in what a command has printed, with their next lines; all of it where none is marked. Pure."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    first = next((place for place, line in enumerate(lines) if line.strip().startswith("error:")), 0)
    return "\n".join(lines[first:])[:4000]


def _show_lines(text: str, show: Show) -> None:
    for line in text.rstrip("\n").split("\n"):
        show(line)
