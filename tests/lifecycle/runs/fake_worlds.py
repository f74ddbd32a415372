"""A cloud of files that runs deploy to, for tests of what a run does when: every operation is a line in a log.

`moment` is called wherever a process may die: before and after each thing that lasts, and in the middle of some.
"""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lifecycle.deployer import DeployedResource, DeploymentResult, Planned, Show
from lifecycle.runs.errors import RunRefused
from lifecycle.runs.fetching import Fetched, NotFetched
from lifecycle.runs.folder import RunFolder
from lifecycle.runs.record import RunArtifact, RunLeftover, RunRecord
from lifecycle.runs.run import EphemeralRun, Surroundings

MODEL = b"a model"
SUCCEEDED = DeploymentResult("succeeded")


def no_death() -> None:
    """Nobody dies."""


@dataclass
class FakeWorld:
    """What is deployed is a file, and so is what is published."""

    folder: Path
    moment: Callable[[], None] = no_death
    ups: list[DeploymentResult] = field(default_factory=list)
    """How the next deployments end; none: successfully."""
    destroys: list[DeploymentResult] = field(default_factory=list)
    """How the next destroys end; none: successfully."""
    unfetchable: int = 0
    """How often what is published cannot be fetched."""
    leftovers: tuple[RunLeftover, ...] = ()
    account_is_foreign: bool = False
    runs_for_ever: bool = False
    """Whether a deployment goes on, a day or more, until it is asked to stop twice."""
    now: datetime = datetime(2026, 11, 26, 12, tzinfo=UTC)
    shown: list[str] = field(default_factory=list)
    config: dict[str, str] = field(default_factory=dict)
    _cancelled: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def deployed(self) -> Path:
        """There while anything is deployed."""
        return self.folder / "deployed"

    @property
    def published(self) -> Path:
        """What was trained; gone with the stack."""
        return self.folder / "published"

    def log(self) -> list[str]:
        """What was done, in its order."""
        path = self.folder / "log"
        return path.read_text().split() if path.exists() else []

    def note(self, text: str) -> None:
        """Adds a word to the log."""
        with (self.folder / "log").open("a") as log:
            log.write(f"{text}\n")

    # A deployer

    def preview(self, show: Show) -> Planned:
        state = {"type": "test:File", "inputs": {}, "urn": "urn:pulumi:s::p::test:File::a"}
        step = {"op": "create", "urn": state["urn"], "oldState": None, "newState": state}
        return Planned(SUCCEEDED, {"config": self.config, "steps": [step]})

    def up(self, show: Show) -> DeploymentResult:
        self.note("up")
        self.moment()
        self.deployed.touch()
        self.moment()
        if self.runs_for_ever:
            self.now += timedelta(days=1)
            self._cancelled.acquire()
            self._cancelled.acquire()
            return DeploymentResult("cancelled")
        result = self.ups.pop(0) if self.ups else SUCCEEDED
        if result.succeeded:
            self.published.write_bytes(MODEL)
        self.moment()
        return result

    def destroy(self, show: Show) -> DeploymentResult:
        self.note("destroy")
        result = self.destroys.pop(0) if self.destroys else SUCCEEDED
        if result.succeeded:
            self.moment()
            self.published.unlink(missing_ok=True)
            self.moment()
            self.deployed.unlink(missing_ok=True)
            self.moment()
        return result

    def cancel(self) -> None:
        self.note("cancel")
        self._cancelled.release()

    def outputs(self) -> dict[str, Any]:
        return {"manifest_uri": "s3://models/run/manifest.json"} if self.published.exists() else {}

    def resources(self) -> list[DeployedResource]:
        return [DeployedResource("urn", "test:File", "a", False)] if self.deployed.exists() else []

    # The rest of the world

    def fetch(self, outputs: dict[str, Any], stack: str, folder: Path) -> Fetched:
        self.moment()
        if self.unfetchable or not outputs:
            self.unfetchable = max(0, self.unfetchable - 1)
            raise NotFetched("there is nothing that could be fetched")
        self.note("fetch")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(self.published.read_bytes())
        self.moment()
        digest = hashlib.sha256(MODEL).hexdigest()
        artifact = RunArtifact(name="model.onnx", bytes=len(MODEL), sha256=digest)
        return Fetched("job", "run", outputs["manifest_uri"], "0" * 64, (artifact,), {"test_accuracy": 0.9})

    def report(self, record: RunRecord, outputs: dict[str, Any]) -> RunRecord:
        self.moment()
        self.note("report")
        return record

    def audit(self, record: RunRecord) -> tuple[RunLeftover, ...]:
        self.note("audit")
        self.moment()
        left = (RunLeftover(kind="file", id="deployed", removal=("rm deployed",)),) if self.deployed.exists() else ()
        return left + self.leftovers

    def check_account(self, record: RunRecord) -> None:
        if self.account_is_foreign:
            raise RunRefused("the account is another one")

    def surroundings(self) -> Surroundings:
        """The world as a run gets it."""
        return Surroundings(
            deployer=self,
            fetch=self.fetch,
            report=self.report,
            audit=self.audit,
            leave_service_out=lambda record: self.note("without-service"),
            check_account=self.check_account,
            show=self.shown.append,
            now=lambda: self.now,
            patience_seconds=0.01,
        )

    def go_on(self, run: RunFolder, *, unverified: bool = False) -> RunRecord:
        """Goes on with a run in this world."""
        with run.lock():
            return EphemeralRun(run, self.surroundings(), unverified=unverified).go_on()


class MortalFolder(RunFolder):
    """A run's folder whose writer may die before or after it has written."""

    moment: Callable[[], None] = staticmethod(no_death)

    def write(self, record: RunRecord) -> RunRecord:
        self.moment()
        written = super().write(record)
        self.moment()
        return written


RUN = "20261126-120000-0000"


def new_record(**fields: Any) -> RunRecord:
    """The record of an admitted run."""
    return RunRecord.model_validate(
        {
            "id": RUN,
            "project": "shop",
            "stack": "dev",
            "cloud": "local",
            "created": "2026-11-26T12:00:00Z",
            "updated": "2026-11-26T12:00:00Z",
            "phase": "up",
            "max_hours": 1.0,
            "max_cost_usd": 0.0,
            "expires_at": "2026-11-26T14:00:00Z",
            **fields,
        }
    )


def new_run(project: Path, folder_type: type[RunFolder] = RunFolder, **fields: Any) -> RunFolder:
    """An admitted run of a project."""
    run = folder_type(project / ".trainyard" / "runs" / RUN)
    RunFolder.write(run, new_record(**fields))
    return run
