"""Processes in the place of a cluster: jobs that are waited for and services that become ready.

A job's process is looked for before it is started: one that runs is followed, one that has succeeded with the same
specification, data and code is not run again, anything else is stopped first. Each process has a folder of its own
below the stack's, with its specification document and its log; credentials come by environment and are in neither.
"""

import importlib
import os
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult
from typing_extensions import override

from infra.cluster import Cluster, EntryPoint, Job, JobSpecification, Service, ServiceSpecification
from infra.local import records
from infra.local.folder import note_port, note_shared_memory
from infra.local.provider import LocalProvider, Properties, digest_of, is_unknown, with_whole_numbers, without_provider

if TYPE_CHECKING:
    from infra.local.process import Launch, State

STOPPED_EARLY = 75
"""Exit code of a job that has stopped before its end and can go on from where it was (EX_TEMPFAIL of sysexits.h)."""
HOST = "127.0.0.1"
TRITON_VARIABLE = "TRAINYARD_TRITON_VENV"
"""Names the virtual environment that Triton's server is in."""
_SECRET = ("environment",)


class LocalCluster(Cluster):
    """Runs jobs and services as processes of this machine."""

    def __init__(
        self,
        folder: pulumi.Output[str],
        environments: Mapping[str, Mapping[str, pulumi.Input[str]]],
        instance: pulumi.Output[str],
        revision: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """:param folder: The stack's folder.
        :param environments: Environment variables of each identity, credentials included.
        :param instance: Which running cloud it is that the processes work with.
        :param revision: Changes when what the platform stores was lost: then every job is to be run again.
        """
        self._folder, self._environments, self._opts = folder, environments, opts
        self._instance, self._revision = instance, revision

    @override
    def obstacle(self, entry_point: EntryPoint) -> str | None:
        if entry_point.obstacle is None:
            return None
        told = _ask(entry_point.obstacle, {**os.environ, **machine_environment()})
        return None if told is None else str(told)

    @override
    def run_job(self, name: str, job: JobSpecification, opts: pulumi.ResourceOptions | None = None) -> Job:
        if job.processes is None:
            command = [sys.executable, "-m", job.entry_point.module]
        else:
            command = [
                sys.executable,
                "-m",
                job.entry_point.launcher,
                "--standalone",
                f"--nproc-per-node={job.processes}",
            ]
            command += ["-m", job.entry_point.module]
        props = self._common(name, command, job.entry_point, job)
        props |= {"deadline_seconds": job.deadline_seconds}
        resource = LocalJob(name, props, pulumi.ResourceOptions.merge(self._opts, opts))
        return Job(resource, resource.exit_code)

    @override
    def run_service(
        self, name: str, service: ServiceSpecification, opts: pulumi.ResourceOptions | None = None
    ) -> Service:
        command = [sys.executable, "-m", service.entry_point.module]
        props = self._common(name, command, service.entry_point, service)
        props |= {
            "ports": dict(service.ports),
            "readiness_path": service.readiness_path,
            "readiness_deadline_seconds": service.readiness_deadline_seconds,
            "shared_memory": service.entry_point.shared_memory,
        }
        resource = LocalService(name, props, pulumi.ResourceOptions.merge(self._opts, opts))
        return Service(resource, resource.endpoints)

    def _common(
        self,
        name: str,
        command: list[str],
        entry_point: EntryPoint,
        specification: JobSpecification | ServiceSpecification,
    ) -> dict[str, Any]:
        environment = {**self._environments[specification.identity], **specification.environment}
        return {
            "folder": self._folder,
            "name": name,
            "command": [_portable(part) for part in command] + [*specification.arguments],
            "document": specification.document,
            "environment": environment,
            "version": entry_point.version(),
            "instance": self._instance,
            "revision": self._revision,
            "grace_seconds": specification.grace_seconds,
        }


class ProcessProvider(LocalProvider):
    """What jobs and services share: their process."""

    not_compared = frozenset({"environment"})

    @override
    def digests(self, news: Properties) -> dict[str, str]:
        return {"environment_digest": digest_of(news["environment"])}

    @override
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        from infra.local import process

        process.stop(folder_of(props))


class JobProvider(ProcessProvider):
    """A process that ends, waited for."""

    kind = "job"
    updated_in_place = frozenset({"deadline_seconds", "grace_seconds"})

    @override
    def create(self, props: dict[str, Any]) -> CreateResult:
        from infra.local import process

        folder, launch = folder_of(props), job_launch(props)
        state = process.state_of(folder)
        same = state.digest == launch.digest()
        if same and state.exit_code == 0:
            print(f"{props['name']}: done before with the same specification, not run again", flush=True)
        elif same and state.running and process.supervised(folder):
            print(f"{props['name']}: runs already, following it", flush=True)
        else:
            process.start(folder, launch)
        state = _follow(folder, props)
        if state.reason is None:
            print(f"{props['name']}: its supervisor was killed, so it is run again", flush=True)
            process.start(folder, launch)
            state = _follow(folder, props)
        if state.exit_code != 0:
            raise process.ProcessError(_failure(props, state, process.log_tail(folder)))
        return CreateResult(_id(props), self._outputs(props, state.exit_code))

    @override
    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self.create(news).outs)

    @override
    def unfinished(self, id_: str, olds: Properties) -> str | None:
        return None if olds.get("exit_code") == 0 else "it has not been seen to end; it is followed to its end"

    @override
    def find(self, props: Properties) -> tuple[str, dict[str, Any]] | None:
        from infra.local import process

        state = process.state_of(folder_of(props))
        if state.digest is None:
            return None
        same = state.digest == job_launch(props).digest()
        return _id(props), self._outputs(props, state.exit_code if same else None)

    def _outputs(self, props: Properties, exit_code: int | None) -> dict[str, Any]:
        return {
            **_kept(props),
            **self.digests(props),
            "exit_code": exit_code,
            "log": str(folder_of(props) / records.LOG),
        }


