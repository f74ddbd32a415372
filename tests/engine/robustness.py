"""Programs for trials of the engine's robustness, and the runs of them: here, or in a process that can be killed.

The "cloud" of the programs is a folder of files beside the program: each file is an instance, named NAME.ID, and holds
the inputs that it was made with. So two of anything, or something that is nowhere on record, can be seen.
"""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine import checkpoint
from engine.events import Diagnostic, Event, Finished, decode
from engine.file_backend import FileBackend
from engine.session import Request, run
from tests.processes import PATIENCE_SECONDS, wait_until_gone

ROOT = Path(__file__).parents[2]
MARK = "TRAINYARD_ROBUSTNESS_RUN"
PASSPHRASE: str | None = "correct horse"
QUICK_KEYS = Path(__file__).parent / "quick_keys"

# A run in a process of its own: its first argument is the request, and it prints each event as one line.
_DRIVER = """
import sys
from engine.events import encode
from engine.session import Request, run

def show(event):
    print(encode(event), flush=True)

sys.exit(0 if run(Request.decode(sys.argv[1]), show).outcome == "succeeded" else 1)
"""

CLOUD = """
import json, os, time, uuid
from pathlib import Path
import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

KEYS = ("name", "key", "value", "pause")

class Findable(ResourceProvider):
    '''Instances have ids that nobody can foresee; what an interrupted create left is found by its inputs.'''

    first = False

    def create(self, props):
        time.sleep(props["pause"])
        identifier = self.identify(props)
        self.write(identifier, props)
        time.sleep(props["pause"])
        return CreateResult(identifier, {key: props[key] for key in KEYS})

    def identify(self, props):
        return uuid.uuid4().hex[:8]

    def write(self, identifier, props):
        path = Path("cloud", f"{props['name']}.{identifier}")
        path.with_name(f".{path.name}").write_text(json.dumps({key: props[key] for key in KEYS}, sort_keys=True))
        path.with_name(f".{path.name}").replace(path)

    def read(self, identifier, props):
        for path in sorted(Path("cloud").glob(f"{props['name']}.{identifier or '*'}")):
            held = json.loads(path.read_text())
            if identifier or held["key"] == props["key"]:
                return ReadResult(path.name.partition(".")[2], held)
        return ReadResult("", {})

    def diff(self, identifier, olds, news):
        replaces = [key for key in ("name", "key") if olds[key] != news[key]]
        return DiffResult(
            any(olds[key] != news[key] for key in KEYS[:3]), replaces, delete_before_replace=self.first
        )

    def update(self, identifier, olds, news):
        time.sleep(news["pause"])
        self.write(identifier, news)
        time.sleep(news["pause"])
        return UpdateResult({key: news[key] for key in KEYS})

    def delete(self, identifier, props):
        time.sleep(props["pause"])
        Path("cloud", f"{props['name']}.{identifier}").unlink(missing_ok=True)
        time.sleep(props["pause"])

class FindableDeletedFirst(Findable):
    first = True

class Blind(Findable):
    '''Cannot look for anything, as most providers; but to create twice is to create once.'''

    def identify(self, props):
        return f"{props['name']}-{props['key']}"

    def read(self, identifier, props):
        return ReadResult(identifier, props)

class Thing(Resource):
    def __init__(self, name, provider=None, *, key="1", value="1", pause=0.0, **options):
        props = {"name": name, "key": key, "value": value, "pause": pause}
        super().__init__(provider or Findable(), name, props, pulumi.ResourceOptions(**options))
"""


