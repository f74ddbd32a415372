"""The settings of the workloads: what is trained and served, and what their pods ask a cluster for.

Pods are of a cluster: on one machine that is the stack's own, nothing is set aside for them.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from infra.accelerator_settings import Accelerator, Precision, accelerator_problem, precision_problem
from infra.cloud_setting_values import context
from infra.service_settings import (
    AuthenticationSettings,
    ExposureSettings,
    LimitSettings,
    ScalingSettings,
    secured_problem,
)
from infra.setting_types import Group, ImageByDigest, Port, Real, Truth, Whole, pattern, refuse, refuse_all
from infra.training_settings import (
    ComputationSettings,
    OptimizationSettings,
    PrivacySettings,
    ReportingSettings,
    RunLimitSettings,
    StrategySettings,
    TaskSettings,
    VariantSettings,
    unfit_for_privacy,
)

Capacity = Literal["cheapest", "on_demand", "spot", "reserved", "flex_start"]
"""How the nodes are bought that a workload runs on, and so which queue it waits in. cheapest: spot where a spot pool
fits, else flex_start, reserved, on_demand."""
Priority = Literal["low", "normal", "high"]
"""What goes first where not all can go at once: a higher priority takes the place of a lower one."""
POOL = r"^([a-z]([a-z0-9-]{0,18}[a-z0-9])?)?$"


def _part_of_memory(part: float, info: ValidationInfo) -> float:
    memory = info.data.get("memory_gib", part + 1)
    if part >= memory:
        raise refuse(f"must be less than memory_gib ({memory:g}), which it is a part of")
    return part


class JobPodSettings(Group):
    """The pods of the training job: one on each of its nodes, a worker for each GPU."""

    nodes: Whole = Field(default=1, ge=1, le=512)
    """Nodes that the job runs on at the same time."""
    gpus: Whole = Field(default=1, ge=0, le=16)
    """GPUs of each pod; 0: a CPU job of one worker a node."""
    gpu_memory_gib: Real = Field(default=0, ge=0, le=1024)
    """Least memory in GiB that each GPU has to have; 0: any."""
    cpus: Real = Field(default=3, gt=0, le=512)
    """CPUs of each pod."""
    memory_gib: Real = Field(default=10, gt=0, le=8192)
    """Memory of each pod in GiB, shared memory included."""
    shared_memory_gib: Real = Field(default=2, gt=0, le=1024)
    """Of that, the most in /dev/shm, where workers exchange tensors."""
    scratch_gib: Real = Field(default=20, gt=0, le=65536)
    """Room of each pod for files on its node, in GiB; it ends with the pod."""
    capacity: Capacity = "cheapest"
    """How its nodes are bought."""
    pool: Annotated[str, Field(pattern=POOL)] = ""
    """The only pool that it may run on; empty: any of that capacity."""
    zone: Literal["any", "one", "spread"] = "one"
    """Whether its nodes are all in one zone, which is faster and costs nothing between them, or spread over several."""
    priority: Priority = "normal"
    retries: Whole = Field(default=3, ge=0, le=100)
    """Times that the part of each node is run again after a failure of its own. Interruptions do not count."""
    keep_finished_hours: Whole = Field(default=24, ge=0, le=8760)
    """Hours after which a finished job, its pods and their logs are removed."""
    wait_hours: Real = Field(default=12, gt=0, le=720)
    """Hours that `up` waits for the job to get its nodes and to end."""

    @field_validator("shared_memory_gib")
    @classmethod
    def _memory_has_room(cls, shared: float, info: ValidationInfo) -> float:
        return _part_of_memory(shared, info)


class TrainingSettings(Group):
    """The training job."""

    enabled: Truth = True
    """Whether to train, and to serve what was trained; without, there is the platform alone."""
    processes: Whole = Field(default=2, ge=1, le=64)
    """Workers on one machine, parameter servers included; on a cluster there is one for each GPU (see `pods`)."""
    epochs: Whole = Field(default=12, ge=1, le=1000)
    """Passes over the training images."""
    global_batch_size: Whole = Field(default=64, ge=1, le=65536)
    """Images in one step, over all workers; a multiple of `dataset_shards`."""
    learning_rate: Real = Field(default=0.01, gt=0, le=1)
    """Step size of the optimiser."""
    checkpoint_every_steps: Whole = Field(default=50, ge=1, le=1_000_000)
    """Steps between two checkpoints: what an interruption costs at most."""
    keep_checkpoints: Whole = Field(default=3, ge=1, le=100)
    """Checkpoints kept; older ones are removed."""
    max_runtime_minutes: Whole = Field(default=15, ge=1, le=10_080)
    """Minutes after which the job stops, leaving a checkpoint."""
    target_accuracy: Real = Field(default=0.97, ge=0, le=1)
    """Fraction of the test images that a model must label rightly to be released."""
    seed: Whole = Field(default=7, ge=0, le=2**32 - 1)
    """Seed of everything random."""
    dataset_shards: Whole = Field(default=8, ge=1, le=64)
    """Objects that the training images are stored as; a multiple of the number of workers."""
    pods: JobPodSettings = JobPodSettings()
    """What it asks a cluster for."""
    task: TaskSettings = TaskSettings()
    """What is trained."""
    strategy: StrategySettings = StrategySettings()
    """How the work is shared."""
    optimization: OptimizationSettings = OptimizationSettings()
    """How weights are learned."""
    computation: ComputationSettings = ComputationSettings()
    """How the numbers are computed."""
    limits: RunLimitSettings = RunLimitSettings()
    """When it ends early."""
    privacy: PrivacySettings = PrivacySettings()
    """Whether it is differentially private."""
    variants: VariantSettings = VariantSettings()
    """What of the model is released."""
    reporting: ReportingSettings = ReportingSettings()
    """What is written meanwhile."""

    @property
    def workers(self) -> int:
        """Processes on a cluster: data-parallel workers, parameter servers included."""
        return self.pods.nodes * max(self.pods.gpus, 1)

    @model_validator(mode="after")
    def _parts_fit(self, info: ValidationInfo) -> Self:
        on_cluster = (info.context or {}).get("cloud", "local") != "local"
        found = [*self._uneven_shares(on_cluster=on_cluster), *self._unfit_computation(on_cluster=on_cluster)]
        if 0 < self.limits.stop_at_accuracy < self.target_accuracy:
            told = f"must be 0 or at least target_accuracy ({self.target_accuracy:g}), below which nothing is released"
            found.append(("limits.stop_at_accuracy", told))
        if self.privacy.target_epsilon:
            found += unfit_for_privacy(self.strategy, self.optimization, self.computation, self.variants)
        if found:
            raise refuse_all(found)
        return self

    def _uneven_shares(self, *, on_cluster: bool) -> Iterator[tuple[str, str]]:
        """What cannot be dealt out evenly: shards, streams, batch and workers."""
        processes, told = (self.workers, "workers, one for each GPU") if on_cluster else (self.processes, "processes")
        valid = "that" if on_cluster else "processes"
        workers = processes
        if self.strategy.kind == "parameter_servers":
            workers = processes - self.strategy.servers
            told = f"computing workers ({processes} {told}, less strategy.servers)"
            valid = "their number"
            if workers < 1:
                yield (
                    "strategy.servers",
                    f"must be less than the job's {processes} processes, of which the others compute",
                )
                return
        shards, streams = self.dataset_shards, self.task.streams or self.dataset_shards
        if shards % streams:
            yield "task.streams", f"must divide dataset_shards ({shards}), or be 0"
        elif shards % workers:
            problem = f"{shards} shards cannot be shared evenly by {workers} {told}; must be a multiple of {valid}"
            yield "dataset_shards", problem
        elif streams % workers:
            yield "task.streams", f"cannot be shared evenly by {workers} {told}; must be a multiple of {valid}, or 0"
        if self.global_batch_size % streams:
            whole = "task.streams" if self.task.streams else "dataset_shards"
            yield (
                "global_batch_size",
                f"{self.global_batch_size} images cannot be drawn evenly from {streams} "
                f"{'streams' if self.task.streams else 'shards'}; must be a multiple of {whole}",
            )

    def _unfit_computation(self, *, on_cluster: bool) -> Iterator[tuple[str, str]]:
        if self.computation.precision != "float16":
            return
        if self.strategy.kind == "parameter_servers":
            yield "computation.precision", "must be float32 or bfloat16 where strategy.kind is parameter_servers"
        elif on_cluster and not self.pods.gpus:
            yield "computation.precision", "must be float32 or bfloat16 where pods.gpus is 0: float16 is for GPUs"


class ServicePodSettings(Group):
    """The pods of the inference service."""

    gpus: Whole = Field(default=0, ge=0, le=16)
    """Whole GPUs of each pod; 0: it runs on CPUs, or on a slice of a GPU."""
    mig_profile: Annotated[str, Field(pattern=r"^(\d+g\.\d+gb)?$")] = ""
    """Slice of a GPU instead of a whole one, such as 1g.5gb; empty: none. The device plugin has to cut GPUs so."""
    gpu_memory_gib: Real = Field(default=0, ge=0, le=1024)
    """Least memory in GiB that the GPU has to have, or that the model needs on it; 0: any."""
    cpus: Real = Field(default=1, gt=0, le=512)
    """CPUs of each pod's server."""
    memory_gib: Real = Field(default=2, gt=0, le=8192)
    """Memory of each pod's server in GiB, the model's files included, which lie in memory."""
    model_gib: Real = Field(default=0.5, gt=0, le=1024)
    """Of that, the most that the files of all releases' models take together, in GiB. How large a model is shows when
    it has been trained: a pod whose models have no room does not become ready and says so."""
    capacity: Capacity = "on_demand"
    """How the nodes of pods with GPUs are bought. Spot nodes end at two minutes' notice."""
    pool: Annotated[str, Field(pattern=POOL)] = ""
    """The only pool that pods with GPUs may run on; empty: any of that capacity."""
    priority: Priority = "high"

    @field_validator("mig_profile")
    @classmethod
    def _slice_or_whole(cls, profile: str, info: ValidationInfo) -> str:
        if profile and info.data.get("gpus"):
            raise refuse("must be empty where gpus is more than 0: a slice is instead of whole GPUs")
        if profile and context(info, "cloud") == "gcp":
            raise refuse("must be empty where trainyard:cloud is gcp: GKE offers a slice as one of gpus, in its pool")
        return profile

    @field_validator("gpu_memory_gib")
    @classmethod
    def _slice_is_large_enough(cls, memory: float, info: ValidationInfo) -> float:
        profile = info.data.get("mig_profile", "")
        if profile and memory > (most := int(profile.partition(".")[2].removesuffix("gb"))):
            raise refuse(f"must be {most} or less: the slice {profile} has no more")
        return memory

    @field_validator("model_gib")
    @classmethod
    def _memory_has_room(cls, model: float, info: ValidationInfo) -> float:
        return _part_of_memory(model, info)


