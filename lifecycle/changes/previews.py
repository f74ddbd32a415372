"""Previews stacks at both revisions, each from an empty state and with its own policy packs, several at the same time.

No state, credential or passphrase is needed. What a preview makes of the stack is for `lifecycle.changes.plan`.
"""

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine import policy_project
from engine.errors import EngineError
from engine.events import Event, Finished
from engine.host_process import HostProcess
from engine.project import Project, load_project
from engine.session import Host, Request
from lifecycle.changes import process

SideName = Literal["base", "head"]
_MOST_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one revision lies, and what judges it."""

    side: SideName
    folder: Path
    """The project's folder."""
    root: Path
    """The repository's folder."""
    policy_packs: tuple[Path, ...] = ()
    policy_configs: tuple[Path, ...] = ()

    @property
    def has_project(self) -> bool:
        """Whether there is a project at that revision."""
        return any((self.folder / name).is_file() for name in ("Pulumi.yaml", "Pulumi.yml"))

    def project(self) -> Project | None:
        """The project; None where there is none, or its file is broken, which the preview will tell of."""
        if not self.has_project:
            return None
        try:
            return load_project(self.folder)
        except EngineError:
            return None

    def stacks(self) -> dict[str, Path]:
        """Every stack that has a file, by name."""
        project = self.project()
        folder = project.folder / project.stack_config_folder if project else self.folder
        found = sorted(file for ending in ("yaml", "yml") for file in folder.glob(f"Pulumi.*.{ending}"))
        return {file.name.removeprefix("Pulumi.").rpartition(".")[0]: file for file in found if file.is_file()}

    def counterpart(self, path: Path, other: "Place") -> Path:
        """What `path` of the other revision is called in this one; itself where it is of no revision."""
        return self.root / path.relative_to(other.root) if path.is_relative_to(other.root) else path


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """What a preview told."""

    events: Sequence[Event]
    finished: Finished
    folder: Path


@dataclass(slots=True)
class Previewer:
    """Runs previews; close it to end those that still run. The first ones' processes start with it."""

    workspace: Path
    """An empty folder for states and homes."""
    places: Mapping[SideName, Place]
    tell: Callable[[str], None]
    """Hears what is done."""
    parallel: int = 16
    _ready: dict[SideName, HostProcess] = field(default_factory=dict)
    _running: list[Host] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def prepare(self) -> None:
        """Starts the first two processes: they import what they need while this one goes on."""
        for side in self.places:
            self._ready[side] = self._start(side)

    def run(
        self, asked: Iterable[tuple[str, SideName]], meanwhile: Callable[[], object]
    ) -> dict[tuple[str, SideName], Previewed]:
        """The previews of these stacks at these sides. KeyboardInterrupt ends them all.

        :param meanwhile: What this thread does while they run.
        """
        at_once = min(max(2, os.cpu_count() or 1), _MOST_AT_ONCE)
        with ThreadPoolExecutor(at_once, thread_name_prefix="preview") as threads:
            futures: dict[tuple[str, SideName], Future[Previewed]] = {}
            try:
                for stack, side in asked:
                    futures[stack, side] = threads.submit(self._preview, stack, side)
                meanwhile()
                return {key: future.result() for key, future in futures.items()}
            except BaseException:
                self.close()
                threads.shutdown(cancel_futures=True)
                raise

    def close(self) -> None:
        """Ends every process."""
        with self._lock:
            self._closed = True
            hosts = [*self._running, *map(Host, self._ready.values())]
            self._ready.clear()
        for host in hosts:
            # Nothing is lost: a preview changes nothing. Asked twice, it ends at once.
            host.cancel()
            host.cancel()
        for host in hosts:
            if host not in self._running:
                host.close()

    def _preview(self, stack: str, side: SideName) -> Previewed:
        place = self.places[side]
        with self._lock:
            if self._closed:
                raise EngineError("the previews were stopped")
            started = self._ready.pop(side, None) or self._start(side)
            host = Host(started)
            self._running.append(host)
        self.tell(f"Previewing {stack} of the {side} …")
        state = self.workspace / "states" / f"{side}-{stack.replace('/', '-')}"
        state.mkdir(parents=True)
        request = Request(
            action="update",
            dry_run=True,
            directory=place.folder,
            stack=stack,
            parallel=self.parallel,
            every_state=True,
            policy_packs=list(place.policy_packs),
            policy_configs=list(place.policy_configs),
            backend_url=state.as_uri(),
        )
        events: list[Event] = []
        try:
            finished = host.run(request, events.append)
        finally:
            with self._lock:
                self._running.remove(host)
            host.close()
        return Previewed(events=events, finished=finished, folder=place.folder)

    def _start(self, side: SideName) -> HostProcess:
        place, head = self.places[side], self.places["head"]
        home = self.workspace / "homes" / side
        home.mkdir(parents=True, exist_ok=True)
        packages = process.installed_below(head.root, place.root) if side == "base" else []
        for package in packages:
            # Python never looks again into a folder that was not there when it looked first.
            Path(package).mkdir(parents=True, exist_ok=True)
        return HostProcess(process.environment(home, packages))


def borrow_environments(base: Place, head: Place) -> list[str]:
    """Lets the base use the head's virtual environments, for its program and its policy packs: no commit holds one.

    Returns what to tell of it.
    """
    for configuration in head.folder.glob("*/pyvenv.cfg"):
        _borrow(base.counterpart(configuration.parent, head), configuration.parent)
    notes = []
    for pack in base.policy_packs:
        try:
            environment = policy_project.load(pack).virtualenv
        except EngineError:
            continue
        if environment is None or not environment.is_relative_to(base.root):
            continue
        own = head.root / Path(os.path.normpath(environment)).relative_to(base.root)
        _borrow(environment, own)
        if not environment.exists():
            notes.append(f"The policy pack {pack.name} of the base has no environment: there is no {own}.")
    return notes


def _borrow(environment: Path, own: Path) -> None:
    if own.exists() and not environment.exists() and environment.parent.is_dir():
        environment.symlink_to(own.resolve(), target_is_directory=True)
