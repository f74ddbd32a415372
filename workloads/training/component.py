"""The training job: a loader that fills the data set, then the training itself.

Both run on the platform's cluster, each as its own identity. What is trained is told by a specification; its hash
names the run, so the same specification is the same run, goes on from its own checkpoints, and writes to its own
place.
"""

import hashlib
import json
from typing import Any

import pulumi

from infra.platform import EntryPoint, Identity, JobSpecification, Platform, TrainingSettings

JOB = "digits"
"""Name of the job and of its folder in every bucket."""
PACKAGES = ("trainyard_training", "trainyard_artifacts")
LOADER = EntryPoint("trainyard-training", "trainyard_training.dataset", PACKAGES)
TRAINER = EntryPoint("trainyard-training", "trainyard_training", PACKAGES, launcher="trainyard_training.launch")
LOADER_DEADLINE_SECONDS = 300
GRACE_SECONDS = 60
"""Seconds to write a last checkpoint after being asked to stop."""
RUN_AGAIN_CODES = (75,)
"""Exit codes of the training package (`exit_status`) that mean: stopped with a checkpoint, or without its peers."""
HOPELESS_CODES = (2, 65, 70, 71)
"""A bad specification, bad data, a loss that diverged, a model that was refused."""
HOW_NOT_WHAT = frozenset({"max_runtime_seconds", "keep_checkpoints", "checkpoint_every_steps", "target_accuracy"})
"""Fields that do not change what is trained: with another value a run goes on instead of beginning anew."""


def dataset_specification(settings: TrainingSettings, datasets_uri: str) -> dict[str, Any]:
    """What the loader has to do."""
    return {"datasets_uri": f"{datasets_uri}/{JOB}", "shards": settings.dataset_shards, "seed": settings.seed}


def job_specification(
    settings: TrainingSettings,
    *,
    datasets_uri: str,
    checkpoints_uri: str,
    models_uri: str,
    encryption_key_uri: str,
    version: str,
) -> dict[str, Any]:
    """What the training has to do.

    :param version: Digest of the code: other code is another run.
    """
    what = {
        "job": JOB,
        "datasets_uri": f"{datasets_uri}/{JOB}",
        "encryption_key_uri": encryption_key_uri,
        "seed": settings.seed,
        "epochs": settings.epochs,
        "global_batch_size": settings.global_batch_size,
        "learning_rate": settings.learning_rate,
        "checkpoint_every_steps": settings.checkpoint_every_steps,
        "keep_checkpoints": settings.keep_checkpoints,
        "max_runtime_seconds": settings.max_runtime_minutes * 60,
        "target_accuracy": settings.target_accuracy,
    }
    run = run_of({**what, "shards": settings.dataset_shards}, version)
    return {
        **what,
        "run": run,
        "checkpoints_uri": f"{checkpoints_uri}/{JOB}/{run}",
        "models_uri": f"{models_uri}/{JOB}/{run}",
    }


def run_of(what: dict[str, Any], version: str) -> str:
    """The run's name: 12 hexadecimal digits that stand for what is trained by which code."""
    decisive = {name: value for name, value in what.items() if name not in HOW_NOT_WHAT}
    return hashlib.sha256(json.dumps([decisive, version], sort_keys=True).encode()).hexdigest()[:12]


class TrainingJob(pulumi.ComponentResource):
    """Loads the data set and trains on it."""

    manifest_uri: pulumi.Output[str]
    """URI of the manifest that the trained model will have."""
    finished: pulumi.Input[pulumi.Resource]
    """What to depend on to run after the training, when the manifest is there."""
    run: pulumi.Output[str]
    """The run's name."""

    def __init__(
        self, name: str, settings: TrainingSettings, platform: Platform, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trainyard:training:TrainingJob", name, None, opts)
        self._settings, self._platform = settings, platform
        loader = platform.cluster.run_job(
            f"{name}-loader",
            JobSpecification(
                LOADER,
                platform.datasets_uri.apply(lambda uri: dataset_specification(settings, uri)),
                Identity.LOADER,
                deadline_seconds=LOADER_DEADLINE_SECONDS,
                hopeless_codes=HOPELESS_CODES,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        document = self._document()
        trainer = platform.cluster.run_job(
            name,
            JobSpecification(
                TRAINER,
                document,
                Identity.TRAINING,
                # The job keeps its own limit and leaves a checkpoint; this is for one that does not.
                deadline_seconds=settings.max_runtime_minutes * 60 + GRACE_SECONDS,
                grace_seconds=GRACE_SECONDS,
                processes=settings.processes,
                pods=settings.pods,
                run_again_codes=RUN_AGAIN_CODES,
                hopeless_codes=HOPELESS_CODES,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[loader.resource]),
        )
        self.run = document.apply(lambda specification: str(specification["run"]))
        self.manifest_uri = document.apply(lambda specification: f"{specification['models_uri']}/manifest.json")
        self.finished = trainer.resource
        self.register_outputs({"manifest_uri": self.manifest_uri, "run": self.run})

    def _document(self) -> pulumi.Output[dict[str, Any]]:
        version = TRAINER.version()
        return pulumi.Output.all(
            datasets_uri=self._platform.datasets_uri,
            checkpoints_uri=self._platform.checkpoints_uri,
            models_uri=self._platform.models_uri,
            encryption_key_uri=self._platform.encryption_key_uri,
        ).apply(lambda uris: job_specification(self._settings, **uris, version=version))