TRAINED = "trained"
"""In place of a run's name: the run that the stack has trained."""
LARGEST_VERSION = 999_999


class ReleaseSettings(Group):
    """A run's model as one version of the service's model."""

    version: Whole = Field(default=1, ge=1, le=LARGEST_VERSION)
    """What clients name it by."""
    run: Annotated[str, pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", f"{TRAINED}, or the name of a run")] = TRAINED
    """The run that has trained it: trained, or the name of an earlier run of the same job."""
    variant: str = Field(default="", max_length=64)
    """Which of the variants that the run has published; empty: the one that it has chosen."""
    percent: Whole = Field(default=100, ge=0, le=100)
    """Its share of the requests that name no version; with 0 it answers only those that name it."""


class ServingSettings(Group):
    """The inference service."""

    enabled: Truth = True
    """Whether to serve the trained model."""
    releases: Annotated[tuple[ReleaseSettings, ...], Field(max_length=16)] = ()
    """Which runs' models are served side by side, and by what shares; empty: the trained one as version 1."""
    http_port: Port = 0
    """TCP port on one machine of the KServe v2 protocol over HTTP; 0 chooses a free one. In a cluster, pods have
    addresses of their own, and ports are always the same."""
    grpc_port: Port = 0
    """TCP port on one machine of the KServe v2 protocol over gRPC; 0 chooses a free one."""
    metrics_port: Port = 0
    """TCP port on one machine of the Prometheus metrics; 0 chooses a free one."""
    max_batch_size: Whole = Field(default=64, ge=1, le=4096)
    """Images that the service may put into one batch."""
    queue_delay_microseconds: Whole = Field(default=500, ge=0, le=1_000_000)
    """Microseconds that a request may wait for others to share its batch."""
    max_queue_size: Whole = Field(default=0, ge=0, le=1_000_000)
    """Requests that may wait for the model in each server, what is more is refused at once; 0: any number. In a cluster
    the front bounds what is in a pod. A bound here costs stalls of half a second under load."""
    queue_timeout_microseconds: Whole = Field(default=0, ge=0, le=3_600_000_000, validate_default=True)
    """Microseconds after which a request that still waits is refused; 0: never."""
    pods: ServicePodSettings = ServicePodSettings()
    """What each of its pods asks a cluster for."""
    response_cache_bytes: Whole = Field(default=0, ge=0, le=2**40)
    """Memory of each server for answers to inputs that were seen before; 0: none."""
    accelerator: Accelerator = "none"
    """What runs the model on the pods' GPUs: none (ONNX Runtime's own kernels) or tensorrt (docs/accelerators.md)."""
    precision: Precision = Field(default="fp32", validate_default=True)
    """What TensorRT may compute in; int8 is for releases of the variant int8_static."""
    accelerator_workspace_mib: Whole = Field(default=1024, ge=1, le=1_048_576)
    """GPU memory in MiB that each layer of a model may take for its work in TensorRT."""
    executions_at_once: Whole = Field(default=0, ge=0, le=1024)
    """Models that each server runs at the same time on a device, over all releases and the steps for images; 0: any
    number."""
    images: Truth = True
    """Whether JPEG, PNG and WebP files are taken, too, where the model's input is an image."""
    scaling: ScalingSettings = ScalingSettings()
    """How many pods."""
    exposure: ExposureSettings = Field(default=ExposureSettings(), validate_default=True)
    """From where it is reached in a cluster."""
    authentication: AuthenticationSettings = AuthenticationSettings()
    """Who may ask it. On one machine jwt is a token that the stack makes, and mtls is refused."""
    front_image: ImageByDigest = ""
    """In a cluster, what asks who a client is: Envoy 1.40 (docker.io/envoyproxy/envoy) by its digest. Has to be set."""
    limits: LimitSettings = LimitSettings()
    """How much a pod, or the service on one machine, takes on."""

    @field_validator("releases")
    @classmethod
    def _releases_fit_together(cls, releases: tuple[ReleaseSettings, ...]) -> tuple[ReleaseSettings, ...]:
        versions = [release.version for release in releases]
        if repeated := sorted({version for version in versions if versions.count(version) > 1}):
            raise refuse(f"must have versions that differ, found more than once: {', '.join(map(str, repeated))}")
        if releases and (total := sum(release.percent for release in releases)) != 100:
            raise refuse(f"must have percents that add up to 100, found {total}")
        return releases

    @field_validator("queue_timeout_microseconds")
    @classmethod
    def _timeout_is_after_delay(cls, timeout: int, info: ValidationInfo) -> int:
        delay = info.data.get("queue_delay_microseconds", 0)
        if 0 < timeout <= delay:
            raise refuse(f"must be 0 or more than queue_delay_microseconds ({delay}), or a lone request is refused")
        return timeout

    @field_validator("response_cache_bytes")
    @classmethod
    def _cache_has_room(cls, size: int, info: ValidationInfo) -> int:
        pods = info.data.get("pods")
        if pods is not None and (info.context or {}).get("cloud", "local") != "local":
            room = int((pods.memory_gib - pods.model_gib) * 2**30)
            if size >= room:
                raise refuse(f"must be less than {room}, which pods.memory_gib leaves beside pods.model_gib")
        return size

    @field_validator("accelerator")
    @classmethod
    def _accelerator_has_a_gpu(cls, accelerator: Accelerator, info: ValidationInfo) -> Accelerator:
        pods = info.data.get("pods")
        on_cluster = (info.context or {}).get("cloud", "local") != "local"
        gpu = None if pods is None else bool(pods.gpus or pods.mig_profile)
        if problem := accelerator_problem(accelerator, on_cluster=on_cluster, gpu=gpu):
            raise refuse(problem)
        return accelerator

    @field_validator("precision")
    @classmethod
    def _precision_is_of_the_releases(cls, precision: Precision, info: ValidationInfo) -> Precision:
        if "accelerator" in info.data and "releases" in info.data:
            releases = info.data["releases"] or (ReleaseSettings(),)
            variants = {release.version: release.variant for release in releases}
            if problem := precision_problem(precision, info.data["accelerator"], variants):
                raise refuse(problem)
        return precision

    @field_validator("scaling")
    @classmethod
    def _metric_exists(cls, scaling: ScalingSettings, info: ValidationInfo) -> ScalingSettings:
        pods = info.data.get("pods")
        if scaling.metric == "gpu" and pods is not None and not (pods.gpus or pods.mig_profile):
            raise refuse("must be queue or cpu where the pods have no GPU", field="metric")
        return scaling

    @field_validator("exposure")
    @classmethod
    def _demand_is_seen(cls, exposure: ExposureSettings, info: ValidationInfo) -> ExposureSettings:
        scaling = info.data.get("scaling")
        if scaling is not None and scaling.to_zero and not scaling.demand_query and exposure.kind != "gateway":
            raise refuse(
                "must be gateway where scaling.to_zero is true and scaling.demand_query is empty: "
                "without a pod nobody else sees a request",
                field="kind",
            )
        return exposure

    @field_validator("authentication")
    @classmethod
    def _clients_are_known(cls, authentication: AuthenticationSettings, info: ValidationInfo) -> AuthenticationSettings:
        exposure = info.data.get("exposure")
        if exposure is not None and (found := secured_problem(exposure, authentication)):
            field, problem = found
            raise refuse(problem, field=field)
        return authentication

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        chosen = [port for port in (self.http_port, self.grpc_port, self.metrics_port) if port]
        if len(chosen) != len(set(chosen)):
            raise refuse("http_port, grpc_port and metrics_port must differ (or be 0)")
        return self
