"""The main job: how long a warm `make up` of the local stack takes, phase by phase, and its `make destroy`.

A project folder of its own, made of links to this project's files, keeps the stack away from the user's own. It is
deployed and destroyed once without being measured, so that every file has been read before and all that is made once
is made; then once more, as `yard up --yes` does it: a preview, and then the update, whose process starts beside the
preview's. The times come from the deployment's events as they arrive.
"""

import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from bench.errors import BenchError
from bench.machine import describe_machine
from bench.results import Result, Target
from engine import urn as urns
from engine.events import Diagnostic, Event, Finished, Severity, StepFailed, StepFinished, StepStarted
from engine.session import Host, Request

NAME = "main-job"
STACK = "bench"
STEPS = 4

TOTAL_TARGET = Target(of="value", at_most=60)
ENGINE_TARGET = Target(of="value", at_most=2)

Interval = tuple[float, float]
"""Begin and end, in seconds of the same clock."""

_DYNAMIC_TYPE_PREFIX = "pulumi-python:"
_STACK_FILE = "Pulumi.local.yaml"
_NOT_LINKED = ("bench", "tests")


@dataclass(slots=True)
class Timeline:
    """When what happened in one `up`, by `time.monotonic`."""

    began: float
    previewed: float = 0.0
    ended: float = 0.0
    operations: dict[str, list[Interval]] = field(default_factory=dict)
    """What the providers of resources did in the update, by phase; intervals of one phase may overlap."""

    @property
    def total_seconds(self) -> float:
        """From before the first process is started until the last has ended."""
        return self.ended - self.began

    @property
    def engine_seconds(self) -> float:
        """The part of the total in which no provider was at work on any resource.

        It is the total less the union of all providers' operations (create, update, delete of one resource): the start
        of processes, imports, the whole preview with its checks of what is there, the program, decisions, and the time
        between the end of one operation and the begin of the next that waited for it. Recording an operation before it
        starts and after it ends belongs to the operation.
        """
        return self.total_seconds - covered(interval for each in self.operations.values() for interval in each)

    def phase_seconds(self, phase: str) -> float:
        """For how long any operation of the phase was running."""
        return covered(self.operations.get(phase, []))


def covered(intervals: Iterable[Interval]) -> float:
    """The length of the union of intervals."""
    total, end = 0.0, float("-inf")
    for begin, until in sorted(intervals):
        total += max(0.0, until - max(begin, end))
        end = max(end, until)
    return total


def phase_of(urn: str) -> str | None:
    """The phase that an operation on this resource belongs to; None for what no provider works on."""
    resource_type = urns.type_of(urn)
    if not resource_type.startswith(_DYNAMIC_TYPE_PREFIX):
        return None
    kind = resource_type.rpartition(":")[2]
    if kind == "Job":
        return "loader" if urns.name_of(urn).endswith("-loader") else "training"
    return "serving" if kind == "Service" else "cloud"


def measure_main_job(folder: Path, project: Path, progress: Callable[[str], None]) -> list[Result]:
    """Deploys and destroys the local stack twice; results of the second time.

    `folder` is an empty one for the project's links and all that the stack leaves on disk; `project` is the project's
    own folder. Raises BenchError where a deployment fails; nothing of the stack is left running then either.
    """
    make_project(folder, project)
    try:
        progress("local stack, up, not measured")
        _up(folder)
        progress("local stack, destroy, not measured")
        _destroy(folder)
        progress("local stack, up")
        timeline = _up(folder)
        progress("local stack, destroy")
        destroyed = _destroy(folder)
    finally:
        _end_processes(folder)
    return results(timeline, destroyed)


def results(timeline: Timeline, destroy_seconds: float) -> list[Result]:
    """The results of one `up` and one `destroy`; phases that there were none of are left out."""
    measured: list[tuple[str, float, Target | None]] = [
        ("preview", timeline.previewed - timeline.began, None),
        ("update", timeline.ended - timeline.previewed, None),
        *((phase, timeline.phase_seconds(phase), None) for phase in ("cloud", "loader", "training", "serving")),
        ("engine", timeline.engine_seconds, ENGINE_TARGET),
        ("total", timeline.total_seconds, TOTAL_TARGET),
        ("destroy", destroy_seconds, None),
    ]
    return [
        Result(name=f"{NAME}/{name}", value=seconds, unit="s", target=target, machine=describe_machine())
        for name, seconds, target in measured
        if seconds > 0
    ]


def make_project(folder: Path, project: Path) -> None:
    """Links the project's files into the folder, and gives it a stack file of its own."""
    for entry in project.iterdir():
        hidden = entry.name.startswith(".") and not entry.name.startswith(".venv")
        stack_file = entry.name.startswith("Pulumi.") and entry.name != "Pulumi.yaml"
        if not hidden and not stack_file and entry.name not in _NOT_LINKED:
            (folder / entry.name).symlink_to(entry)
    settings = yaml.safe_load((project / _STACK_FILE).read_text(encoding="utf-8"))
    # The state is new, and gets a passphrase of its own.
    settings.pop("encryptionsalt", None)
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


def _up(folder: Path) -> Timeline:
    timeline = Timeline(began=time.monotonic())
    running: dict[str, tuple[str, float]] = {}

    def watch(event: Event) -> None:
        match event:
            case StepStarted(urn=urn, custom=True) if phase := phase_of(urn):
                running[urn] = (phase, time.monotonic())
            case StepFinished(urn=urn) | StepFailed(urn=urn) if urn in running:
                phase, began = running.pop(urn)
                timeline.operations.setdefault(phase, []).append((began, time.monotonic()))

    with Host() as host, Host() as next_host:
        _deploy(host, folder, "update", dry_run=True, watch=_ignore)
        timeline.previewed = time.monotonic()
        _deploy(next_host, folder, "update", dry_run=False, watch=watch)
    timeline.ended = time.monotonic()
    return timeline


def _destroy(folder: Path) -> float:
    began = time.monotonic()
    with Host() as host, Host() as next_host:
        _deploy(host, folder, "destroy", dry_run=True, watch=_ignore)
        _deploy(next_host, folder, "destroy", dry_run=False, watch=_ignore)
    return time.monotonic() - began


def _deploy(
    host: Host, folder: Path, action: Literal["update", "destroy"], *, dry_run: bool, watch: Callable[[Event], None]
) -> Finished:
    said: list[str] = []

    def show(event: Event) -> None:
        watch(event)
        if isinstance(event, Diagnostic) and event.severity in (Severity.ERROR, Severity.WARNING):
            said.append(event.message)

    request = Request(
        action=action,
        dry_run=dry_run,
        directory=folder,
        stack=STACK,
        backend_url=folder.as_uri(),
    )
    finished = host.run(request, show)
    if finished.outcome == "cancelled":
        raise KeyboardInterrupt
    if finished.outcome != "succeeded":
        raise BenchError("\n".join([f"the {action} of the local stack failed:", *said]))
    return finished


def _end_processes(folder: Path) -> None:
    """Ends whatever a deployment that failed has left."""
    from infra.local import process
    from infra.local.folder import remove_unfinished

    stack_folder = folder / ".pulumi" / "local" / STACK
    with suppress(process.ProcessError):
        remove_unfinished(stack_folder)
        process.stop(stack_folder)
    outside = Path(process.temporary_prefix(stack_folder))
    for left in outside.parent.glob(f"{outside.name}*"):
        shutil.rmtree(left, ignore_errors=True)


def _ignore(event: Event) -> None:
    """Nothing is measured."""