class ServiceProvider(ProcessProvider):
    """A process that goes on, waited for until it is ready."""

    kind = "service"

    @override
    def problems(self, olds: Properties, news: Properties) -> dict[str, str]:
        from infra.local.process import port_problem

        folder = Path() if is_unknown(news["folder"]) else Path(news["folder"])
        found = {}
        for name, port in news["ports"].items():
            if port and olds.get("ports", {}).get(name) != port and (problem := port_problem(int(port), folder)):
                found[f"ports.{name}"] = f"{news['name']}: {name}_port = {int(port)}: {problem}"
        return found

    @override
    def create(self, props: dict[str, Any]) -> CreateResult:
        from infra.local import process

        folder = folder_of(props)
        found = self.find(props)
        if found is None:
            ports = {name: int(port) or process.free_port() for name, port in props["ports"].items()}
            for port in ports.values():
                note_port(folder.parent, port)
            launch = service_launch(props, ports)
            if launch.shared_memory_prefix:
                note_shared_memory(folder.parent, launch.shared_memory_prefix)
            process.start(folder, launch)
            found = self.find(props)
        if found is None or not _becomes_ready(folder, found[1], float(props["readiness_deadline_seconds"])):
            state, tail = process.final_state_of(folder), process.log_tail(folder)
            process.stop(folder)
            limit = f"was not ready within {props['readiness_deadline_seconds']:g} seconds"
            ended = f"ended with exit code {state.exit_code}"
            raise process.ProcessError(
                f"service {props['name']} {limit if state.running else ended}; its last lines:\n{tail}"
            )
        return CreateResult(found[0], {**found[1], "ready": True})

    @override
    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self.create(news).outs)

    @override
    def loss(self, id_: str, olds: Properties) -> str | None:
        from infra.local import process

        state = process.state_of(folder_of(olds))
        if state.running:
            return None
        return "its process has ended" + ("" if state.exit_code is None else f" with exit code {state.exit_code}")

    @override
    def unfinished(self, id_: str, olds: Properties) -> str | None:
        return None if olds.get("ready") else "it has not been seen to become ready; it is waited for"

    @override
    def find(self, props: Properties) -> tuple[str, dict[str, Any]] | None:
        from infra.local import process

        folder = folder_of(props)
        document = records.read_record(folder / records.DOCUMENT) or {}
        try:
            ports = {name: int(document[f"{name}_port"]) for name in props["ports"]}
        except KeyError:
            return None
        state = process.state_of(folder)
        if not state.running or state.digest != service_launch(props, ports).digest():
            return None
        outs = {
            **_kept(props),
            **self.digests(props),
            "endpoints": {name: f"{HOST}:{port}" for name, port in ports.items()},
            "log": str(folder / records.LOG),
            "ready": False,
        }
        return _id(props), outs


