"""Writes the step log where the job file asks for it, behind the training's back."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from trainyard_artifacts.errors import ArtifactError
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.choices import Reporting
from trainyard_training.reporting.step_log import Entry, encode_log
from trainyard_training.reporting.tensorboard_events import encode_events

LOG_NAME = "steps.jsonl"
EVENTS_NAME = "events.out.tfevents.0000000000.trainyard"


class LogFiles:
    """The files of one run, on the first worker. A log that cannot be written does not end a run: it warns, once."""

    def __init__(self, reporting: Reporting, warn: Callable[[str], None]) -> None:
        self._store = ObjectStore(reporting.logs_uri) if reporting.logs_uri else None
        self._with_events = reporting.tensorboard
        self._warn = warn
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="logs")
        self._pending: Future[None] | None = None
        self._failed = False

    def write(self, entries: Sequence[Entry]) -> None:
        """Write the whole log anew, in the background."""
        if self._store is not None and not self._failed:
            self._pending = self._thread.submit(self._write, self._store, tuple(entries))

    def close(self) -> None:
        """Return when the last log is written."""
        self._thread.shutdown(wait=True)

    def _write(self, store: ObjectStore, entries: tuple[Entry, ...]) -> None:
        try:
            store.put(LOG_NAME, encode_log(entries))
            if self._with_events:
                store.put(EVENTS_NAME, encode_events(entries))
        except ArtifactError as error:
            self._failed = True
            self._warn(f"the step log is written no longer: {error}")
