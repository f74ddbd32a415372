"""What a run is asked to do: ``JOB.json``."""

from collections.abc import Iterator
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

PRIVATE_VARIANTS = ("float32", "float16", "int8_dynamic")
"""Those that are made of the weights alone; the others look at training examples again."""


class TrainingSpecification(Specification):
    """What one run trains on, how, and where it leaves what."""

    job: ObjectName
    """What the runs that train the same thing are called together, in the manifest and as the model that is served: 1
    to 128 letters, digits and ``._-``, with a letter or digit first."""
    run: ObjectName
    """Identifies this run among the job's, and is written as its name is; the same specification resumes the same
    run."""
    datasets_uri: StoreUri
    """Where the loader has put the data set, the folder with its index: ``s3://BUCKET/PREFIX``, ``gs://BUCKET/PREFIX``
    or ``file:///DIRECTORY``, without a ``/`` at the end. It is only read."""
    checkpoints_uri: StoreUri
    """Where checkpoints are written and looked for, encrypted: a folder of this run alone, as ``datasets_uri`` names
    one."""
    models_uri: StoreUri
    """Where the finished model is published, encrypted, and its manifest, signed: a folder of this run alone, as
    ``datasets_uri`` names one, and another than ``checkpoints_uri``."""
    encryption_key_uri: KeyUri
    """The key-encryption key for checkpoints and model: ``aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID`` or
    ``gcp-kms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY``."""
    seed: int = Field(ge=0, lt=2**32)
    """Decides initial weights, order of images and augmentation."""
    epochs: int = Field(ge=1, le=10_000)
    """Passes over the training examples; what of each does not fill a batch is left out of it."""
    global_batch_size: int = Field(ge=1, le=65_536)
    """Images a step over all workers; a multiple of the number of shards."""
    learning_rate: float = Field(gt=0, le=1, strict=False)
    """The peak of the one-cycle schedule."""
    checkpoint_every_steps: int = Field(ge=1)
    """Steps from one checkpoint to the next: what an interruption without notice costs at most."""
    keep_checkpoints: int = Field(ge=1, le=1000)
    """So many newest checkpoints are kept, older ones deleted."""
    max_runtime_seconds: float = Field(gt=0, strict=False)
    """After so many seconds, measured from the worker's start, training stops with a checkpoint."""
    maximum_cost_usd: float | None = Field(default=None, gt=0, strict=False)
    """US dollars that the run may cost over all its restarts, at ``resources.usd_per_hour``: then it stops with a
    checkpoint, and is not run again by itself; null: no limit."""
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
        if self.privacy is not None:
            problems += self._unfit_for_privacy()
        if self.strategy.kind == "parameter_servers" and self.computation.precision == "float16":
            problems.append("computation.precision must be float32 or bfloat16 with strategy.kind parameter_servers")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _unfit_for_privacy(self) -> Iterator[str]:
        """Each setting by which more than clipped and noised steps would be learned from, or that no such step has."""
        if self.strategy.kind != "data_parallel":
            yield f"privacy needs strategy.kind data_parallel, found {self.strategy.kind!r}"
        if self.optimization.clip_norm is not None:
            yield "optimization.clip_norm must be null where privacy clips each example's gradient"
        if self.optimization.accumulate_steps > 1:
            yield "optimization.accumulate_steps must be 1 where privacy draws batches of its own"
        if self.computation.precision != "float32":
            yield (
                f"computation.precision {self.computation.precision!r} would round the norms that privacy clips by:"
                " it must be 'float32'"
            )
        if self.computation.compile:
            yield "computation.compile must be false where privacy follows each example's gradient"
        if self.stop_when is not None and self.stop_when.metric == "training_loss":
            yield (
                "stop_when.metric 'training_loss' is measured on training examples without noise, so the run's length"
                " would tell of them: with privacy it must be 'test_accuracy'"
            )
        if others := [name for name in self.variants.names if name not in PRIVATE_VARIANTS]:
            yield (
                f"variants.names {', '.join(others)} would learn from training examples without noise: with privacy"
                f" there are {', '.join(PRIVATE_VARIANTS)}"
            )