class LocalJob(Resource, module="local", name="Job"):
    """A process that ends, waited for."""

    exit_code: pulumi.Output[int]
    log: pulumi.Output[str]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        props = {**props, "exit_code": None, "log": None}
        super().__init__(JobProvider(), name, props, _with_secrets(opts))


class LocalService(Resource, module="local", name="Service"):
    """A process that goes on, waited for until it is ready."""

    endpoints: pulumi.Output[Mapping[str, str]]
    log: pulumi.Output[str]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        props = {**props, "endpoints": None, "log": None}
        super().__init__(ServiceProvider(), name, props, _with_secrets(opts))


def folder_of(props: Properties) -> Path:
    """The folder of the process of a job or service."""
    return Path(props["folder"]) / str(props["name"])


def job_launch(props: Properties) -> "Launch":
    """The process of a job."""
    from infra.local.process import Launch

    return Launch(
        (*_command(props), "{document}"),
        {**machine_environment(), **props["environment"]},
        with_whole_numbers(props["document"]),
        deadline_seconds=float(props["deadline_seconds"]),
        grace_seconds=float(props["grace_seconds"]),
        version=f"{props['version']} {props['revision']}",
    )


def service_launch(props: Properties, ports: Mapping[str, int]) -> "Launch":
    """The process of a service on chosen ports."""
    from infra.local.process import Launch

    chosen = {f"{name}_port": port for name, port in ports.items()}
    work_dir = str((folder_of(props) / records.WORK).absolute())
    document = {**with_whole_numbers(props["document"]), **chosen, "work_dir": work_dir}
    prefix = props.get("shared_memory")
    return Launch(
        (*_command(props), "{document}"),
        {**machine_environment(), **props["environment"]},
        document,
        grace_seconds=float(props["grace_seconds"]),
        version=f"{props['version']} {props['revision']}",
        shared_memory_prefix=str(_ask(prefix, work_dir)) if prefix else "",
    )


def machine_environment() -> dict[str, str]:
    """Environment variables that every process gets, and that are about this machine alone."""
    from infra.local.process import PROJECT

    return {"OMP_NUM_THREADS": "1", TRITON_VARIABLE: os.environ.get(TRITON_VARIABLE) or str(PROJECT / ".venv-triton")}


def _ask(function: str, *arguments: object) -> object:
    """The answer of a `MODULE:FUNCTION` that a workload has named."""
    module, name = function.split(":")
    return getattr(importlib.import_module(module), name)(*arguments)


def _portable(part: str) -> str:
    """The interpreter goes by its name only: where it lies is the machine's business, and no difference."""
    return "python" if part == sys.executable else part


def _command(props: Properties) -> list[str]:
    program, *arguments = props["command"]
    return [sys.executable if program == "python" else program, *arguments]


def _follow(folder: Path, props: Properties) -> "State":
    from infra.local import process

    return process.follow(folder, lambda line: print(f"{props['name']}: {line}", flush=True))


def _becomes_ready(folder: Path, outs: Properties, seconds: float) -> bool:
    """Waits until the readiness path answers 200, the process ends, or time is up."""
    from infra.local import process

    url = f"http://{outs['endpoints']['http']}{outs['readiness_path']}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and process.state_of(folder).running:
        try:
            with opener.open(url, timeout=5) as response:
                if response.status == 200:
                    return True
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    return False


def _failure(props: Properties, state: "State", tail: str) -> str:
    name = props["name"]
    if state.reason == "deadline":
        what = f"job {name} was stopped at its deadline of {props['deadline_seconds']:g} seconds"
    elif state.exit_code == STOPPED_EARLY:
        what = f"job {name} stopped before its end and keeps what it has done; deploy again to go on"
    elif state.exit_code is None:
        what = f"job {name} {state.reason or 'ended, and nobody was there to see how; deploy again to run it again'}"
    else:
        what = f"job {name} failed with exit code {state.exit_code}"
    return f"{what}; its last lines:\n{tail}"


def _id(props: Properties) -> str:
    return f"{props['folder']}/{props['name']}"


def _kept(props: Properties) -> dict[str, Any]:
    return {name: value for name, value in without_provider(props).items() if name not in _SECRET}


def _with_secrets(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=[*_SECRET]))
