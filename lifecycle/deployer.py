"""What deploys a stack, whichever engine does it: the seam between a run and the embedded engine or the Pulumi CLI.

A deployment may be cut off at any moment, by the death of this process too: doing it again goes on from what was done.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Show = Callable[[str], None]
"""Shows one line of progress. It may be called from other threads."""


@dataclass(frozen=True, slots=True)
class DeployedResource:
    """A resource as the stack's state has it."""

    urn: str
    type: str
    id: str
    """As its provider knows it; empty for a component."""
    protect: bool
    """Whether Pulumi refuses to delete it."""
    retain_on_delete: bool = False
    """Whether a destroy leaves it in the cloud."""


def deployed_resource(document: Mapping[str, Any]) -> DeployedResource:
    """The resource that a state's document describes."""
    return DeployedResource(
        document["urn"],
        document["type"],
        document.get("id", ""),
        bool(document.get("protect")),
        bool(document.get("retainOnDelete")),
    )


@dataclass(frozen=True, slots=True)
class DeploymentResult:
    """How a deployment, a preview or a destroy ended."""

    outcome: Literal["succeeded", "failed", "cancelled"]
    cause: str = ""
    """What failed, as engine.events.Finished has it: configuration, resource, policy, state, program, locked ..."""
    reason: str = ""
    """The errors that were shown, for a person."""
    changes: dict[str, int] = field(default_factory=dict)
    """How many resources, by operation."""

    @property
    def succeeded(self) -> bool:
        """Whether all of it was done."""
        return self.outcome == "succeeded"


@dataclass(frozen=True, slots=True)
class Planned:
    """A preview: how it ended, and its document, with what stays the same, for `planning.cost.plan.read_plan`."""

    result: DeploymentResult
    document: dict[str, Any] = field(default_factory=dict)
    """config, steps (op, urn, oldState, newState); secrets are `[secret]`."""


class Deployer(Protocol):
    """Deploys one stack, with one configuration."""

    def preview(self, show: Show) -> Planned:
        """What `up` would do; touches nothing."""

    def up(self, show: Show) -> DeploymentResult:
        """Creates or updates everything; a job is waited for."""

    def destroy(self, show: Show) -> DeploymentResult:
        """Deletes everything, also what a deployment that was killed has left half-done."""

    def cancel(self) -> None:
        """Asks the deployment that runs, if one does, to stop after its running steps; again: now. From any thread."""

    def outputs(self) -> dict[str, Any]:
        """What the stack exports, secrets as `engine.values.Secret`; empty where nothing is deployed."""

    def resources(self) -> list[DeployedResource]:
        """What the stack's state holds, the stack itself left out."""


def deployer_for(directory: Path, stack: str, config_file: str = "", policy_packs: Sequence[Path] = ()) -> Deployer:
    """Who deploys the stack: the embedded engine on this machine, the Pulumi CLI elsewhere.

    `config_file` is read instead of the project's Pulumi.STACK.yaml; `policy_packs` judge previews and updates.

    Raises EngineError where the settings cannot be read, or where the Pulumi CLI is needed and not there.
    """
    if cloud_of(directory, stack, config_file) == "local":
        from lifecycle.deployer_embedded import EmbeddedDeployer

        return EmbeddedDeployer(directory, stack, config_file, policy_packs=policy_packs)
    from lifecycle.deployer_automation import AutomationDeployer

    return AutomationDeployer(directory, stack, config_file, policy_packs)


def cloud_of(directory: Path, stack: str, config_file: str = "") -> str:
    """Where the stack runs: local, aws or gcp. Raises EngineError where the settings cannot be read."""
    from engine.project import load_project
    from engine.stack_settings import load_stack_settings, resolve_config

    project = load_project(directory)
    settings = load_stack_settings(project, stack, config_file)
    # A program without the setting has no cloud that it says: the embedded engine refuses what it cannot deploy.
    return resolve_config(settings, None).values.get(f"{project.name}:cloud", "local")
