"""Which resources stacks have: by a preview of each, or by the document of one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.errors import CommandError
from cli.exit_status import OF_CAUSE, ExitStatus

if TYPE_CHECKING:
    from planning.cost.plan import Plan

_PULUMIS_OWN = "pulumi:"


@dataclass(frozen=True)
class Planned:
    """How many resources of each type a stack will have; components and providers are none."""

    stack: str
    types: Mapping[str, int]
    unseen: int = 0
    """Resources that a document leaves out, since they stay as they are."""


def project_stacks(folder: Path) -> list[str]:
    """The stacks that have a file in the project."""
    names = {path.name.split(".", 1)[1].rpartition(".")[0] for path in folder.glob("Pulumi.*.y*ml") if path.is_file()}
    if not names:
        raise CommandError(f"{folder}: there is no stack: no Pulumi.STACK.yaml", ExitStatus.CONFIGURATION)
    return sorted(names)


def preview_plan(folder: Path, stack: str) -> Planned:
    """What a preview of the stack plans. Raises CommandError where it fails, after telling why."""
    from cli.deploying import Options, make_request
    from engine.events import Diagnostic, Event, Severity, StepStarted
    from engine.session import run
    from planning.cost.plan import read_plan

    events: list[Event] = []
    request = make_request(Options(folder, stack), "update", dry_run=True, every_state=True)
    finished = run(request, events.append)
    if finished.outcome != "succeeded":
        for event in events:
            if isinstance(event, Diagnostic) and event.severity == Severity.ERROR:
                typer.echo(event.message.rstrip(), err=True)
        cancelled = finished.outcome == "cancelled"
        status = ExitStatus.CANCELLED if cancelled else OF_CAUSE.get(finished.cause, ExitStatus.ERROR)
        raise CommandError(f"stack {stack} has no coverage, since its preview {finished.outcome}", status)
    steps = [
        {"op": event.operation, "oldState": event.old_state, "newState": event.new_state}
        for event in events
        if isinstance(event, StepStarted) and event.logical
    ]
    return _planned(read_plan({"config": {}, "steps": steps}), stack)


def read_planned(path: Path) -> Planned:
    """What a preview document plans. Raises CommandError or PlanningError where it is none."""
    from planning.cost.plan import read_plan

    try:
        plan = read_plan(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--plan is {str(path)!r}: it cannot be read: {error}", ExitStatus.CONFIGURATION) from None
    urn = next((resource.urn for resource in plan.after), "")
    return _planned(plan, urn.split("::")[0].rpartition(":")[2] or path.stem)


def _planned(plan: "Plan", stack: str) -> Planned:
    types = Counter(each.type for each in plan.after if each.custom and not each.type.startswith(_PULUMIS_OWN))
    return Planned(stack, dict(sorted(types.items())), plan.unseen)
