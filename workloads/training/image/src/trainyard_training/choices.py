"""The groups of a training's specification that have defaults: how a run computes, beside what it trains on.

Each field's docstring is its documentation; ``docs/training.md`` shows them all. What decides the trained weights is
said in ``specification.WHAT_IS_TRAINED``.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from trainyard_artifacts.manifest import ObjectName
from trainyard_artifacts.specification import Specification
from trainyard_training.store_uri import StoreUri

OptionValue = bool | int | float | str


class ModelChoice(Specification):
    """Which network, from the registry in ``models``."""

    name: ObjectName = "digits"
    """As a model is registered: ``digits``, ``lenet``, ``resnet``, ``binary``, or one of your own."""
    module: str | None = Field(default=None, pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$|^/.+\.py$")
    """Where your own is registered: a module's dotted name, or the absolute path of a ``.py`` file in the image."""
    options: dict[str, OptionValue] = Field(default_factory=dict)
    """Arguments of the model's constructor beside the data's shape, such as ``{"width": 32}``."""


class Strategy(Specification):
    """How the work is shared between processes."""

    kind: Literal["data_parallel", "fully_sharded", "parameter_servers"] = "data_parallel"
    """``data_parallel``: each worker has the whole model, gradients are averaged in every step (DDP; one process alone
    does the same without a group). ``fully_sharded``: parameters, gradients and optimiser state are sharded over the
    workers (FSDP2). ``parameter_servers``: workers send gradients to servers that hold the parameters, and do not wait
    for each other beyond ``staleness``."""
    servers: int = Field(default=1, ge=1, le=64)
    """Of ``parameter_servers``: processes that hold parameters; the remaining ones of the group compute."""
    staleness: int = Field(default=2, ge=0, le=1000)
    """Of ``parameter_servers``: steps that the fastest worker may be ahead of the slowest; 0: all in step."""


class Optimization(Specification):
    """The optimiser, its schedule and the loss."""

    optimizer: Literal["adamw", "sgd"] = "adamw"
    """``adamw``: Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101). ``sgd``: gradient descent
    with ``momentum``, which keeps one number for each parameter instead of two."""
    weight_decay: float = Field(default=0.01, ge=0, le=1, strict=False)
    """Of ``adamw``: part of each weight that a step takes away, times the learning rate; of ``sgd``: as much of the
    weight is added to its gradient. 0: none."""
    momentum: float = Field(default=0.9, ge=0, lt=1, strict=False)
    """Of ``sgd``: part of the last step that the next one keeps. 0: none."""
    schedule: Literal["one_cycle", "constant"] = "one_cycle"
    """``one_cycle``: up to ``learning_rate`` and down to almost nothing (Smith and Topin, arXiv:1708.07120)."""
    warm_up_share: float = Field(default=0.2, gt=0, lt=1, strict=False)
    """Of ``one_cycle``: the part of all steps in which the rate goes up."""
    label_smoothing: float = Field(default=0.05, ge=0, lt=1, strict=False)
    """Of a task with classes (Szegedy et al., arXiv:1512.00567)."""
    accumulate_steps: int = Field(default=1, ge=1, le=1024)
    """Parts in which each step's batch is computed, for less memory; the result is the same but for rounding."""
    clip_norm: float | None = Field(default=None, gt=0, strict=False)
    """Largest norm of the whole gradient; null: no clipping."""


class Computation(Specification):
    """How fast the numbers are computed, and in which format."""

    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Format of most operations, by ``torch.autocast``; weights and optimiser stay in float32. ``float16`` scales the
    loss against underflow, and is for GPUs."""
    channels_last: bool = False
    """Store images with the channels last, which convolutions on GPUs with tensor cores and on newer CPUs like."""
    compile: bool = False
    """Compile the model by ``torch.compile``; the first steps then take a minute or so, and need a C++ compiler on
    CPUs."""
    threads: int = Field(default=1, ge=1, le=256)
    """CPU threads of each worker."""


class Input(Specification):
    """How examples come from the bucket to the model."""

    streams: int | None = Field(default=None, ge=1, le=4096)
    """Streams that the shards are dealt to; every step takes equally many examples from each, and each holds one shard
    in memory and fetches the next. A multiple of the number of workers that divides the global batch; null: one a
    shard, so that the shuffle is over the whole data set, which then has to fit in memory."""
    prefetch_batches: int = Field(default=4, ge=0, le=1024)
    """Batches made ready ahead of the model by a thread; 0: none."""
    cache_mib: int = Field(default=2048, ge=0)
    """Memory of each worker for shards, in MiB, which are then read once and not in every epoch; at least the open ones
    are held."""
    augmentation: Literal["none", "shift", "crop_flip"] = "shift"
    """``shift``: half of the images are moved by up to one pixel. ``crop_flip``: a random crop of the image padded by 4
    pixels, and half of the images mirrored, as is usual for CIFAR-10 (He et al., arXiv:1512.03385, 4.2)."""


class Reporting(Specification):
    """What is written about the run while it goes on."""

    logs_uri: StoreUri | None = None
    """Where the step log (``steps.jsonl``) and TensorBoard's events are written at every checkpoint and at the end, and
    notes on each attempt (``attempts/``) while it goes on, in clear text: a bucket's folder of this run alone; null:
    the log is in the checkpoints and in the published report, both encrypted, and nowhere else."""
    every_steps: int = Field(default=25, ge=1, le=1_000_000)
    """Steps between two entries of the log; with ``parameter_servers`` there is one at every checkpoint instead."""
    tensorboard: bool = False
    """Also write TensorBoard's events to ``logs_uri``."""


