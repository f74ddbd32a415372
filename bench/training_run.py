"""A training run put together to be measured: the package's own parts, on folders, under a key in memory.

So neither a bucket nor a key service counts. A job is a plain dictionary, so that it can be handed to a process; what
it does not say has defaults here.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import envelopes
from bench.errors import BenchError

if TYPE_CHECKING:
    from trainyard_training.run import Run
    from trainyard_training.specification import TrainingSpecification
    from trainyard_training.workers import Workers

NEVER = 1_000_000_000
"""Steps between two checkpoints, or lines of the log, where there are to be none."""


def job_of(data: Path, work: Path, **fields: Any) -> "TrainingSpecification":
    """A job on the data set in the folder `data` that leaves what it writes in the folder `work`."""
    from trainyard_training.specification import TrainingSpecification

    defaults = {
        "job": "bench",
        "run": "bench",
        "datasets_uri": data.as_uri(),
        "checkpoints_uri": (work / "checkpoints").as_uri(),
        "models_uri": (work / "models").as_uri(),
        "encryption_key_uri": envelopes.KEY_URI,
        "seed": 0,
        "epochs": 1,
        "global_batch_size": 100,
        "learning_rate": 0.002,
        "checkpoint_every_steps": NEVER,
        "keep_checkpoints": 1,
        "max_runtime_seconds": 3600,
        "target_accuracy": 0,
        "reporting": {"every_steps": 1_000_000},
    }
    for uri in ("checkpoints_uri", "models_uri"):
        Path(str(defaults[uri]).removeprefix("file://")).mkdir(parents=True, exist_ok=True)
    # By way of JSON, as a job is read.
    return TrainingSpecification.model_validate_json(json.dumps({**defaults, **fields}))


@contextmanager
def opened(job: "TrainingSpecification", workers: "Workers") -> Iterator["Run"]:
    """What `train` puts together for the job, its checkpoints under a key in memory; it says what it trains, and then
    nothing."""
    from trainyard_artifacts.storage import ObjectStore
    from trainyard_training.checkpoints import Checkpoints, EncryptedFiles
    from trainyard_training.reporting.progress import Progress
    from trainyard_training.train import prepare

    prepared = prepare(job, workers, saved_by=None)
    files = EncryptedFiles(ObjectStore(job.checkpoints_uri), envelopes.envelope_in_memory(), job=job.job, run=job.run)
    run = replace(
        prepared,
        checkpoints=Checkpoints(files, workers, keep=job.keep_checkpoints, stored=_ignore, warn=_ignore),
        progress=Progress(False, prepared.total_steps, job.epochs),
    )
    try:
        yield run
    finally:
        run.close()


def result_of(output: str) -> Mapping[str, Any]:
    """What a process has measured: the JSON object on the last line of its output. Raises BenchError without one."""
    last = output.rstrip().rpartition("\n")[2]
    try:
        document = json.loads(last)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise BenchError(
            f"a part of the benchmark was expected to print what it measured as JSON, its last line is {last!r}"
        )
    return document


def _ignore(_: object) -> None:
    """Nobody is told."""