@dataclass(slots=True)
class Outcome:
    """What a run showed."""

    events: list[Event] = field(default_factory=list)

    @property
    def finished(self) -> Finished:
        """The last event."""
        last = self.events[-1]
        assert isinstance(last, Finished)
        return last

    def messages(self, *severities: str) -> str:
        """The diagnostics, one below the other; of these severities, if any are given."""
        found = [event for event in self.events if isinstance(event, Diagnostic)]
        return "\n".join(each.message for each in found if not severities or each.severity in severities)

    @property
    def errors(self) -> str:
        """What went wrong, as the user is told."""
        return self.messages("error")


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder with a program, its cloud and its state."""

    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    """What the processes of this project's runs carry in their environment."""
    quick_keys: bool = True
    """Whether its runs derive keys from passphrases in few rounds."""

    def request(self, action: str = "update", **options: Any) -> Request:
        """A request for stack dev."""
        return Request(**({"action": action, "dry_run": False, "directory": self.folder, "stack": "dev"} | options))

    def run(self, action: str = "update", **options: Any) -> Outcome:
        """Runs to the end, in this process."""
        outcome = Outcome()
        with self.environment():
            run(self.request(action, **options), outcome.events.append)
        return outcome

    def preview(self, **options: Any) -> Outcome:
        """Previews an update."""
        return self.run(dry_run=True, **options)

    def set(self, **settings: Any) -> None:
        """Changes what the program reads from the file settings.json."""
        path = self.folder / "settings.json"
        before = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(before | settings))

    def write(self, program: str) -> None:
        """Gives the project another program."""
        (self.folder / "__main__.py").write_text(program)

    @contextmanager
    def environment(self) -> Iterator[None]:
        """The environment that runs of the project have."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(MARK, self.mark)
            patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *([str(QUICK_KEYS)] if self.quick_keys else [])]))
            patch.delenv("PULUMI_BACKEND_URL", raising=False)
            if PASSPHRASE is None:
                patch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
            else:
                patch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
            yield

    @property
    def backend(self) -> FileBackend:
        """Where its state is."""
        return FileBackend(self.folder, "sturdy", {})

    @property
    def deployment(self) -> dict[str, Any]:
        """The checkpoint, which must hold together."""
        latest = self.backend.read_checkpoint("dev")
        assert latest is not None
        assert checkpoint.verify_integrity(latest) == []
        return latest

    @property
    def state_text(self) -> str:
        """The checkpoint file as it is."""
        return self.backend.state_file("dev").read_text()

    @property
    def recorded(self) -> list[str]:
        """What the state says there is in the cloud, sorted, as the cloud names it."""
        found = [each for each in self.deployment.get("resources", []) if each["type"].startswith("pulumi-python:")]
        return sorted(f"{each['outputs']['name']}.{each['id']}" for each in found)

    @property
    def cloud(self) -> dict[str, dict[str, Any]]:
        """What there is in the cloud: the inputs that it was made with, by NAME.ID."""
        paths = sorted((self.folder / "cloud").glob("[!.]*"))
        return {path.name: json.loads(path.read_text()) for path in paths}

    @property
    def things(self) -> list[tuple[str, str, str]]:
        """Name, key and value of all that is in the cloud, sorted."""
        return sorted((each["name"], each["key"], each["value"]) for each in self.cloud.values())

    def processes(self) -> list[psutil.Process]:
        """What runs of this project's runs."""
        return [process for process in psutil.process_iter() if _carries(process, self.mark)]

    def wait_until_quiet(self) -> None:
        """Waits until no process of a run is left, and fails if one stays."""
        wait_until_gone(self.processes())

    def assert_settled(self, things: list[tuple[str, str, str]]) -> None:
        """There is exactly this in the cloud and on record, and nothing is pending or running."""
        assert self.things == sorted(things)
        assert self.recorded == sorted(self.cloud)
        assert not self.deployment.get("pending_operations")
        assert not any(resource.get("delete") for resource in self.deployment.get("resources", []))
        assert not list((self.folder / ".pulumi" / "locks").rglob("*.json"))
        self.wait_until_quiet()


class Running:
    """A run in a process of its own, the leader of a session, which prints its events."""

    def __init__(self, project: Project, action: str = "update", **options: Any) -> None:
        self.project = project
        self.outcome = Outcome()
        with project.environment():
            self.process = subprocess.Popen(
                [sys.executable, "-c", _DRIVER, project.request(action, **options).encode()],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def wait_for(self, wanted: Callable[[Event], bool]) -> bool:
        """Reads events until one is `wanted`; False where the run ends before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.outcome.events.append(decode(line))
            if wanted(self.outcome.events[-1]):
                return True
        return False

    def wait_until_pending(self, name: str) -> None:
        """Waits until an operation on the resource of that name is on record as begun."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            latest = self.project.backend.read_checkpoint("dev") or {}
            if any(each["resource"]["urn"].endswith(f"::{name}") for each in latest.get("pending_operations") or []):
                return
            time.sleep(0.01)
        raise AssertionError(f"no operation on {name} has begun")

    def finish(self) -> Outcome:
        """Reads all that is left and waits for the end."""
        self.wait_for(lambda _: False)
        self.process.wait(PATIENCE_SECONDS)
        return self.outcome

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        """Signals the whole process group, as a terminal does."""
        os.killpg(self.process.pid, number)

    def kill(self, victim: str) -> None:
        """Kills the process that shows the events (parent), deploys (host) or serves resources (provider)."""
        if victim == "parent":
            self.process.kill()
            return
        module = {"host": "engine.host", "provider": "pulumi.dynamic"}[victim]
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                command = process.cmdline()
                if module in command and "tether" not in " ".join(command):
                    process.kill()
            except psutil.NoSuchProcess:
                continue


def make_project(folder: Path, program: str, *, stack_file: str = "config: {}\n", quick_keys: bool = True) -> Project:
    """A project whose program is `program` after the definitions of `CLOUD`."""
    (folder / "cloud").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: sturdy\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(stack_file)
    project = Project(folder, quick_keys=quick_keys)
    project.write(CLOUD + textwrap.dedent(program))
    return project


def step(operation: str, name: str, *, done: bool = False) -> Callable[[Event], bool]:
    """Whether an event is the beginning (or, if `done`, the end) of this operation on the resource of that name."""
    wanted = "step_done" if done else "step"
    return lambda event: (
        event.type == wanted
        and getattr(event, "operation", "") == operation
        and getattr(event, "urn", "").endswith(f"::{name}")
    )


def says(message: str) -> Callable[[Event], bool]:
    """Whether an event is this diagnostic."""
    return lambda event: isinstance(event, Diagnostic) and event.message == message


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False