class StopCriterion(Specification):
    """When a run is good enough to end before its last step."""

    metric: Literal["test_accuracy", "training_loss"] = "test_accuracy"
    """``test_accuracy``: share of the test split that is labelled rightly, from 0 to 1. ``training_loss``: mean
    cross-entropy of the epoch's steps in nats, label smoothing included, from 0."""
    reaches: float = Field(strict=False)
    """``test_accuracy``: at least this; ``training_loss``: at most this. Asked after every epoch."""


class Resources(Specification):
    """What a platform sets aside for the run. The trainer itself uses only the price."""

    instance_count: int = Field(default=1, ge=1, le=512)
    """Machines that run the job at the same time; ``local`` is one."""
    instance_type: str = "local"
    """As the platform names it: ``ml.g5.xlarge`` (SageMaker), ``g2-standard-4`` (Vertex AI), ``local``."""
    processes_per_instance: int = Field(default=1, ge=1, le=64)
    """Workers on each instance: its GPUs, or one."""
    accelerator_type: str | None = None
    """Of Vertex AI: such as ``NVIDIA_L4``."""
    accelerator_count: int = Field(default=0, ge=0, le=16)
    """Of Vertex AI: GPUs of each instance. 0: none, and ``accelerator_type`` is null."""
    volume_gib: int = Field(default=30, ge=1, le=16_384)
    """Disk of each instance, in GiB."""
    capacity: Literal["on_demand", "spot"] = "on_demand"
    """``spot``: cheaper instances that the platform may take back, after which it runs the job again, which resumes;
    ``local`` has ``on_demand`` alone."""
    usd_per_hour: float | None = Field(default=None, ge=0, strict=False)
    """Price of all instances together for an hour, in US dollars; null: unknown, and ``maximum_cost_usd`` cannot be
    kept."""


VariantName = Literal["float32", "float16", "int8_dynamic", "int8_static", "pruned_unstructured", "pruned_structured"]


class Variants(Specification):
    """What is tried on the trained model to make it smaller or faster, and which of it is exported."""

    names: tuple[VariantName, ...] = Field(default=("float32",), strict=False)
    """What is made, measured and compared; ``float32``, the model as trained, has to be among them. ``float16``: half
    the bits. ``int8_dynamic``: weights in 8 bits. ``int8_static``: activations, too, by ranges learned from training
    examples. ``pruned_unstructured``: the smallest weights are 0. ``pruned_structured``: whole channels are gone."""
    choose: Literal["float32", "smallest", "fastest"] = "float32"
    """Which one is exported: ``float32`` is the model as trained; the others are chosen among the variants that lose at
    most ``accuracy_loss``."""
    accuracy_loss: float = Field(default=0.01, ge=0, le=1, strict=False)
    """Share of the test split by which a chosen variant may be worse than the model as trained."""
    pruned_share: float = Field(default=0.5, gt=0, lt=1, strict=False)
    """Share of the weights (unstructured) or of the channels (structured) that pruning takes away."""
    publish: tuple[VariantName, ...] = Field(default=(), strict=False)
    """Which of ``names`` are published beside the one that is exported, each as ``model.NAME.onnx``, however accurate
    it is; one that cannot be made is not."""

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        if "float32" not in self.names:
            raise ValueError(
                "float32, the model as trained, has to be among the variants: the others are compared to it"
            )
        if others := [name for name in self.publish if name not in self.names]:
            raise ValueError(
                f"publish has {', '.join(others)}; only what is made can be published: {', '.join(self.names)}"
            )
        return self


class Report(Specification):
    """What is said about the trained model."""

    pictures: bool = True
    """Write the confusion matrix, the training curve and saliency maps (Captum) as PNG."""
    saliency_images: int = Field(default=8, ge=0, le=64)
    """Test images with a saliency map."""


class Privacy(Specification):
    """Differentially private training: DP-SGD (Abadi et al., arXiv:1607.00133) by Opacus."""

    target_epsilon: float = Field(gt=0, strict=False)
    """The budget: noise is chosen so that the whole run spends at most this."""
    delta: float = Field(gt=0, lt=1, strict=False)
    """Less than 1 / the number of training examples."""
    clip_norm: float = Field(default=1.0, gt=0, strict=False)
    """Largest norm of each example's gradient."""
