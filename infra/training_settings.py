"""The settings of what is trained and how it is computed, which the documents for the training package take over.

`trainyard_training.choices` and `dataset_specification` say the same things to the package, and more: docs/training.md
shows all of them. The defaults are the package's own.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from infra.setting_types import Group, Real, Truth, Whole, pattern, refuse_all

MODELS_OF = {
    "digits": ("digits", "resnet"),
    "cifar10": ("digits", "lenet", "resnet"),
    "binary": ("binary",),
}
"""The package's models that take the examples of each source: the digits' images are too small for lenet."""

ModelName = Annotated[
    str, pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", "a name of letters, digits and ._-", required=True)
]
ModelModule = Annotated[
    str, pattern(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*|/.+\.py", "a module's dotted name or the absolute path of a .py file")
]
ArchiveUri = Annotated[
    str,
    pattern(
        r"(s3|gs)://[A-Za-z0-9][A-Za-z0-9._-]+(/[^/]+)+|file://(/[^/]+)+",
        "an object such as s3://BUCKET/cifar10/cifar-10-binary.tar.gz, or a file as file:///FOLDER/NAME",
    ),
]
Sha256 = Annotated[str, pattern(r"[0-9a-f]{64}", "64 hexadecimal digits in small letters")]


class TaskSettings(Group):
    """What is trained: a model, and the examples that it learns from."""

    source: Literal["digits", "cifar10", "binary"] = "digits"
    """Where the examples come from: the digits of scikit-learn, CIFAR-10, or rows of two classes that are made up. Also
    the name of the job, of its folder in every bucket and of the model that is served."""
    archive_uri: ArchiveUri = ""
    """Of cifar10: where cifar-10-binary.tar.gz lies. In a cloud the loader may read nothing but what is below cifar10/
    in the stack's bucket of data sets; on one machine it may be a file, too."""
    archive_sha256: Sha256 = ""
    """Of cifar10: what the archive's bytes hash to; empty: what those of the published one do."""
    model: ModelName = "digits"
    """Which network: digits, lenet and resnet take images, binary takes rows of numbers; or one of your own."""
    module: ModelModule = ""
    """Where a model of your own is registered; empty: it is one of the package's. A changed file needs another model
    name, or its run goes on with the old weights."""
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
        if not self.module and self.model not in (fitting := MODELS_OF[self.source]):
            valid = " or ".join(fitting)
            found.append(("model", f"must be {valid} where source is {self.source}, or have a module of your own"))
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
