"""What a service is asked to do: the specification file."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from trainyard_artifacts.manifest import ObjectName
from trainyard_artifacts.specification import KeyUri, Specification
from trainyard_artifacts.storage import StorageError, split_object_uri

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Port = Annotated[int, Field(ge=1, le=65_535)]


def _object_uri(uri: str) -> str:
    try:
        split_object_uri(uri)
    except StorageError:
        raise ValueError("expected the URI of an object, for example s3://BUCKET/FOLDER/manifest.json") from None
    return uri


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


class ServiceSpecification(Specification):
    """Which model is served, and how."""

    service: Name
    """For people: names the service in the log."""
    manifest_uri: Annotated[str, AfterValidator(_object_uri)]
    """The manifest of the run whose model is served."""
    job: ObjectName
    run: ObjectName
    """The job and run that the manifest has to be of."""
    encryption_key_uri: KeyUri
    """The key-encryption key that the manifest has to name."""
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
    listen_address: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    """Only this machine reaches the default. In a cluster, too: the pod's authenticating front passes requests on."""
    runtime_dir: Annotated[str, AfterValidator(_absolute_path)] | None = None
    """Another directory for what tritonserver is started with, where ``work_dir`` cannot be written."""
    device: Literal["cpu", "gpu"] = "cpu"
    """With gpu, each GPU has instances of its own, and tritonserver does not start without one."""
    instances: int = Field(default=1, ge=1, le=64)
    """Processes that run the model at the same time, for each device."""
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
    def _timeout_is_after_delay(self) -> Self:
        if 0 < self.queue_timeout_microseconds <= self.queue_delay_microseconds:
            raise ValueError(
                f"queue_timeout_microseconds ({self.queue_timeout_microseconds}) must be 0 or more than"
                f" queue_delay_microseconds ({self.queue_delay_microseconds}), or a lone request is always refused"
            )
        return self
