"""The history of runs: a record in the models bucket for each, and what the bucket knows of how the training went.

Records lie at `MODELS_URI/JOB/records/ID.json`, beside the runs that they are about, and outlive a stack whose buckets
are retained. They are written and read before the stack is destroyed, as its owner (`owner_access`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.values import strip_secrets
from lifecycle.runs.attempts import (
    NOTES_FOLDER,
    RunHistory,
    history_of,
    idle_seconds_of,
    read_attempt,
    read_log,
)
from lifecycle.runs.curve import curve_of, keep_curve
from lifecycle.runs.errors import RunError
from lifecycle.runs.folder import RunFolder, list_runs
from lifecycle.runs.owner_access import acting_as_owner
from lifecycle.runs.places import Places, newest_run, places_of, state_resources
from lifecycle.runs.record import RunInterruption, RunRecord, decode_record, moment_of

if TYPE_CHECKING:
    from lifecycle.deployer import DeployedResource

RECORDS_FOLDER = "records"
LOG = "steps.jsonl"


@dataclass(frozen=True)
class FoundRecords:
    """Records, and a sentence for each one that cannot be read."""

    records: tuple[RunRecord, ...] = ()
    problems: tuple[str, ...] = ()

    def merged(self, other: "FoundRecords") -> "FoundRecords":
        """Both together by id, sorted; of two with the same id the one that was updated last counts."""
        newest: dict[str, RunRecord] = {}
        for record in (*self.records, *other.records):
            before = newest.get(record.id)
            if before is None or record.updated > before.updated:
                newest[record.id] = record
        return FoundRecords(tuple(newest[each] for each in sorted(newest)), (*self.problems, *other.problems))


def records_uri(models_uri: str, job: str) -> str:
    """The folder of a job's records in the models bucket."""
    return f"{models_uri.rstrip('/')}/{job}/{RECORDS_FOLDER}"


def publish_record(
    record: RunRecord,
    outputs: Mapping[str, Any],
    folder: RunFolder,
    resources: "Iterable[DeployedResource] | None" = None,
) -> str:
    """Writes the record into the models bucket, before the stack is destroyed; returns its URI.

    :param outputs: What the stack exports; without any its resources tell the bucket.
    :param resources: What the stack holds; None: as its state has it, where that is a folder.

    Raises RunError where the stack has no such bucket or it cannot be written.
    """
    from trainyard_artifacts.errors import ArtifactError
    from trainyard_artifacts.storage import ObjectStore

    places = _places(record, outputs, folder, resources)
    if not places.models_uri:
        raise RunError(f"the record of run {record.id} is not in the models bucket: stack {record.stack} has none")
    try:
        with acting_as_owner(folder.directory, record.stack, _config_file(folder, record.stack)):
            store = ObjectStore(records_uri(places.models_uri, places.job))
            store.put(f"{record.id}.json", record.encode())
            return store.uri_of(f"{record.id}.json")
    except ArtifactError as error:
        raise RunError(f"the record of run {record.id} is not in the models bucket: {error}") from None


def records_in(models_uri: str, job: str) -> FoundRecords:
    """The records of a job in the models bucket, with the credentials of this process's environment.

    One that is damaged is a problem and does not hide the others. Raises RunError where the bucket cannot be read.
    """
    from trainyard_artifacts.errors import ArtifactError
    from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore

    try:
        store = ObjectStore(records_uri(models_uri, job))
        contents = [(store.uri_of(name), store.get(name)) for name in store.list() if name.endswith(".json")]
    except ObjectNotFoundError:
        return FoundRecords()
    except ArtifactError as error:
        raise RunError(f"the records of job {job} cannot be read: {error}") from None
    return _decoded(contents)


def records_of_stack(directory: Path, stack: str, outputs: Mapping[str, Any]) -> FoundRecords:
    """The records in the bucket of a stack that is deployed; none where it has no such bucket.

    Raises RunError, or EngineError as `acting_as_owner` does.
    """
    models_uri, job = _text(outputs, "models_uri"), _text(outputs, "job")
    if not models_uri or not job:
        return FoundRecords()
    with acting_as_owner(directory, stack):
        return records_in(models_uri, job)


def records_here(directory: Path) -> FoundRecords:
    """The records of the runs that were made on this machine.

    :param directory: The project's folder.
    """
    records, problems = [], []
    for folder in list_runs(directory):
        try:
            records.append(folder.read())
        except RunError as error:
            problems.append(str(error))
    return FoundRecords(tuple(records), tuple(problems))


