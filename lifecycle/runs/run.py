"""One ephemeral run, phase by phase: up, fetch, destroy, audit. It survives its own death.

Before and after each phase the record is rewritten as a whole. A phase that was cut off is done again from its
beginning: deployments go on from what is there, the artifacts are brought once more, the audit looks once more. So
whoever holds the run's lock can go on with it, at any time and from any process. Nothing but the end of the last phase
makes a run done: what cannot be finished now stays unfinished, and is told.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lifecycle.deployer import Deployer, DeploymentResult, Show
from lifecycle.runs.errors import RunError
from lifecycle.runs.fetching import Fetched, NotFetched
from lifecycle.runs.folder import RunFolder
from lifecycle.runs.limits import Deadline, deadline_of, reserve_minutes, with_cost
from lifecycle.runs.record import RunLeftover, RunRecord, moment_of, utc_text

Follow = Callable[[RunRecord, RunFolder, Path, threading.Event, Show], None]
"""Shows how the training goes until the event is set: record, folder, the project's folder, event, how to show."""

MAX_REPEATED = 2
"""How often a deployment that failed by what may pass is done again."""
MAX_DESTROYED = 3
"""How often a destroy is tried before it is left to whoever takes the run up again."""
PATIENCE_SECONDS = 20.0
"""How long a deployment may take to stop once it was asked to, before it is ended."""
TOO_DEAR = 72
"""Exit code of a training that has cost as much as it may: trainyard_training.exit_status."""
_HOPELESS = frozenset({2, 65, 70, 71, TOO_DEAR, 77})
"""Exit codes of jobs that come again however often they are run."""
_EXIT_CODE = re.compile(r"\b(?:job|pod) \S+ failed with exit code (-?\d+)")
"""In the words of `infra.local.cluster`, and of Kubernetes for a job that failed by its pod failure policy."""
_ENGINE_DIED = re.compile(r"process ended (?:by SIG|by signal|with exit status)")
_FOLLOW_SECONDS = 10.0


class RunUnfinished(RunError):
    """The run cannot go on now; something may still be deployed. The text says why, and how to go on later."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a run needs of the world."""

    deployer: Deployer
    fetch: Callable[[dict[str, Any], str, Path], Fetched]
    """Brings the artifacts of a stack with these outputs to a folder: `fetching.fetch`."""
    report: Callable[[RunRecord, dict[str, Any]], RunRecord]
    """The record with what is only known as long as the stack is there; it gets the stack's outputs, too."""
    audit: Callable[[RunRecord], tuple[RunLeftover, ...]]
    """What is left of the stack after it was destroyed."""
    leave_service_out: Callable[[RunRecord], None]
    """Has the next deployment leave out the inference service, without which the stack says what it has trained."""
    check_account: Callable[[RunRecord], None]
    """Raises RunRefused where the stack is another account's than the caller's."""
    show: Show
    follow: Follow | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    patience_seconds: float = PATIENCE_SECONDS


