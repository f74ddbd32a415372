"""What `yard destroy` checks before it goes ahead: whose account it is, what is protected, what would be lost."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.errors import CommandError
from cli.exit_status import ExitStatus

if TYPE_CHECKING:
    from engine.values import Properties
    from lifecycle.deployer import DeployedResource
    from lifecycle.teardown.guard import Obstacle
    from lifecycle.teardown.subject import Subject


def require_known(overrides: Sequence[str]) -> list[str]:
    """The names of the obstacles that are to be overridden. Raises CommandError where there is none of a name."""
    from lifecycle.teardown.guard import OBSTACLES, unknown_overrides

    if unknown := unknown_overrides(overrides):
        raise CommandError(
            f"--override {unknown[0]}: there is no obstacle of that name; there are: {', '.join(OBSTACLES)}",
            ExitStatus.CONFIGURATION,
        )
    return list(overrides)


def pass_guard(folder: Path, stack: str, overrides: Iterable[str]) -> None:
    """Looks for what speaks against destroying the stack.

    Raises CommandError naming every obstacle that is not overridden, or EngineError where it cannot be told.
    """
    from lifecycle.caller import caller_of
    from lifecycle.teardown.guard import find_obstacles
    from lifecycle.teardown.state import read_state
    from lifecycle.teardown.subject import read_subject

    subject = read_subject(folder, stack)
    resources, outputs = read_state(subject)
    obstacles = find_obstacles(
        subject,
        resources=resources,
        outputs=outputs,
        artifacts_verified=_artifacts_verified(subject, resources, outputs),
        account_id=lambda: caller_of(subject),
    )
    _refuse(stack, obstacles, set(overrides))


def _refuse(stack: str, obstacles: "Sequence[Obstacle]", overrides: set[str]) -> None:
    for obstacle in obstacles:
        if obstacle.name in overrides:
            typer.echo(f"yard: overridden: {obstacle.name}: {obstacle.text}", err=True)
    for name in sorted(overrides - {obstacle.name for obstacle in obstacles}):
        typer.echo(f"yard: --override {name} is not needed: no such obstacle is in the way", err=True)
    left = [obstacle for obstacle in obstacles if obstacle.name not in overrides]
    if left:
        lines = [f"stack {stack} is not destroyed:", *(f"  {each.name}: {each.text}" for each in left)]
        options = " ".join(f"--override {each.name}" for each in left)
        raise CommandError("\n".join([*lines, f"To go ahead all the same: {options}"]), ExitStatus.CONFIGURATION)


def _artifacts_verified(
    subject: "Subject", resources: "Sequence[DeployedResource]", outputs: "Properties"
) -> bool | None:
    """Whether the artifacts are known to be whole; None where there is nothing to lose. Tells what it has found."""
    from lifecycle.teardown.guard import loses_artifacts

    if not loses_artifacts(outputs, resources):
        return None
    from lifecycle.teardown.artifacts import check_artifacts, recorded_copy

    if copy := recorded_copy(subject.directory, subject.stack, str(outputs["manifest_uri"])):
        typer.echo(f"artifacts: a verified copy is in {copy}")
        return True
    check = check_artifacts(subject, outputs, show=lambda text: typer.echo(f"artifacts: {text}", err=True))
    if check.verified is None:
        typer.echo(f"artifacts: {check.text}", err=True)
    else:
        typer.echo(f"artifacts: {check.text}")
    return check.verified
