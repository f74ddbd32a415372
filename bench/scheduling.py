"""Scheduling at scale: a fleet's worth of pods on a fleet's worth of nodes, on the control plane that the tests use.

The control plane is real, the nodes are kwok's: objects, whose pods run at once and cost nothing. So this measures what
a cluster's own programs do, all of them on this one machine, with etcd's data not flushed to disk; not networks, images
or machines that start. Jobs are submitted all at once; measured is the time until the last of their pods is bound to a
node, with the rate limits that Kubernetes' programs set themselves by default, and with raised ones.

The floor is the time in which the API server and etcd alone take as many pods that name their node already, written by
a few connections.
"""

import http.client
import itertools
import json
import re
import ssl
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.errors import BenchError
from bench.machine import describe_machine, usable_cores
from bench.results import Comparison, Result, Unit
from engine.durable_files import replace_file
from planning.pictures import BLUE, GREY, ORANGE, picture_bytes
from tests.controlplane.api import Manifest
from tests.controlplane.build import PROGRAMS, Build, find_or_build, unavailable
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.processes import free_port
from tests.controlplane.programs import node_manifest

NAME = "scheduling"
NODES = 1000
PODS = 10_000
PODS_OF_A_JOB = 200
GPUS_OF_A_NODE = 16
"""So that the pods, of one GPU each, fill five eighths of the fleet. Such nodes there are: Google's a2-megagpu-16g."""
STEPS = 8
PICTURE = Path(__file__).resolve().parent / "scheduling.svg"

CONTROLLER_MANAGER, SCHEDULER = "kube-controller-manager", "kube-scheduler"

_GPU = "nvidia.com/gpu"
_ZONES = ("zone-a", "zone-b", "zone-c")
_CONNECTIONS = 8
_SAMPLE_SECONDS = 0.25
_PAUSE_SECONDS = 1.0
_LONGEST_SECONDS = 3600.0
_RATE_SECONDS = 2.0
_ALWAYS = 0.9
"""From here on, something is taken to be busy all the time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many requests a second the programs allow themselves, and in a burst."""

    name: str
    controllers: tuple[int, int]
    """For each controller: they have a client each."""
    scheduler: tuple[int, int]

    def flags(self, ports: Mapping[str, int]) -> dict[str, Sequence[str]]:
        """The flags that set them, and that make the programs tell their metrics on these ports of 127.0.0.1."""
        return {
            program: (
                f"--kube-api-qps={rate}",
                f"--kube-api-burst={burst}",
                f"--secure-port={ports[program]}",
                "--bind-address=127.0.0.1",
                "--authorization-always-allow-paths=/metrics",
            )
            for program, (rate, burst) in ((CONTROLLER_MANAGER, self.controllers), (SCHEDULER, self.scheduler))
        }


DEFAULT = Limits("default", controllers=(20, 30), scheduler=(50, 100))
"""What the programs' --help says of Kubernetes 1.36. Amazon EKS "runs these components with default upstream Kubernetes
settings" (EKS User Guide, "Advanced Kubernetes control plane configuration") and lets nobody set these."""
RAISED = Limits("raised", controllers=(1000, 2000), scheduler=(1000, 2000))


@dataclass(slots=True)
class Measured:
    """What one run on one control plane showed."""

    limits: Limits
    nodes_seconds: float = 0.0
    """Until the controllers took all nodes for ready, which were created at once."""
    samples: list[tuple[float, int, int]] = field(default_factory=list)
    """Seconds since the Jobs were submitted, pods created, pods bound."""
    cores: dict[str, float] = field(default_factory=dict)
    """How many cores each program kept busy, on average."""
    busy: float = 0.0
    """How many cores of the machine were busy, on average, with whatever."""
    waiting: dict[str, float] = field(default_factory=dict)
    """How many requests of a program waited for its own rate limit at any time, on average."""

    def seconds(self, share: float = 1.0) -> float:
        """When this share of all pods was bound."""
        bound = share * self.samples[-1][2]
        return next(at for at, _, count in self.samples if count >= bound)

    def limit(self, cores: int) -> str:
        """What kept it from being faster on a machine with so many cores, in words."""
        most = max(self.waiting, key=lambda program: self.waiting[program])
        if self.waiting[most] >= _ALWAYS:
            return f"the rate limit that {most} sets itself"
        busiest = max(self.cores, key=lambda program: self.cores[program])
        taken = f"{busiest} takes {self.cores[busiest]:.1f} cores"
        if self.busy < _ALWAYS * cores:
            return f"the programs' waiting for one another; {taken}"
        others = self.busy - sum(self.cores.values())
        return f"the machine: all {cores} cores are busy; {taken}, what is not measured {max(0.0, others):.1f}"


