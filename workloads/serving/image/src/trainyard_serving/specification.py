"""What a service is asked to do: the specification file."""

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from trainyard_artifacts.manifest import ObjectName
from trainyard_artifacts.specification import KeyUri, Specification
from trainyard_serving.release import Releases

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Port = Annotated[int, Field(ge=1, le=65_535)]
HTTP_SOCKET, GRPC_SOCKET, METRICS_SOCKET = "http", "grpc", "metrics"
"""The sockets in ``socket_dir``. Triton appends ``:`` and its port to the name of the one for gRPC."""
LONGEST_SOCKET_PATH = 107
"""Bytes that the path of a Unix socket may have, https://man7.org/linux/man-pages/man7/unix.7.html."""


def _absolute_path(path: str) -> str:
    if not Path(path).is_absolute():
        raise ValueError("expected an absolute path")
    return path


def _address(address: str) -> str:
    try:
        ipaddress.IPv4Address(address)
    except ValueError:
        raise ValueError("expected an IPv4 address, for example 127.0.0.1 or 0.0.0.0") from None
    return address


def _room_for_sockets(path: str) -> str:
    longest = LONGEST_SOCKET_PATH - len(f"/{GRPC_SOCKET}:65535")
    if len(os.fsencode(path)) > longest:
        raise ValueError(f"expected a path of {longest} bytes at the most: those of Unix sockets are short")
    return path


class ServiceSpecification(Specification):
    """Which models are served, and how."""

    service: Name
    """For people: names the service in the log."""
    job: ObjectName
    """The job that the manifests of all releases have to be of."""
    releases: Releases
    """The runs whose models are served, each as a version."""
    encryption_key_uri: KeyUri
    """The key-encryption key that the manifests have to name."""
    model_name: Name
    """What clients call the model."""
    http_port: Port
    """KServe v2 over HTTP."""
    grpc_port: Port
    """KServe v2 over gRPC."""
    metrics_port: Port
    """Prometheus metrics, at ``/metrics``."""
    work_dir: Annotated[str, AfterValidator(_absolute_path)]
    """A directory of this service's own; it is made if need be. Whoever named it removes it. It never holds the model
    (see ``sealed_file``), only what describes it, unless fetching is apart from serving: then it is in memory (see
    ``memory_files``)."""
    max_batch_size: int = Field(ge=1, le=65_536)
    """Images that one request, or requests batched together, may have."""
    queue_delay_microseconds: int = Field(ge=0, le=10_000_000)
    """So long a request may wait for others to be batched with."""
    max_queue_size: int = Field(default=0, ge=0, le=1_000_000)
    """Requests that may wait, what is more is refused at once, as unavailable; 0 for any number. Any bound of the queue
    costs Triton's batcher stalls of half a second under load (docs/serving.md)."""
    queue_timeout_microseconds: int = Field(default=0, ge=0, le=3_600_000_000)
    """A request that has waited longer is refused, as unavailable; 0 for never."""
    response_cache_bytes: int = Field(default=0, ge=0, le=2**40)
    """Memory for answers to inputs that were seen before; 0 for none. Right as long as the same input has the same
    answer, which holds for the models that training publishes."""
    images: bool = True
    """Whether image files are taken, too, by ``MODEL_NAME-image``, where the model's input is an image (see
    ``image_models``). That is two processes more."""
    listen_address: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    """Only this machine reaches the default. In a cluster, too: the pod's authenticating front passes requests on."""
    socket_dir: Annotated[str, AfterValidator(_absolute_path), AfterValidator(_room_for_sockets)] | None = None
    """A directory, of this service's own and its owner's only, for Unix sockets: tritonserver then listens on them
    (``http``, ``grpc:GRPC_PORT`` and ``metrics``) and on no port, and the process stays its parent, which exchanges the
    releases while the service runs (see ``supervised_server``)."""
    runtime_dir: Annotated[str, AfterValidator(_absolute_path)] | None = None
    """Another directory for what tritonserver is started with, where ``work_dir`` cannot be written."""
    device: Literal["cpu", "gpu"] = "cpu"
    """With gpu, each GPU has instances of its own, and tritonserver does not start without one."""
    instances: int = Field(default=1, ge=1, le=64)
    """Processes that run the model at the same time, for each device."""
    accelerator: Literal["none", "tensorrt"] = "none"
    """What runs the model on a GPU: CUDA's kernels as they are, or engines that TensorRT builds of the model when it is
    loaded, which takes seconds to minutes. No GPU has run this (docs/accelerators.md)."""
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    """What TensorRT may compute in; int8 is for models that are quantised statically."""
    accelerator_workspace_mib: int = Field(default=1024, ge=1, le=1_048_576)
    """GPU memory in MiB that a layer may take for its work in TensorRT."""
    engine_dir: Annotated[str, AfterValidator(_absolute_path)] | None = None
    """A directory in memory where TensorRT's engines are kept for other processes of the service and for its next
    start; null: each builds its own. They hold the model's weights in clear text. Whoever named it removes it."""
    executions_at_once: int = Field(default=0, ge=0, le=1024)
    """Models that run at the same time on a device, over all releases and the steps for images; 0 for any number."""
    drain_seconds: int = Field(default=30, ge=0, le=3600)
    """After SIGTERM, so long requests in flight are waited for."""

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        ports = {"http_port": self.http_port, "grpc_port": self.grpc_port, "metrics_port": self.metrics_port}
        if len(set(ports.values())) < len(ports):
            found = ", ".join(f"{name} {port}" for name, port in ports.items())
            raise ValueError(f"the three ports must differ, found {found}")
        return self

    @model_validator(mode="after")
    def _accelerator_has_a_device(self) -> Self:
        if self.accelerator != "none" and self.device != "gpu":
            raise ValueError(f"accelerator is {self.accelerator}, which runs on GPUs, and device is {self.device}")
        if self.precision != "fp32" and self.accelerator == "none":
            raise ValueError(
                f"precision is {self.precision}, which is for accelerator tensorrt, and accelerator is none: there the"
                " model's own file says what it is computed in"
            )
        return self

    @model_validator(mode="after")
    def _timeout_is_after_delay(self) -> Self:
        if 0 < self.queue_timeout_microseconds <= self.queue_delay_microseconds:
            raise ValueError(
                f"queue_timeout_microseconds ({self.queue_timeout_microseconds}) must be 0 or more than"
                f" queue_delay_microseconds ({self.queue_delay_microseconds}), or a lone request is always refused"
            )
        return self