class EphemeralRun:
    """A run whose lock is held by this process."""

    def __init__(self, folder: RunFolder, surroundings: Surroundings, *, unverified: bool = False) -> None:
        """`unverified`: the stack may be destroyed although what it has trained could not be brought and verified."""
        self._folder = folder
        self._world = surroundings
        self._unverified = unverified

    def go_on(self) -> RunRecord:
        """Does what is left to do; the record of the finished run. Raises RunUnfinished, EngineError."""
        steps = {"up": self._up, "fetch": self._fetch, "destroy": self._destroy, "audit": self._audit}
        record = self._folder.read()
        while not record.is_over:
            record = steps[record.phase](record)
        return record

    # The phases

    def _up(self, record: RunRecord) -> RunRecord:
        world = self._world
        if record.deployed_at is None:
            record = self._write(record.changed(deployed_at=utc_text(world.now())))
        deadline = deadline_of(record)
        if deadline.seconds_left(world.now()) <= 0:
            return self._ended(record, "stopped", deadline.reason)
        world.check_account(record)
        if record.outcome is not None:
            world.leave_service_out(record)
        self._say(record, "creating the stack and training")
        with self._followed(record), self._stopped_at(deadline) as was_stopped:
            result = world.deployer.up(world.show)
        if result.succeeded:
            return self._write(record.changed(phase="fetch"))
        if was_stopped.is_set():
            return self._ended(record, "stopped", deadline.reason)
        if result.outcome == "cancelled":
            return self._ended(record, "stopped", "its user stopped it")
        if result.cause in ("locked", "state"):
            # Neither can it be destroyed now.
            raise self._unfinished(record, result.reason)
        passing = may_pass(result)
        if passing and deadline.seconds_left(world.now()) <= reserve_minutes(record.cloud) * 60:
            # The training stops by itself, with a checkpoint, before the run's time is over.
            return self._ended(record, "stopped", deadline.reason)
        if passing and record.repeated < MAX_REPEATED:
            self._say(record, "the deployment failed by what may pass; it is done again and goes on from where it was")
            return self._write(record.changed(repeated=record.repeated + 1))
        if TOO_DEAR in exit_codes(result.reason):
            return self._ended(record, "stopped", f"it has cost the {record.max_cost_usd:.2f} USD that it may")
        if record.with_service and result.cause == "resource" and not exit_codes(result.reason):
            # A stack that has not come up wholly does not say what it has trained.
            self._say(record, "the deployment failed; once more without the service, to fetch what may be trained")
            ended = {"outcome": "failed", "reason": _shortened(result.reason), "cause": result.cause}
            return self._write(record.changed(with_service=False, **ended))
        return self._ended(record, "failed", result.reason, result.cause)

    def _fetch(self, record: RunRecord) -> RunRecord:
        folder = Path(record.artifacts_dir) if record.artifacts_dir else self._folder.artifacts
        outputs = self._world.deployer.outputs()
        try:
            found = self._world.fetch(outputs, record.stack, folder)
        except NotFetched as error:
            return self._not_fetched(record, outputs, str(error))
        self._say(
            record,
            f"{len(found.artifacts)} artifacts verified by signature and hashes; they are in clear text in {folder}",
        )
        return self._leave(
            outputs,
            record.changed(
                outcome=record.outcome or "succeeded",
                # What was in the way of a run that has succeeded after all is over.
                reason=record.reason if record.outcome else "",
                job=found.job,
                run=found.run,
                manifest_uri=found.manifest_uri,
                manifest_sha256=found.manifest_sha256,
                artifacts=found.artifacts,
                artifacts_verified=True,
                artifacts_dir=str(folder),
                metrics={**record.metrics, **found.metrics},
            ),
        )

    def _not_fetched(self, record: RunRecord, outputs: dict[str, Any], why: str) -> RunRecord:
        if record.outcome is not None:
            self._say(record, f"no artifacts: {why}")
            return self._leave(outputs, record)
        now = self._world.now()
        if record.repeated < MAX_REPEATED and deadline_of(record).seconds_left(now) > 0:
            self._say(record, f"the artifacts cannot be brought yet, so the stack is deployed once more: {why}")
            return self._write(record.changed(phase="up", repeated=record.repeated + 1))
        if self._unverified or now >= moment_of(record.expires_at):
            return self._leave(outputs, record.changed(outcome="failed", cause="artifacts", reason=_shortened(why)))
        raise self._unfinished(
            record,
            f"it has trained, and what it published cannot be brought and verified: {why}\nthe stack is kept until "
            f"{record.expires_at}; to give the artifacts up: yard train --resume {record.id} "
            "--override unverified-artifacts",
        )

    def _leave(self, outputs: dict[str, Any], record: RunRecord) -> RunRecord:
        """Notes what can only be known as long as the stack is there; from then on it is destroyed."""
        world = self._world
        return self._write(world.report(with_cost(record.changed(phase="destroy"), world.now()), outputs))

    def _destroy(self, record: RunRecord) -> RunRecord:
        world = self._world
        world.check_account(record)
        self._say(record, "destroying the stack")
        for left in reversed(range(MAX_DESTROYED)):
            result = world.deployer.destroy(world.show)
            if result.succeeded:
                return self._write(with_cost(record.changed(phase="audit"), world.now()))
            if result.outcome == "cancelled":
                raise self._unfinished(record, "it was stopped before all was destroyed")
            if not left or result.cause in ("locked", "state"):
                raise self._unfinished(record, f"its stack could not be destroyed: {result.reason}")
            self._say(record, "not all could be destroyed; it is tried again")
        raise AssertionError

    def _audit(self, record: RunRecord) -> RunRecord:
        leftovers = self._world.audit(record)
        self._say(record, f"{len(leftovers)} things are left of the stack" if leftovers else "nothing is left of it")
        return self._write(record.changed(phase="done", leftovers=leftovers, ended=utc_text(self._world.now())))

    # What they share

    def _write(self, record: RunRecord) -> RunRecord:
        return self._folder.write(record)

    def _say(self, record: RunRecord, text: str) -> None:
        self._world.show(f"run {record.id}: {text}")

    def _ended(self, record: RunRecord, outcome: str, reason: str, cause: str = "") -> RunRecord:
        """What is published is brought, if there is something, and then all is destroyed. The first reason counts."""
        self._say(record, f"{outcome}: {reason}")
        if record.outcome is not None:
            return self._write(record.changed(phase="fetch"))
        return self._write(record.changed(phase="fetch", outcome=outcome, reason=_shortened(reason), cause=cause))

    def _unfinished(self, record: RunRecord, why: str) -> RunUnfinished:
        if record.outcome is None:
            # What has ended keeps the reason for that.
            self._write(record.changed(reason=_shortened(why)))
        return RunUnfinished(f"run {record.id}: {why}\nto go on with it: yard train --resume {record.id}")

    @contextmanager
    def _followed(self, record: RunRecord) -> Iterator[None]:
        """Shows beside the block how the training goes, if there is something that does."""
        follow = self._world.follow
        if follow is None:
            yield
            return
        stop = threading.Event()
        arguments = (record, self._folder, self._folder.directory, stop, self._world.show)
        follower = threading.Thread(target=follow, args=arguments, name="follow", daemon=True)
        follower.start()
        try:
            yield
        finally:
            stop.set()
            follower.join(_FOLLOW_SECONDS)

    @contextmanager
    def _stopped_at(self, deadline: Deadline) -> Iterator[threading.Event]:
        """Stops the deployment of the block when the time comes; the event tells whether it has."""
        world = self._world
        over, stopped = threading.Event(), threading.Event()

        def watch() -> None:
            # By parts: a machine that sleeps does not let such waits go on.
            while (left := deadline.seconds_left(world.now())) > 0:
                if over.wait(min(left, 1.0)):
                    return
            stopped.set()
            world.show(f"stopping: {deadline.reason}")
            while not over.is_set():
                world.deployer.cancel()
                over.wait(world.patience_seconds)

        watcher = threading.Thread(target=watch, name="deadline", daemon=True)
        watcher.start()
        try:
            yield stopped
        finally:
            over.set()
            watcher.join()


def may_pass(result: DeploymentResult) -> bool:
    """Whether a deployment that failed may succeed when it is done again: what was killed, lost, or out of reach."""
    if result.cause == "program":
        return bool(_ENGINE_DIED.search(result.reason))
    return result.cause == "resource" and not _HOPELESS & exit_codes(result.reason)


def exit_codes(text: str) -> set[int]:
    """The exit codes of jobs that errors tell."""
    return {int(found) for found in _EXIT_CODE.findall(text)}


def _shortened(text: str, most: int = 2000) -> str:
    """A reason as a record keeps it; a log's last lines may be long."""
    return text if len(text) <= most else f"{text[:most]} …"
