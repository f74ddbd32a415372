"""The training job: a loader that fills the data set, then the training itself.

Both run on the platform's cluster, each as its own identity. What is trained is told by a specification; its hash
names the run, so the same specification is the same run, goes on from its own checkpoints, and writes to its own
place.
"""

import hashlib
import json
from typing import Any

import pulumi
from pydantic import BaseModel

from infra.platform import EntryPoint, Identity, JobSpecification, Platform, TrainingSettings

PACKAGES = ("trainyard_training", "trainyard_artifacts")
LOADER = EntryPoint("trainyard-training", "trainyard_training.dataset", PACKAGES)
TRAINER = EntryPoint("trainyard-training", "trainyard_training", PACKAGES, launcher="trainyard_training.launch")
LOADER_DEADLINE_SECONDS = 300
GRACE_SECONDS = 60
"""Seconds to write a last checkpoint after being asked to stop."""
RUN_AGAIN_CODES = (75,)
"""Exit codes of the training package (`exit_status`) that mean: stopped with a checkpoint, or without its peers."""
HOPELESS_CODES = (2, 65, 70, 71, 72, 74)
"""A bad specification, bad data, a loss that diverged, a model that was refused, a run that has cost as much as it may
or taken as long.
Not a full disk (73): the next pod begins with an empty one, maybe on another node."""
HOW_NOT_WHAT = frozenset(
    {
        "max_runtime_seconds",
        "keep_checkpoints",
        "checkpoint_every_steps",
        "target_accuracy",
        "maximum_cost_usd",
        "stop_when",
        "resources",
        "strategy.servers",
        "strategy.staleness",
        "computation.channels_last",
        "computation.compile",
        "optimization.accumulate_steps",
        "reporting",
    }
)
"""Fields that do not change what is trained, nor which variant of it is released: with another value a run goes on
instead of beginning anew."""


def job_name(settings: TrainingSettings) -> str:
    """Name of the job, of its folder in every bucket and of the model that it trains."""
    return settings.task.source


def dataset_specification(settings: TrainingSettings, datasets_uri: str) -> dict[str, Any]:
    """What the loader has to do."""
    task = settings.task
    document: dict[str, Any] = {
        "datasets_uri": f"{datasets_uri}/{job_name(settings)}",
        "shards": settings.dataset_shards,
        "seed": settings.seed,
        **_chosen(task, "source"),
    }
    if task.source == "cifar10":
        document["cifar10"] = _chosen(task, "archive_uri", "archive_sha256")
    return document


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
    job = job_name(settings)
    what = {
        "job": job,
        "datasets_uri": f"{datasets_uri}/{job}",
        "encryption_key_uri": encryption_key_uri,
        "seed": settings.seed,
        "epochs": settings.epochs,
        "global_batch_size": settings.global_batch_size,
        "learning_rate": settings.learning_rate,
        "checkpoint_every_steps": settings.checkpoint_every_steps,
        "keep_checkpoints": settings.keep_checkpoints,
        "max_runtime_seconds": settings.max_runtime_minutes * 60,
        "target_accuracy": settings.target_accuracy,
        **_groups(settings),
    }
    examples = {"shards": settings.dataset_shards, **_chosen(settings.task, "archive_sha256")}
    run = run_of({**what, **examples}, version)
    if settings.reporting.write_log:
        # Beside the checkpoints and not among them, which are looked through: the identity may write there already.
        what["reporting"] = {"logs_uri": f"{checkpoints_uri}/{job}/{run}-log", **what.get("reporting", {})}
    return {
        **what,
        "run": run,
        "checkpoints_uri": f"{checkpoints_uri}/{job}/{run}",
        "models_uri": f"{models_uri}/{job}/{run}",
    }


def run_of(what: dict[str, Any], version: str) -> str:
    """The run's name: 12 hexadecimal digits that stand for what is trained by which code."""
    decisive = {}
    for name, value in what.items():
        group = value if isinstance(value, dict) else {}
        part = {field: each for field, each in group.items() if f"{name}.{field}" not in HOW_NOT_WHAT}
        if name not in HOW_NOT_WHAT and (part or not group):
            decisive[name] = part or value
    return hashlib.sha256(json.dumps([decisive, version], sort_keys=True).encode()).hexdigest()[:12]


def _groups(settings: TrainingSettings) -> dict[str, Any]:
    """The groups of the job's specification, as far as they are not as the package has them by default."""
    limits, privacy = settings.limits, settings.privacy
    groups: dict[str, Any] = {
        "model": _chosen(settings.task, "module", "options", model="name"),
        "input": _chosen(settings.task, "augmentation", "streams"),
        "strategy": _chosen(settings.strategy, "kind", "servers", "staleness"),
        "optimization": _chosen(
            settings.optimization,
            "optimizer",
            "weight_decay",
            "momentum",
            "schedule",
            "warm_up_share",
            "label_smoothing",
            "accumulate_steps",
            "clip_norm",
        ),
        "computation": _chosen(settings.computation, "precision", "channels_last", "compile"),
        "variants": _chosen(settings.variants, "names", "choose", "accuracy_loss", "pruned_share", "publish"),
        "reporting": _chosen(settings.reporting, "every_steps", "tensorboard"),
    }
    groups = {name: group for name, group in groups.items() if group}
    if limits.maximum_cost_usd:
        groups["maximum_cost_usd"] = limits.maximum_cost_usd
        groups["resources"] = {"usd_per_hour": limits.usd_per_hour}
    if limits.stop_at_accuracy:
        groups["stop_when"] = {"metric": "test_accuracy", "reaches": limits.stop_at_accuracy}
    if privacy.target_epsilon:
        groups["privacy"] = _chosen(privacy, "target_epsilon", "delta", "clip_norm")
    return groups


def _chosen(group: BaseModel, *same: str, **renamed: str) -> dict[str, Any]:
    """The settings that differ from their default, as JSON has them, by what the package calls them.

    :param same: Settings that the package calls the same.
    :param renamed: What it calls the others.
    """
    values, defaults = group.model_dump(mode="json"), type(group)().model_dump(mode="json")
    names = renamed | {name: name for name in same}
    return {told: values[name] for name, told in names.items() if values[name] != defaults[name]}


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
