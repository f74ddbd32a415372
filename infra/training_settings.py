"""The settings of what is trained and how it is computed, which the documents for the training package take over.

`trainyard_training.choices` and `dataset_specification` say the same things to the package, and more: docs/training.md
shows all of them. The defaults are the package's own, and so are the rules; where the package knows null, it is 0 here.
"""

import json
import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from infra.setting_types import Group, Real, Truth, Whole, pattern, refuse, refuse_all

MODELS_OF = {
    "digits": ("digits", "resnet"),
    "cifar10": ("digits", "lenet", "resnet"),
    "binary": ("binary",),
}
"""The package's models that take the examples of each source: the digits' images are too small for lenet."""
OPTIONS_OF = {"digits": (), "lenet": (), "resnet": ("width", "blocks"), "binary": ("hidden",)}
"""What each of the package's models takes beside the data's shape."""
PRIVATE_VARIANTS = ("float32", "float16", "int8_dynamic")
"""Variants that are made without looking at training examples again."""
UNPACKED_ARCHIVE = "cifar-10-batches-bin"
"""The folder that CIFAR-10's archive unpacks to."""

VariantName = Literal["float32", "float16", "int8_dynamic", "int8_static", "pruned_unstructured", "pruned_structured"]
ModelName = Annotated[
    str, pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", "a name of letters, digits and ._-", required=True)
]
ModelModule = Annotated[
    str, pattern(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*|/.+\.py", "a module's dotted name or the absolute path of a .py file")
]
ArchiveUri = Annotated[
    str,
    pattern(
        r"(s3|gs)://[A-Za-z0-9][A-Za-z0-9._-]+(/[^/]+)+|file://(/[^/]+){2,}",
        "an object such as s3://BUCKET/cifar10/cifar-10-binary.tar.gz, or a file as file:///FOLDER/NAME",
    ),
]
Sha256 = Annotated[str, pattern(r"[0-9a-f]{64}", "64 hexadecimal digits in small letters")]


def _number(valid: str) -> WrapValidator:
    """Tells a range that its type's own message would not, such as one without its upper end.

    :param valid: The range, in words that follow "must be ".
    """

    def check(value: object, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise refuse(f"must be {valid}") from None

    return WrapValidator(check)


FromZeroBelowOne = Annotated[Real, Field(ge=0, lt=1), _number("a number from 0 and below 1")]
AboveZeroBelowOne = Annotated[Real, Field(gt=0, lt=1), _number("a number above 0 and below 1")]


def _option(value: object) -> object:
    if isinstance(value, str):
        return _number_of(value)
    if not isinstance(value, bool | int | float) or not math.isfinite(value):
        raise refuse("must be a number, text, true or false")
    return value


def _number_of(text: str) -> object:
    # `pulumi config set --path` stores some numbers as text.
    try:
        read = json.loads(text)
    except ValueError:
        return text
    is_number = isinstance(read, int | float) and not isinstance(read, bool) and math.isfinite(read)
    return read if is_number else text


def _options(value: object) -> object:
    if not isinstance(value, dict):
        raise refuse("must be an object: the value of each option by its name")
    return value


ModelOptions = Annotated[
    dict[str, Annotated[bool | int | float | str, BeforeValidator(_option)]], BeforeValidator(_options)
]


class TaskSettings(Group):
    """What is trained: a model, and the examples that it learns from."""

    source: Literal["digits", "cifar10", "binary"] = "digits"
    """Where the examples come from: the digits of scikit-learn, CIFAR-10, or rows of two classes that are made up. Also
    the name of the job, of its folder in every bucket and of the model that is served."""
    archive_uri: ArchiveUri = ""
    """Of cifar10: where cifar-10-binary.tar.gz lies, or the folder cifar-10-batches-bin that it unpacks to. In a cloud
    the loader may read nothing but what is below cifar10/ in the stack's bucket of data sets; on one machine it may be
    on the disk, too."""
    archive_sha256: Sha256 = ""
    """Of cifar10: what the archive's bytes hash to; empty: what those of the published one do, as those of the folder's
    files have to."""
    model: ModelName = "digits"
    """Which network: digits, lenet and resnet take images, binary takes rows of numbers; or one of your own."""
    module: ModelModule = ""
    """Where a model of your own is registered; empty: it is one of the package's. A changed file needs another model
    name, or its run goes on with the old weights."""
    options: ModelOptions = Field(default_factory=dict)
    """What the model takes beside the data's shape, by name: of resnet width, a multiple of 8, and blocks; of binary
    hidden; of one of your own what its constructor says."""
    augmentation: Literal["none", "shift", "crop_flip"] = "shift"
    """How images are changed on their way to the model; crop_flip is usual for CIFAR-10."""
    streams: Whole = Field(default=0, ge=0, le=64)
    """Shards that are read at the same time, and in memory; 0: all of them. Divides `dataset_shards`."""

    @model_validator(mode="after")
    def _parts_fit(self, info: ValidationInfo) -> Self:
        on_cluster = (info.context or {}).get("cloud", "local") != "local"
        found = []
        if self.source == "cifar10" and not self.archive_uri:
            found.append(("archive_uri", "must say where cifar-10-binary.tar.gz lies where source is cifar10"))
        if self.source != "cifar10":
            told = f"must be empty where source is {self.source}: it is of cifar10"
            found += [(name, told) for name in ("archive_uri", "archive_sha256") if getattr(self, name)]
        elif on_cluster and self.archive_uri and not self.archive_uri.startswith("s3://"):
            found.append(("archive_uri", "must be an object, s3://…, in a cloud: pods have no other files"))
        if self.source == "cifar10" and self.archive_uri.endswith(f"/{UNPACKED_ARCHIVE}") and self.archive_sha256:
            told = "must be empty where archive_uri is the unpacked folder, whose files have to be the published ones"
            found.append(("archive_sha256", told))
        if not self.module and self.model not in (fitting := MODELS_OF[self.source]):
            valid = " or ".join(fitting)
            found.append(("model", f"must be {valid} where source is {self.source}, or have a module of your own"))
        elif not self.module:
            taken = ", ".join(OPTIONS_OF[self.model]) or "none"
            told = f"no such option of {self.model}, which takes {taken}"
            found += [(f"options.{name}", told) for name in self.options if name not in OPTIONS_OF[self.model]]
        if self.augmentation == "crop_flip" and self.source == "binary":
            found.append(("augmentation", "must be none or shift where source is binary, which has no images to crop"))
        if found:
            raise refuse_all(found)
        return self


class StrategySettings(Group):
    """How the work is shared between workers."""

    kind: Literal["data_parallel", "fully_sharded", "parameter_servers"] = "data_parallel"
    """data_parallel: each worker has the whole model, gradients are averaged in every step. fully_sharded: parameters
    and optimiser are sharded over the workers. parameter_servers: workers do not wait for each other."""
    servers: Whole = Field(default=1, ge=1, le=63)
    """Of parameter_servers: so many of the processes hold parameters; the others compute."""
    staleness: Whole = Field(default=2, ge=0, le=1000)
    """Of parameter_servers: steps that the fastest worker may be ahead of the slowest."""


class OptimizationSettings(Group):
    """The optimiser, its schedule and the loss; its step size is `learning_rate`."""

    optimizer: Literal["adamw", "sgd"] = "adamw"
    """What makes steps of gradients."""
    weight_decay: Real = Field(default=0.01, ge=0, le=1)
    """Part of each weight that a step takes away, times the learning rate. 0: none."""
    momentum: FromZeroBelowOne = 0.9
    """Of sgd: part of the last step that the next one keeps. 0: none."""
    schedule: Literal["one_cycle", "constant"] = "one_cycle"
    """one_cycle: the rate goes up to learning_rate and down to almost nothing."""
    warm_up_share: AboveZeroBelowOne = 0.2
    """Of one_cycle: fraction of all steps in which the rate goes up."""
    label_smoothing: FromZeroBelowOne = 0.05
    """Fraction of each label that is spread over all classes. 0: none."""
    accumulate_steps: Whole = Field(default=1, ge=1, le=1024)
    """Parts in which each step's batch is computed, for less memory."""
    clip_norm: Real = Field(default=0, ge=0, le=1_000_000)
    """Largest norm of the whole gradient. 0: no clipping."""


class ComputationSettings(Group):
    """How fast the numbers are computed, and in which format."""

    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Format of most operations; weights stay in float32. float16 is for GPUs."""
    channels_last: Truth = False
    """Whether images are stored with the channels last, which convolutions on tensor cores like."""
    compile: Truth = False
    """Whether the model is compiled, which takes a minute or so first. It needs a C++ compiler where the job runs; the
    project's own image has none."""


class RunLimitSettings(Group):
    """When a run ends before its last step."""

    maximum_cost_usd: Real = Field(default=0, ge=0, le=10_000_000)
    """US dollars that a run may cost over all its restarts; then it stops with a checkpoint. 0: no limit."""
    usd_per_hour: Real = Field(default=0, ge=0, le=100_000)
    """US dollars an hour of all its nodes together, to count with; `yard cost` says what they are. 0: unknown."""
    stop_at_accuracy: Real = Field(default=0, ge=0, le=1)
    """Fraction of the test images at which the model is good enough to stop; asked after every epoch. 0: never."""

    @model_validator(mode="after")
    def _price_is_known(self) -> Self:
        if self.maximum_cost_usd and not self.usd_per_hour:
            raise refuse_all(
                [("usd_per_hour", "must be more than 0 where maximum_cost_usd is: the price to count with")]
            )
        return self


class PrivacySettings(Group):
    """Differentially private training by DP-SGD; docs/privacy.md says what it guarantees."""

    target_epsilon: Real = Field(default=0, ge=0, le=1_000_000)
    """What the whole run may spend of epsilon; noise is chosen by it. 0: training is not private."""
    delta: FromZeroBelowOne = 0
    """Probability with which epsilon may not hold: above 0, and below 1 / the number of training examples."""
    clip_norm: Real = Field(default=1, gt=0, le=1_000_000)
    """Largest norm of each example's gradient."""

    @model_validator(mode="after")
    def _budget_is_whole(self) -> Self:
        if self.target_epsilon and not self.delta:
            raise refuse_all([("delta", "must be above 0, and below 1, where target_epsilon is set")])
        if not self.target_epsilon and (self.delta or self.clip_norm != 1):
            raise refuse_all(
                [("target_epsilon", "must be above 0 for private training, which delta and clip_norm are of")]
            )
        return self


class VariantSettings(Group):
    """What is tried on the trained model to make it smaller or faster, and which of it is released."""

    names: tuple[VariantName, ...] = ("float32",)
    """What is made and measured; float32, the model as trained, is always among them."""
    choose: Literal["float32", "smallest", "fastest"] = "float32"
    """Which one is released: float32, or the smallest or fastest of those that lose at most accuracy_loss."""
    accuracy_loss: Real = Field(default=0.01, ge=0, le=1)
    """Fraction of the test images by which a released variant may be worse than the model as trained."""
    pruned_share: AboveZeroBelowOne = 0.5
    """Fraction of the weights (unstructured) or of the channels (structured) that pruning takes away."""
    publish: tuple[VariantName, ...] = ()
    """Which of names are published beside the released one, so that the service can serve them, too."""

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        found = []
        if "float32" not in self.names:
            found.append(("names", "must have float32, the model as trained, which the others are compared to"))
        if not {*self.publish} <= {*self.names}:
            found.append(("publish", f"must be of what names has: {', '.join(self.names)}"))
        if found:
            raise refuse_all(found)
        return self


class ReportingSettings(Group):
    """What is written about a run while it goes on."""

    write_log: Truth = False
    """Whether the log of its steps is also written in clear text, at every checkpoint, beside the run's checkpoints, in
    the folder RUN-log. The checkpoints and the report have it in any case, encrypted."""
    every_steps: Whole = Field(default=25, ge=1, le=1_000_000)
    """Steps between two entries of the log."""
    tensorboard: Truth = False
    """Whether TensorBoard's events are written there, too."""

    @model_validator(mode="after")
    def _events_have_a_place(self) -> Self:
        if self.tensorboard and not self.write_log:
            raise refuse_all([("tensorboard", "must be false where write_log is: there is no place for events")])
        return self


def unfit_for_privacy(
    strategy: StrategySettings,
    optimization: OptimizationSettings,
    computation: ComputationSettings,
    variants: VariantSettings,
) -> Iterator[tuple[str, str]]:
    """What cannot go together with private training: field and problem of each."""
    told = "where privacy.target_epsilon is set"
    if strategy.kind != "data_parallel":
        yield "strategy.kind", f"must be data_parallel {told}"
    if optimization.clip_norm:
        yield "optimization.clip_norm", f"must be 0 {told}: each example's gradient is clipped instead"
    if optimization.accumulate_steps > 1:
        yield "optimization.accumulate_steps", f"must be 1 {told}"
    if computation.precision != "float32":
        yield "computation.precision", f"must be float32 {told}: another would round the norms that are clipped by"
    if computation.compile:
        yield "computation.compile", f"must be false {told}: each example's gradient is followed"
    if not {*variants.names} <= {*PRIVATE_VARIANTS}:
        yield (
            "variants.names",
            f"must be of {', '.join(PRIVATE_VARIANTS)} {told}: the others learn from examples without noise",
        )