def with_spot_report(
    record: RunRecord,
    outputs: Mapping[str, Any],
    folder: RunFolder,
    resources: "Iterable[DeployedResource] | None" = None,
) -> RunRecord:
    """The record with interruptions, lost work and goodput, as the training has noted them in its bucket.

    Keeps the learning curve in the run's folder, of the fetched log where the bucket has none. It is to be called
    before the stack is destroyed. Without notes (`trainyard:training.reporting.write_log` is false, or no step was
    made) the record stays as it is.

    :param outputs: What the stack exports; one that was stopped or has failed exports nothing, and then its resources
        tell the buckets.
    :param resources: What the stack holds; None: as its state has it, where that is a folder.

    Raises RunError where the bucket cannot be read.
    """
    from trainyard_artifacts.errors import ArtifactError

    history, entries = history_of(()), _fetched_log(record)
    places = _places(record, outputs, folder, resources)
    if places.checkpoints_uri:
        began = moment_of(record.deployed_at or record.created).timestamp()
        try:
            with acting_as_owner(folder.directory, record.stack, _config_file(folder, record.stack)):
                logs_uri = places.logs_uri or _newest_log(places, began)
                history, logged = training_history(logs_uri, began) if logs_uri else (history, ())
        except ArtifactError as error:
            raise RunError(f"what interruptions have cost run {record.id} is unknown: {error}") from None
        entries = logged or entries
    if entries:
        try:
            keep_curve(folder, curve_of(entries))
        except OSError as error:
            raise RunError(f"{folder.path} cannot be written: {error.strerror or error}") from None
    if not history.attempts:
        return record
    return record.changed(
        interruptions=tuple(_recorded(history)), goodput=None if history.goodput is None else round(history.goodput, 4)
    )


def training_history(logs_uri: str, since: float = 0.0) -> tuple[RunHistory, tuple[dict[str, Any], ...]]:
    """What became of a training's time, and its step log; with the credentials of this process's environment.

    :param since: Seconds since the epoch; attempts that began before are of an earlier run of the same training, whose
        bucket was retained.

    Raises ArtifactError where the bucket cannot be read.
    """
    from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore

    store = ObjectStore(logs_uri)
    try:
        names = store.list()
        entries = read_log(store.get(LOG)) if LOG in names else ()
        notes = [read_attempt(store.get(name)) for name in names if name.startswith(f"{NOTES_FOLDER}/")]
    except ObjectNotFoundError:
        return history_of(()), ()
    attempts = [each for each in notes if each is not None and each.began >= since]
    older = [entry for entry in entries if isinstance(entry.get("time"), int | float) and entry["time"] < since]
    return history_of(attempts, idle_seconds=idle_seconds_of(entries) - idle_seconds_of(older)), entries


def _newest_log(places: Places, since: float) -> str:
    """The folder of the step log of the run that was going on; empty where no note was made since."""
    from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore

    folder = f"{places.checkpoints_uri}/{places.job}"
    try:
        run = newest_run(ObjectStore(folder).list(), since)
    except ObjectNotFoundError:
        return ""
    return f"{folder}/{run}-log" if run else ""


def _places(
    record: RunRecord,
    outputs: Mapping[str, Any],
    folder: RunFolder,
    resources: "Iterable[DeployedResource] | None",
) -> Places:
    if outputs or resources is not None:
        return places_of(record, outputs, resources or ())
    return places_of(record, outputs, state_resources(folder.directory, record.stack))


def _fetched_log(record: RunRecord) -> tuple[dict[str, Any], ...]:
    """The step log among the artifacts that were brought; none where there is none."""
    try:
        return read_log(Path(record.artifacts_dir, LOG).read_bytes()) if record.artifacts_dir else ()
    except OSError:
        return ()


def _recorded(history: RunHistory) -> Iterable[RunInterruption]:
    for each in history.interruptions:
        yield RunInterruption(
            at=each.at_text,
            reason=each.reason,
            lost_seconds=round(each.lost_seconds, 1),
            lost_steps=each.lost_steps,
        )


def _decoded(contents: Iterable[tuple[str, bytes]]) -> FoundRecords:
    records, problems = [], []
    for name, content in contents:
        try:
            records.append(decode_record(content, name))
        except RunError as error:
            problems.append(str(error))
    return FoundRecords(tuple(records), tuple(problems))


def _config_file(folder: RunFolder, stack: str) -> str:
    """The run's own configuration where it has one; the state's secrets may be encrypted with what it says."""
    path = folder.stack_file(stack)
    return str(path) if path.is_file() else ""


def _text(outputs: Mapping[str, Any], name: str) -> str:
    value = strip_secrets(outputs.get(name))
    return value if isinstance(value, str) else ""