def missing() -> str | None:
    """Why this cannot be measured on this machine; None where it can."""
    return unavailable()


def measure_scheduling(
    folder: Path,
    progress: Callable[[str], None],
    *,
    nodes: int = NODES,
    pods: int = PODS,
    variants: Sequence[Limits] = (RAISED, DEFAULT),
    picture: Path = PICTURE,
) -> list[Result]:
    """Measures all variants and draws the picture; nothing is written to `folder`.

    Raises BenchError where there is no control plane to be had, or where pods are bound where they should not be.
    """
    if reason := missing():
        raise BenchError(reason)
    progress("the control plane's programs")
    build = find_or_build(lambda _: None)
    progress(f"{pods:,} pods that name their node")
    floor = _floor(build, pods)
    runs = []
    for limits in variants:
        progress(f"{limits.name} rate limits, {nodes:,} nodes")
        run = _measure(build, limits, nodes, pods, progress)
        progress(f"{limits.name} rate limits, done in {run.seconds():.0f} s; the limit is {run.limit(usable_cores())}")
        runs.append(run)
    drawn = draw(runs, floor, picture.suffix)
    replace_file(picture, drawn)
    return results(runs, floor)


def results(runs: Sequence[Measured], floor: float) -> list[Result]:
    """The results of all runs, beside the floor in seconds."""
    found: list[Result] = []

    def add(name: str, value: float, unit: Unit, compared: bool = False) -> None:
        comparison = Comparison(what="API server alone", value=floor) if compared else None
        machine = describe_machine()
        found.append(Result(name=f"{NAME}/{name}", value=value, unit=unit, compared_with=comparison, machine=machine))

    for run in runs:
        add(f"{run.limits.name}/nodes-ready", run.nodes_seconds, "s")
        add(f"{run.limits.name}/half-bound", run.seconds(0.5), "s")
        add(f"{run.limits.name}/all-bound", run.seconds(), "s", compared=True)
        for program, cores in (run.cores | {"machine": run.busy}).items():
            add(f"{run.limits.name}/cores/{program}", cores, "x")
        for program, waiting in run.waiting.items():
            add(f"{run.limits.name}/waiting/{program}", waiting, "x")
    return found


def jobs(namespace: str, pods: int) -> Iterator[Manifest]:
    """Indexed Jobs with so many pods in all, of one GPU each."""
    for number, first in enumerate(range(0, pods, PODS_OF_A_JOB)):
        size = min(PODS_OF_A_JOB, pods - first)
        yield {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": f"training-{number}", "namespace": namespace},
            "spec": {
                "completionMode": "Indexed",
                "completions": size,
                "parallelism": size,
                "template": {"spec": pod_spec()},
            },
        }


