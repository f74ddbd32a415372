"""Notes on one attempt at a run, from which somebody can tell afterwards what each interruption has cost.

A run's step log goes back to the checkpoint together with the run, so what an interruption has undone is not in it.
Each attempt therefore has an object of its own beside the log, ``attempts/BEGAN-RANDOM.json``, rewritten while it goes
on and left as it is by a process that is killed. It is a flat JSON object:

- ``version``: 1.
- ``began``, ``training_began``: when the process started, and when it was ready for its first step.
- ``first_step``: steps that had been made before. ``step``, ``step_time``: steps made, and when the last one was.
- ``saved_step``, ``saved_time``: the step of its newest stored checkpoint, and when it was made; null: none yet.
- ``workers``: how many train together.
- ``ended``: when it was through or told to stop; null: it goes on, or was killed. ``end``: ``done``, ``failed``, or
  why it was stopped; empty while ``ended`` is null.

Times are seconds since the epoch by the first worker's clock.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from trainyard_artifacts.errors import ArtifactError
from trainyard_artifacts.storage import ObjectStore

FOLDER = "attempts"
DONE, FAILED = "done", "failed"
SECONDS_BETWEEN_NOTES = 1.0


@dataclass(kw_only=True)
class AttemptNote:
    """What is noted; the fields are told above."""

    version: int = 1
    began: float
    training_began: float
    first_step: int
    step: int
    step_time: float
    saved_step: int | None = None
    saved_time: float | None = None
    workers: int
    ended: float | None = None
    end: str = ""

    def encode(self) -> bytes:
        """The note as one line of JSON."""
        return (json.dumps(asdict(self)) + "\n").encode()


class AttemptNotes:
    """Keeps the note of this attempt, on the first worker, behind the training's back.

    A note that cannot be written does not end a run: it warns, once.
    """

    def __init__(
        self,
        logs_uri: str,
        workers: int,
        warn: Callable[[str], None],
        *,
        began: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        :param began: When the process started, in seconds since the epoch.
        """
        self._store = ObjectStore(logs_uri)
        self._warn = warn
        self._clock = clock
        self._name = f"{FOLDER}/{round(began * 1000):015d}-{secrets.token_hex(4)}.json"
        self._note = AttemptNote(
            began=began, training_began=began, first_step=0, step=0, step_time=began, workers=workers
        )
        self._begun = False
        self._made: dict[int, float] = {}
        self._written_at = 0.0
        self._failed = False
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="attempt")

    def begin(self, first_step: int) -> None:
        """The run is at ``first_step`` and goes on from there."""
        note, now = self._note, self._clock()
        note.training_began = note.step_time = now
        note.first_step = note.step = first_step
        self._begun = True
        self._write()

    def step(self, step: int) -> None:
        """So many steps have been made; it is written when the last note is a second old."""
        self._note.step, self._note.step_time = step, self._clock()
        if self._note.step_time - self._written_at >= SECONDS_BETWEEN_NOTES:
            self._write()

    def saving(self, step: int) -> None:
        """A checkpoint of this step is being stored."""
        self._note.step, self._note.step_time = step, self._clock()
        self._made[step] = self._note.step_time

    def saved(self, step: int) -> None:
        """It is stored. Any thread may say so."""
        self._note.saved_step, self._note.saved_time = step, self._made.pop(step, self._note.step_time)
        self._write()

    def end(self, reason: str) -> None:
        """The attempt is over; what is said of it later counts no longer."""
        if self._begun and self._note.ended is None:
            self._note.ended, self._note.end = self._clock(), reason
            self._write()

    def close(self) -> None:
        """Return when the last note is written; an attempt of which nobody has said how it ended has failed."""
        self.end(FAILED)
        self._thread.shutdown(wait=True)

    def _write(self) -> None:
        with self._lock:
            self._written_at = self._note.step_time
            self._thread.submit(self._put, self._note.encode())

    def _put(self, content: bytes) -> None:
        if self._failed:
            return
        try:
            self._store.put(self._name, content)
        except ArtifactError as error:
            self._failed = True
            self._warn(f"what interruptions cost is noted no longer: {error}")
