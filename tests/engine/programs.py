"""Pulumi projects for tests: written into a folder, and deployed by the engine as the yard command does."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from engine import session
from engine import urn as urns
from engine.checkpoint import verify_integrity
from engine.events import Diagnostic, Event, Finished, Severity, StepStarted
from engine.passphrase import PassphraseCrypter
from engine.preview_document import preview_document
from engine.project import load_project
from engine.stack_settings import load_stack_settings, set_config, set_encryption_salt

PASSPHRASE = "correct horse battery staple"

THINGS = '''
"""A dynamic resource that keeps itself in a file, so that what exists can be seen from outside."""
import json
import pathlib
import uuid
import pulumi
from pulumi.dynamic import *

CLOUD = pathlib.Path("cloud")

class ThingProvider(ResourceProvider):
    def check(self, olds, news):
        failures = [CheckFailure(key, "must not be negative") for key, value in sorted(news.items())
                    if isinstance(value, (int, float)) and value < 0]
        return CheckResult({"added": "by check", **news}, failures)

    def diff(self, id, olds, news):
        replaces = [key for key in ("fixed", "exclusive") if olds.get(key) != news.get(key)]
        changed = any(olds.get(key) != value for key, value in news.items() if key != "__provider")
        return DiffResult(changes=changed, replaces=replaces, delete_before_replace="exclusive" in replaces)

    def create(self, props):
        if props.get("broken"):
            raise Exception(f"cannot make {props['broken']}")
        id = uuid.uuid4().hex[:8]
        CLOUD.mkdir(exist_ok=True)
        (CLOUD / id).write_text(json.dumps({key: value for key, value in props.items() if key != "__provider"}))
        print(f"made {props.get('label', 'a thing')}")
        return CreateResult(id, {**props, "serial": f"s-{props.get('label')}"})

    def read(self, id, props):
        return ReadResult(id, {**props, **json.loads((CLOUD / id).read_text())})

    def update(self, id, olds, news):
        (CLOUD / id).write_text(json.dumps({key: value for key, value in news.items() if key != "__provider"}))
        return UpdateResult({**news, "serial": olds["serial"]})

    def delete(self, id, props):
        (CLOUD / id).unlink()

class Thing(Resource):
    serial: pulumi.Output[str]
    label: pulumi.Output[str]
    size: pulumi.Output[int]

    def __init__(self, name, opts=None, **props):
        super().__init__(ThingProvider(), name, {"label": name, "size": None, "serial": None, **props}, opts)
'''


@dataclass
class Deployed:
    """What one preview or deployment told its watcher."""

    events: list[Event]
    finished: Finished

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Operation and name of every step that is not `same`, but for the stack and the default providers."""
        return [
            (str(step.operation), urns.name_of(step.urn))
            for step in self.all_steps
            if step.operation != "same"
            and not urns.is_default_provider(step.urn)
            and urns.type_of(step.urn) != urns.STACK_TYPE
        ]

    @property
    def all_steps(self) -> list[StepStarted]:
        return [event for event in self.events if isinstance(event, StepStarted)]

    @property
    def changes(self) -> dict[str, int]:
        return self.finished.changes

    @property
    def document(self) -> dict[str, Any]:
        """What `preview --json` prints."""
        return preview_document(self.events)

    def messages(self, severity: Severity) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Diagnostic) and event.severity == severity]

    @property
    def errors(self) -> list[str]:
        return self.messages(Severity.ERROR)


@dataclass
class Project:
    """A Pulumi project with one stack, `dev`, in a folder of the test's own."""

    folder: Path
    configuration: dict[str, object] = field(default_factory=dict)
    name: str = "yard"

    def write(self, program: str, *, things: bool = True) -> "Project":
        """Makes `program` the project's program; `things` says whether it can import the module `things`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "Pulumi.yaml").write_text(f"name: {self.name}\nruntime: python\n")
        self.configure(**self.configuration)
        (self.folder / "__main__.py").write_text("import pulumi\n" + textwrap.dedent(program))
        if things:
            (self.folder / "things.py").write_text(THINGS)
        return self

    def configure(self, **values: object) -> None:
        """Sets the stack's configuration, and keeps what else its file says."""
        stack_file = self.folder / "Pulumi.dev.yaml"
        settings = yaml.safe_load(stack_file.read_text()) if stack_file.exists() else {}
        config = settings.setdefault("config", {})
        config.update({f"{self.name}:{key}": value for key, value in values.items()})
        stack_file.write_text(yaml.safe_dump(settings))

    def set_secret(self, key: str, value: str) -> None:
        """Sets an encrypted value in the stack's file."""
        settings = load_stack_settings(load_project(self.folder), "dev")
        if settings.encryption_salt:
            crypter = PassphraseCrypter(PASSPHRASE, settings.encryption_salt)
        else:
            crypter = PassphraseCrypter.with_new_salt(PASSPHRASE)
            settings = set_encryption_salt(settings, crypter.salt_state)
        set_config(settings, key, value, encrypt=crypter.encrypt)

    def preview(self, **options: Any) -> Deployed:
        return self.deploy("update", dry_run=True, **options)

    def up(self, **options: Any) -> Deployed:
        return self.deploy("update", **options)

    def destroy(self) -> Deployed:
        return self.deploy("destroy")

    def deploy(self, action: Literal["update", "destroy"], *, dry_run: bool = False, **options: Any) -> Deployed:
        events: list[Event] = []
        request = session.Request(action, dry_run, self.folder, "dev", **options)
        return Deployed(events, session.run(request, events.append))

    @property
    def state_file(self) -> Path:
        return self.folder / ".pulumi" / "stacks" / self.name / "dev.json"

    @property
    def latest(self) -> dict[str, Any]:
        """The deployment on record, which holds together."""
        latest: dict[str, Any] = json.loads(self.state_file.read_text())["checkpoint"]["latest"]
        assert verify_integrity(latest) == []
        return latest

    def recorded(self, name: str) -> dict[str, Any]:
        """The record of the one live resource of that name."""
        (found,) = (
            each for each in self.latest["resources"] if urns.name_of(each["urn"]) == name and not each.get("delete")
        )
        return found

    def recorded_names(self, *, but: Sequence[str] = ("yard-dev", "default")) -> list[str]:
        names = [urns.name_of(each["urn"]) for each in self.latest.get("resources") or []]
        return sorted(name for name in names if name not in but)

    @property
    def cloud(self) -> list[dict[str, Any]]:
        """What the dynamic resources have made, by label."""
        made = [json.loads(file.read_text()) for file in (self.folder / "cloud").glob("*")]
        return sorted(made, key=lambda thing: thing["label"])