def pod_spec() -> Manifest:
    """A training pod: one GPU, and a toleration of what keeps others off such nodes."""
    return {
        "restartPolicy": "Never",
        "nodeSelector": {"trainyard.test/pool": "gpu"},
        "tolerations": [{"key": _GPU, "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [
            {
                "name": "training",
                "image": "example.com/training:1",
                "resources": {"requests": {"cpu": "5", "memory": "64Gi"}, "limits": {_GPU: "1"}},
            }
        ],
    }


def fleet(nodes: int) -> Iterator[Manifest]:
    """So many GPU nodes, in three zones."""
    allocatable = {_GPU: str(GPUS_OF_A_NODE), "cpu": "96", "memory": "1360Gi"}
    taint = {"key": _GPU, "value": "present", "effect": "NoSchedule"}
    for number, zone in zip(range(nodes), itertools.cycle(_ZONES), strict=False):
        yield node_manifest(f"gpu-{number}", {"trainyard.test/pool": "gpu"}, [taint], allocatable, zone)


def draw(runs: Sequence[Measured], floor: float, suffix: str) -> bytes:
    """Pods created and bound over time, and how many a second, a column for each run; as PNG or SVG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * len(runs), 6), layout="constrained")
    all_axes = figure.subplots(2, len(runs), sharex="col", squeeze=False)
    for column, run in enumerate(runs):
        above, below = all_axes[0][column], all_axes[1][column]
        times = [at for at, _, _ in run.samples]
        above.plot(times, [created for _, created, _ in run.samples], color=ORANGE, label="created")
        above.plot(times, [bound for _, _, bound in run.samples], color=BLUE, label="bound")
        above.axvline(floor, color=GREY, linestyle="--", label="API server alone")
        above.set_title(f"{run.limits.name} rate limits: all bound after {run.seconds():.0f} s")
        above.set_ylabel("pods")
        above.legend(frameon=False)
        below.plot(*zip(*rates(run.samples), strict=True), color=BLUE)
        below.set_ylabel("bound a second")
        below.set_xlabel("seconds since the Jobs were submitted")
        below.set_ylim(bottom=0)
    return picture_bytes(figure, suffix)


def rates(samples: Sequence[tuple[float, int, int]]) -> list[tuple[float, float]]:
    """Pods bound a second, over a couple of seconds each: the middle of each span, and the rate in it."""
    found, (began, _, before) = [], samples[0]
    for at, _, bound in samples[1:]:
        if at - began >= _RATE_SECONDS:
            found.append(((began + at) / 2, (bound - before) / (at - began)))
            began, before = at, bound
    return found or [(samples[-1][0], samples[-1][2] / max(samples[-1][0], 1e-9))]


def _floor(build: Build, pods: int) -> float:
    """Seconds until the API server has so many pods, with nobody there who wants to know of them."""
    with ControlPlane(build, crds=()) as control_plane:
        namespace = control_plane.namespace("floor")
        for program in (CONTROLLER_MANAGER, SCHEDULER, "kwok"):
            control_plane.stop(program)
        manifest = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"generateName": "training-", "namespace": namespace},
            "spec": pod_spec() | {"nodeName": "gpu-0"},
        }
        began = time.perf_counter()
        _write(control_plane, f"/api/v1/namespaces/{namespace}/pods", itertools.repeat(manifest, pods))
        return time.perf_counter() - began


def _measure(build: Build, limits: Limits, nodes: int, pods: int, progress: Callable[[str], None]) -> Measured:
    ports = {program: free_port() for program in (CONTROLLER_MANAGER, SCHEDULER)}
    with ControlPlane(build, crds=(), flags=limits.flags(ports)) as control_plane:
        began = time.perf_counter()
        _write(control_plane, "/api/v1/nodes", fleet(nodes))
        control_plane.wait_for("all nodes are ready", lambda: _ready(control_plane) == nodes, _LONGEST_SECONDS)
        nodes_seconds = time.perf_counter() - began
        namespace = control_plane.namespace("training")
        progress(f"{limits.name} rate limits, {pods:,} pods")
        measured = Measured(limits, nodes_seconds=nodes_seconds)
        before = {program: _metrics(port) for program, port in ports.items()}
        cpu_before, busy_before = _cpu_seconds(), _busy_seconds()
        began = time.perf_counter()
        _write(control_plane, f"/apis/batch/v1/namespaces/{namespace}/jobs", jobs(namespace, pods))
        while not measured.samples or measured.samples[-1][2] < pods:
            created = _total(_metrics(ports[CONTROLLER_MANAGER]), "job_controller_job_pods_creation_total")
            bound = _total(_metrics(ports[SCHEDULER]), 'scheduler_schedule_attempts_total{.*result="scheduled"')
            now = time.perf_counter() - began
            measured.samples.append((now, round(created), round(bound)))
            if now > _LONGEST_SECONDS:
                raise BenchError(f"of {pods:,} pods, only {bound:,.0f} were bound within {now:,.0f} s")
            control_plane.processes.require_running()
            time.sleep(_SAMPLE_SECONDS)
        elapsed = measured.samples[-1][0]
        measured.busy = (_busy_seconds() - busy_before) / elapsed
        measured.cores = {
            program: (seconds - cpu_before[program]) / elapsed for program, seconds in _cpu_seconds().items()
        }
        waited = "rest_client_rate_limiter_duration_seconds_sum"
        measured.waiting = {
            program: (_total(_metrics(port), waited) - _total(before[program], waited)) / elapsed
            for program, port in ports.items()
        }
        _require_sound(control_plane.get("Pod", namespace), pods)
    return measured


def _write(control_plane: ControlPlane, path: str, manifests: Iterator[Manifest]) -> None:
    """Creates all, over a few connections at once and with as little effort of this process as can be."""
    address = urllib.parse.urlsplit(control_plane.server)
    context = ssl.create_default_context(cafile=str(control_plane.authority_file))
    context.load_cert_chain(*control_plane.admin_files)
    bodies = iter([json.dumps(manifest) for manifest in manifests])

    def write(_: int) -> None:
        connection = http.client.HTTPSConnection(address.hostname or "", address.port, context=context, timeout=120)
        try:
            # next() of a list's iterator is atomic: each body goes to one thread.
            for body in bodies:
                connection.request("POST", path, body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                said = response.read()
                if response.status >= http.HTTPStatus.BAD_REQUEST:
                    raise BenchError(f"the API server refused to create something in {path}: {said.decode()}")
        finally:
            connection.close()

    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        list(threads.map(write, range(_CONNECTIONS)))


def _ready(control_plane: ControlPlane) -> int:
    """How many nodes are ready, with no taint but their own; asked with a pause, since the answer is long."""
    time.sleep(_PAUSE_SECONDS)
    return sum(len(node["spec"].get("taints", [])) == 1 for node in control_plane.get("Node"))


def _metrics(port: int) -> str:
    """What a program tells of itself, in Prometheus' text format; nothing while it is starting."""
    context = ssl._create_unverified_context()  # noqa: S323 - Its certificate is its own; it is on this machine.
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    return ""


def _total(metrics: str, pattern: str) -> float:
    """The sum of all lines whose metric matches."""
    return sum(float(value) for value in re.findall(rf"^{pattern}[^ ]* (\S+)$", metrics, re.MULTILINE))


def _cpu_seconds() -> dict[str, float]:
    """What each program of the control plane has taken so far; and this process, which measures."""
    found = dict.fromkeys(PROGRAMS, 0.0)
    del found["kubectl"]
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.name() in found:
                times = process.cpu_times()
                found[process.name()] = times.user + times.system
    own = psutil.Process().cpu_times()
    return found | {"measuring": own.user + own.system}


def _busy_seconds() -> float:
    """For how long all cores of the machine together have been busy since it started."""
    times = psutil.cpu_times()
    # Of Linux; elsewhere there is no such thing.
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)


def _require_sound(pods: Sequence[Manifest], expected: int) -> None:
    """Raises BenchError where not all are bound, or more of them to a node than it has GPUs for."""
    nodes = Counter(pod["spec"].get("nodeName", "") for pod in pods)
    unbound = nodes.pop("", 0)
    crowded = [node for node, count in nodes.items() if count > GPUS_OF_A_NODE]
    if len(pods) != expected or unbound or crowded:
        raise BenchError(
            f"{len(pods):,} pods of {expected:,} are there, {unbound:,} of them not bound; "
            f"nodes with more pods than GPUs: {', '.join(crowded) or 'none'}"
        )
