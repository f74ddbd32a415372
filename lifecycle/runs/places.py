"""Where a stack's training keeps what a run's report is made of: its models, and the folder of its step log.

A stack that came up tells it by its outputs. One that was stopped or has failed has none; then its buckets, as its
state has them, do, and the job that its settings name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import Unsupported
from engine.file_backend import FileBackend
from engine.project import load_project
from engine.state_location import find_state_folder
from engine.values import strip_secrets
from lifecycle.runs.record import RunRecord

if TYPE_CHECKING:
    from lifecycle.deployer import DeployedResource

DEFAULT_JOB = "digits"
"""What a stack trains that does not say what: `trainyard:training.task.source`."""
_BUCKET_SCHEMES = {
    "pulumi-python:dynamic/local:Bucket": "s3",
    "aws:s3/bucket:Bucket": "s3",
    "gcp:storage/bucket:Bucket": "gs",
}
"""How the URIs of buckets begin, by the type of their resource."""
_NOTE = re.compile(r"^([^/]+)-log/attempts/(\d{15})-[0-9a-f]+\.json$")


@dataclass(frozen=True, slots=True)
class Places:
    """Empty texts stand for what is not known."""

    models_uri: str = ""
    checkpoints_uri: str = ""
    job: str = ""
    run: str = ""
    """The name that the training gives itself."""

    @property
    def logs_uri(self) -> str:
        """The folder of the step log, beside the run's checkpoints as `workloads.training.component` has it."""
        return f"{self.checkpoints_uri}/{self.job}/{self.run}-log" if self.run and self.checkpoints_uri else ""


def places_of(
    record: RunRecord, outputs: Mapping[str, Any], resources: "Iterable[DeployedResource | StateResource]" = ()
) -> Places:
    """The places of a run's stack. Pure.

    :param outputs: What the stack exports; it may be nothing.
    :param resources: What its state holds.
    """
    buckets: dict[str, str] = {}
    for each in resources:
        if each.id and (scheme := _BUCKET_SCHEMES.get(each.type)):
            purpose = each.urn.rpartition("::")[2].rpartition("-")[2]
            buckets[purpose] = f"{scheme}://{each.id}"
    return Places(
        models_uri=_text(outputs, "models_uri") or buckets.get("models", ""),
        checkpoints_uri=_text(outputs, "checkpoints_uri") or buckets.get("checkpoints", ""),
        job=_text(outputs, "job") or record.job or _job_of(record),
        run=_text(outputs, "run") or record.run,
    )


@dataclass(frozen=True, slots=True)
class StateResource:
    """A resource of the stack's state."""

    urn: str
    type: str
    id: str


def state_resources(directory: Path, stack: str) -> tuple[StateResource, ...]:
    """The resources in the state of a stack whose state is a folder; none for any other. Raises EngineError.

    :param directory: The project's folder.
    """
    project = load_project(directory)
    try:
        latest = FileBackend(find_state_folder(project), project.name).read_checkpoint(stack)
    except Unsupported:
        return ()
    return tuple(
        StateResource(str(each["urn"]), str(each["type"]), str(each.get("id") or ""))
        for each in (latest or {}).get("resources") or []
        if not each.get("delete")
    )


def newest_run(names: Sequence[str], since: float) -> str:
    """The run that has made the newest note since a moment; empty where there is none. Pure.

    :param names: Objects below a job's folder among the checkpoints.
    :param since: Seconds since the epoch.
    """
    notes = [(int(found[2]), found[1]) for name in names if (found := _NOTE.match(name))]
    return max(((began, run) for began, run in notes if began >= since * 1000), default=(0, ""))[1]


def _job_of(record: RunRecord) -> str:
    settings = record.settings.get(f"{record.project}:training")
    task = settings.get("task") if isinstance(settings, Mapping) else None
    source = task.get("source") if isinstance(task, Mapping) else None
    return str(source or DEFAULT_JOB)


def _text(outputs: Mapping[str, Any], name: str) -> str:
    value = strip_secrets(outputs.get(name))
    return value if isinstance(value, str) else ""
