"""Looks at deployed stacks, and takes down one that has expired: guard, destroy, audit."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.project import load_project
from lifecycle.caller import caller_of
from lifecycle.deployer import DeployedResource, Deployer, Show, deployer_for
from lifecycle.reaping.expired import NoMoment, StackSeen, moment_in
from lifecycle.runs.fetching import fetch
from lifecycle.teardown.artifacts import ArtifactsCheck, check_artifacts, recorded_copy
from lifecycle.teardown.audit import AuditReport, audit
from lifecycle.teardown.guard import find_obstacles, loses_artifacts
from lifecycle.teardown.state import read_state
from lifecycle.teardown.subject import Subject, read_subject

EXPIRES_AT = "expires_at"
"""The output that tells when a stack may go."""


def unaudited_mark(directory: Path, stack: str) -> Path:
    """A file that is there from before a stack is destroyed until an audit has told what is left of it."""
    return directory / ".trainyard" / "reaping" / stack


class StackLeft(EngineError):
    """A stack was not destroyed, or not all of it; the text says why."""


class StackRefused(StackLeft):
    """A guard refuses; the text says what would help."""


class StackBusy(StackLeft):
    """Somebody else deploys the stack."""


class ReapingStopped(StackLeft):
    """A person stopped it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is asked of the world."""

    read_state: Callable[[Subject], tuple[Sequence[DeployedResource], dict[str, Any]]] = read_state
    make_deployer: Callable[[Path, str], Deployer] = deployer_for
    fetch: Callable[[dict[str, Any], str, Path], Any] = fetch
    """Brings a stack's artifacts to a folder and verifies them; raises EngineError where that cannot be."""
    copy_of: Callable[[Path, str, str], str] = recorded_copy
    """Where a verified copy of a manifest's artifacts is; empty: nowhere."""
    check: Callable[[Subject, dict[str, Any]], ArtifactsCheck] = check_artifacts
    caller: Callable[[Subject], str] = caller_of
    """The account or project of whoever runs this, asked of the cloud."""
    audit: Callable[[Subject], AuditReport] = audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The stacks that could be looked at, and those that could not."""

    stacks: tuple[StackSeen, ...]
    not_looked_at: tuple[str, ...]
    """A sentence for each."""


def stacks_of(directory: Path) -> list[str]:
    """The names of all stacks that have a file in the project, sorted."""
    project = load_project(directory)
    suffix = project.file.suffix
    files = project.stack_file("x").parent.glob(f"Pulumi.?*{suffix}")
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(suffix) for path in files)


def look_at(directory: Path, stacks: Iterable[str], world: World) -> Seen:
    """What each stack has deployed. A prod stack is not asked: it is never reaped."""
    seen: list[StackSeen] = []
    not_looked_at: list[str] = []
    for stack in stacks:
        try:
            subject = read_subject(directory, stack)
            if subject.environment == "prod":
                continue
            resources, outputs = world.read_state(subject)
        except EngineError as error:
            not_looked_at.append(f"stack {stack}: {error}")
            continue
        seen.append(
            StackSeen(
                stack=stack,
                resources=len(resources),
                expires_at=outputs.get(EXPIRES_AT),
                unaudited=unaudited_mark(directory, stack).exists(),
            )
        )
    return Seen(stacks=tuple(seen), not_looked_at=tuple(not_looked_at))


def take_down(
    directory: Path,
    stack: str,
    world: World,
    *,
    show: Show,
    overrides: Sequence[str] = (),
    fetch_to: Path | None = None,
) -> AuditReport:
    """Destroys an expired stack and looks for what is left of it.

    What it has trained and would lose is brought and verified before, where `fetch_to` names a folder for it; where
    that cannot be, it stays, unless `unverified-artifacts` is among the overrides.

    Raises StackRefused, StackBusy, ReapingStopped, StackLeft and EngineError.
    """
    subject = read_subject(directory, stack)
    resources, outputs = world.read_state(subject)
    if resources:
        _require_expired(outputs)
        verified, hint = _artifacts_verified(subject, resources, outputs, world, show, fetch_to)
        obstacles = find_obstacles(
            subject,
            resources=resources,
            outputs=outputs,
            artifacts_verified=verified,
            account_id=lambda: world.caller(subject),
        )
        if left := [each for each in obstacles if each.name not in overrides]:
            raise StackRefused("; ".join(each.text for each in left) + hint)
        show(f"stack {stack}: destroying {len(resources)} resources")
        mark = unaudited_mark(directory, stack)
        mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.touch()
        result = world.make_deployer(directory, stack).destroy(show)
        if result.outcome == "cancelled":
            raise ReapingStopped("it was stopped before all was destroyed: the next reaping goes on")
        if result.cause == "locked":
            raise StackBusy(result.reason)
        if not result.succeeded:
            raise StackLeft(f"not all could be destroyed: {result.reason}")
    report = world.audit(subject)
    unaudited_mark(directory, stack).unlink(missing_ok=True)
    return report


def _require_expired(outputs: dict[str, Any]) -> None:
    """Raises StackRefused where somebody has prolonged the stack since it was looked at."""
    try:
        moment = moment_in(outputs.get(EXPIRES_AT))
    except NoMoment as error:
        raise StackRefused(f"its output expires_at says no longer when it may go: {error}") from None
    if moment >= datetime.now(UTC):
        raise StackRefused(f"it has been prolonged meanwhile, to {outputs[EXPIRES_AT]}")


def _artifacts_verified(
    subject: Subject,
    resources: Sequence[DeployedResource],
    outputs: dict[str, Any],
    world: World,
    show: Show,
    fetch_to: Path | None,
) -> tuple[bool | None, str]:
    """Whether there is a verified copy of what the stack would lose, and what to say where there is none.

    None: it loses nothing. That what is in its own bucket is whole is not enough here, for nobody has decided that it
    may go.
    """
    if not loses_artifacts(outputs, resources):
        return None, ""
    stack = subject.stack
    if copy := world.copy_of(subject.directory, stack, str(outputs["manifest_uri"])):
        show(f"stack {stack}: a verified copy of its artifacts is in {copy}")
        return True, ""
    if fetch_to is not None:
        try:
            world.fetch(outputs, stack, fetch_to / stack)
        except EngineError as error:
            return False, f" (they could not be brought: {error})"
        show(f"stack {stack}: its artifacts are verified and in {fetch_to / stack}")
        return True, ""
    check = world.check(subject, outputs)
    if check.verified is None:
        return None, ""
    return False, f" ({check.text}; yard reap -s {stack} --fetch DIR brings and verifies them first)"
