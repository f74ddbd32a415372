"""What a run is asked to do: ``JOB.json``."""

from typing import Any, Self

from pydantic import Field, model_validator

from trainyard_artifacts.manifest import MANIFEST_NAME, ObjectName
from trainyard_artifacts.specification import KeyUri, Specification
from trainyard_training.choices import (
    Computation,
    Input,
    ModelChoice,
    Optimization,
    Privacy,
    Report,
    Reporting,
    Resources,
    StopCriterion,
    Strategy,
    Variants,
)
from trainyard_training.store_uri import StoreUri

WHAT_IS_TRAINED: dict[str, Any] = {
    "seed": True,
    "epochs": True,
    "global_batch_size": True,
    "learning_rate": True,
    "model": True,
    "optimization": {
        "optimizer",
        "weight_decay",
        "momentum",
        "schedule",
        "warm_up_share",
        "label_smoothing",
        "clip_norm",
    },
    "computation": {"precision"},
    "input": {"streams", "augmentation"},
    "strategy": {"kind"},
    "privacy": True,
}
"""Fields of the training's specification that, with the data set, decide the trained weights."""


class TrainingSpecification(Specification):
    """What one run trains on, how, and where it leaves what."""

    job: ObjectName
    run: ObjectName
    """Identifies this run among the job's; the same specification resumes the same run."""
    datasets_uri: StoreUri
    checkpoints_uri: StoreUri
    models_uri: StoreUri
    encryption_key_uri: KeyUri
    """The key-encryption key for checkpoints and model."""
    seed: int = Field(ge=0, lt=2**32)
    """Decides initial weights, order of images and augmentation."""
    epochs: int = Field(ge=1, le=10_000)
    global_batch_size: int = Field(ge=1, le=65_536)
    """Images a step over all workers; a multiple of the number of shards."""
    learning_rate: float = Field(gt=0, le=1, strict=False)
    """The peak of the one-cycle schedule."""
    checkpoint_every_steps: int = Field(ge=1)
    keep_checkpoints: int = Field(ge=1, le=1000)
    """So many newest checkpoints are kept, older ones deleted."""
    max_runtime_seconds: float = Field(gt=0, strict=False)
    """After so long, measured from the worker's start, training stops with a checkpoint."""
    maximum_cost_usd: float | None = Field(default=None, gt=0, strict=False)
    """What the run may cost over all its restarts, at ``resources.usd_per_hour``: then it stops with a checkpoint, and
    is not run again by itself; null: no limit."""
    target_accuracy: float = Field(ge=0, le=1, strict=False)
    """Share of the test split. A model below it is not published."""
    stop_when: StopCriterion | None = None
    """When the run is good enough to end before its last step; null: never."""
    model: ModelChoice = ModelChoice()
    strategy: Strategy = Strategy()
    optimization: Optimization = Optimization()
    computation: Computation = Computation()
    input: Input = Input()
    reporting: Reporting = Reporting()
    resources: Resources = Resources()
    variants: Variants = Variants()
    report: Report = Report()
    privacy: Privacy | None = None
    """Differentially private training; null: none."""

    @property
    def manifest_uri(self) -> str:
        """Where the finished run is described."""
        return f"{self.models_uri}/{MANIFEST_NAME}"

    @model_validator(mode="after")
    def _places_differ(self) -> Self:
        if self.checkpoints_uri == self.models_uri:
            raise ValueError("checkpoints_uri and models_uri must differ: only one of them is for serving to read")
        return self

    @model_validator(mode="after")
    def _choices_fit(self) -> Self:
        problems = []
        if self.maximum_cost_usd is not None and self.resources.usd_per_hour is None:
            problems.append("maximum_cost_usd needs resources.usd_per_hour, the price to count with")
        if self.privacy is not None and self.strategy.kind != "data_parallel":
            problems.append(f"privacy needs strategy.kind data_parallel, found {self.strategy.kind!r}")
        if self.privacy is not None and self.optimization.clip_norm is not None:
            problems.append("optimization.clip_norm must be null where privacy clips each example's gradient")
        if self.privacy is not None and self.optimization.accumulate_steps > 1:
            problems.append("optimization.accumulate_steps must be 1 where privacy draws batches of its own")
        if self.strategy.kind == "parameter_servers" and self.computation.precision == "float16":
            problems.append("computation.precision must be float32 or bfloat16 with strategy.kind parameter_servers")
        if problems:
            raise ValueError("; ".join(problems))
        return self
