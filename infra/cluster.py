"""The seam between a workload and what runs it: a job or a service, told without naming a cloud.

The Kubernetes implementation makes Jobs and Deployments of these specifications, the local one processes. The same
specification document drives the same entry point in both.
"""

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pulumi

from infra.service_settings import AuthenticationSettings, ExposureSettings, LimitSettings, ScalingSettings
from infra.workload_settings import JobPodSettings, ServicePodSettings

SMALL_JOB = JobPodSettings(gpus=0, cpus=1, memory_gib=2, shared_memory_gib=0.5, scratch_gib=5, zone="any")
SMALL_SERVICE = ServicePodSettings()
SCALED_BY_DEFAULT = ScalingSettings()
REACHED_BY_DEFAULT = ExposureSettings()
ASKED_BY_DEFAULT = AuthenticationSettings()
LIMITED_BY_DEFAULT = LimitSettings()


@dataclass(frozen=True)
class EntryPoint:
    """What runs: a container image where there are containers, a Python module where there are processes."""

    image: str
    """Name of the image without registry and tag; the platform adds both."""
    module: str
    """Python module, run as `python -m MODULE`."""
    packages: tuple[str, ...]
    """Packages that decide what is computed: when the source of one changes, the work is done anew."""
    launcher: str = "torch.distributed.run"
    """Python module that starts a distributed run; it takes torchrun's arguments."""
    obstacle: str | None = None
    """`MODULE:FUNCTION` that tells why a process cannot run on this machine, or None, given its environment.

    Asked only where the entry point runs as a process of this machine: an image brings what it needs.
    """
    shared_memory: str | None = None
    """`MODULE:FUNCTION` that tells what the names of a service's POSIX shared memory begin with, given its `work_dir`;
    None: it makes none that could outlive it.

    Asked only where the entry point runs as a process of this machine: a container's shared memory ends with it.
    """

    def version(self) -> str:
        """A digest of the packages' sources, standing for the image's digest. Raises ModuleNotFoundError."""
        digest = hashlib.sha256()
        for package in self.packages:
            found = importlib.util.find_spec(package)
            if found is None or not found.submodule_search_locations:
                raise ModuleNotFoundError(f"package {package} is not installed; `make setup` installs it")
            for folder in sorted(found.submodule_search_locations):
                for source in sorted(Path(folder).rglob("*.py")):
                    digest.update(f"{package}/{source.relative_to(folder).as_posix()}\0".encode())
                    digest.update(hashlib.sha256(source.read_bytes()).digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class JobSpecification:
    """Work that ends."""

    entry_point: EntryPoint
    document: pulumi.Input[Mapping[str, Any]]
    """What to do: handed over as a JSON file whose path is the last argument."""
    identity: str
    """Which of the platform's identities the job acts as."""
    deadline_seconds: int
    """Seconds that it may work, after which it is asked to stop."""
    grace_seconds: int = 30
    """Seconds from being asked to stop to being killed."""
    processes: int | None = None
    """Data-parallel workers of a distributed run on one machine (see `EntryPoint.launcher`); None: one process that is
    on its own. On a cluster there is a worker for each GPU of `pods`."""
    pods: JobPodSettings = SMALL_JOB
    """What it asks a cluster for; not looked at where a machine is not shared."""
    run_again_codes: tuple[int, ...] = ()
    """Exit codes of a process that stopped where it can go on: run again, and not counted as a failure."""
    hopeless_codes: tuple[int, ...] = ()
    """Exit codes after which running again cannot help."""
    arguments: tuple[str, ...] = ()
    """Arguments before the document's path."""
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Environment variables beside those that the platform sets. Nothing secret."""


@dataclass(frozen=True)
class ServiceSpecification:
    """Work that goes on until it is told to stop: a server of the KServe v2 protocol, by HTTP and by gRPC."""

    entry_point: EntryPoint
    document: pulumi.Input[Mapping[str, Any]]
    """What to serve: handed over as a JSON file.

    The platform adds `NAME_port` for each port; `work_dir`, a folder of the service's own; and `drain_seconds`, how
    long to wait for requests in flight when asked to stop. A cluster adds, too: `runtime_dir`, a second folder, for
    what the server is started with, and `device`, cpu or gpu. One machine adds `socket_dir`: a folder, which only this
    user can enter, for Unix sockets to listen on instead of the ports, which are its front's.
    """
    identity: str
    """Which of the platform's identities the service acts as."""
    ports: Mapping[str, int]
    """TCP ports by name (`http`, `grpc` and `metrics`); 0 lets the platform choose."""
    readiness_path: str
    """Path that answers 200 on port `http` as soon as the service can be used."""
    liveness_path: str = ""
    """Path that answers 200 there unless only a new start can help; empty: that of readiness."""
    fetch_arguments: tuple[str, ...] = ()
    """Arguments by which the entry point only fetches what is served, into `work_dir`: a cluster runs that apart from
    what answers requests."""
    serve_arguments: tuple[str, ...] = ()
    """Arguments by which it then only serves what is there, without any credential."""
    pods: ServicePodSettings = SMALL_SERVICE
    """What each of its pods asks a cluster for; neither this nor the next two are looked at on one machine."""
    scaling: ScalingSettings = SCALED_BY_DEFAULT
    """How many pods."""
    exposure: ExposureSettings = REACHED_BY_DEFAULT
    """From where it is reached."""
    authentication: AuthenticationSettings = ASKED_BY_DEFAULT
    """Who may ask it."""
    limits: LimitSettings = LIMITED_BY_DEFAULT
    """How much a pod or a process takes on, and how long it goes on answering when it is to end."""
    reread: tuple[str, ...] = ("releases",)
    """Keys of the document that a running process takes over at SIGHUP, where it is a process of this machine. It tells
    what became of it in `releases.json` in its `work_dir`: `document_sha256`, of the document's bytes, and `error`."""
    readiness_deadline_seconds: int = 120
    """Seconds that the service has to become ready."""
    grace_seconds: int = 30
    """Seconds from being asked to stop to being killed."""
    arguments: tuple[str, ...] = ()
    """Arguments before the document's path."""
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Environment variables beside those that the platform sets. Nothing secret."""


@dataclass(frozen=True)
class Job:
    """A job that has been asked for."""

    resource: pulumi.Input[pulumi.Resource]
    """What to depend on to run after the job has succeeded.

    Not its exit code: a property that is made of it would be unknown while the job runs, and what cannot be changed in
    place would be gone until then.
    """
    exit_code: pulumi.Output[int]
    """0, known when the job is done; a job that fails fails the deployment."""


@dataclass(frozen=True)
class Service:
    """A service that has been asked for."""

    resource: pulumi.Resource
    """What to depend on to run after the service is ready."""
    endpoints: pulumi.Output[Mapping[str, str]]
    """`HOST:PORT` by the port's name, known when the service is ready."""
    encrypted: bool = False
    """Whether clients have to speak TLS."""
    token: pulumi.Output[str] | None = None
    """What clients have to show; None: nothing, or what others give them. A secret."""


class Cluster(Protocol):
    """Runs jobs and services."""

    def obstacle(self, entry_point: EntryPoint) -> str | None:
        """Why an entry point cannot run here, in a sentence; None if it can."""
        ...

    def run_job(self, name: str, job: JobSpecification, opts: pulumi.ResourceOptions | None = None) -> Job:
        """Runs a job and waits until it is done. What was done before with the same specification is not run again."""
        ...

    def run_service(
        self, name: str, service: ServiceSpecification, opts: pulumi.ResourceOptions | None = None
    ) -> Service:
        """Starts a service and waits until it is ready."""
        ...
