"""Processes in the place of a cluster: jobs that are waited for, and services (`services`) that become ready.

A job's process is looked for before it is started: one that runs is followed, one that has succeeded with the same
specification, data and code is not run again, anything else is stopped first. Each process has a folder of its own
below the stack's, with its specification document and its log; credentials come by environment and are in neither.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult
from typing_extensions import override

from infra.cluster import Cluster, EntryPoint, Job, JobSpecification, Service, ServiceSpecification
from infra.local import records
from infra.local.access_token import AccessToken
from infra.local.front import PORT_NAMES, envoy_problem, front_properties
from infra.local.process_provider import (
    ProcessProvider,
    ask,
    command_of,
    folder_of,
    id_of,
    kept,
    machine_environment,
    portable,
    with_secrets,
)
from infra.local.provider import Properties, with_whole_numbers
from infra.local.services import LocalService, ServiceProvider

if TYPE_CHECKING:
    from infra.local.process import Launch, State

__all__ = ["JobProvider", "LocalCluster", "LocalJob", "ServiceProvider"]
# The states of older stacks name the provider of their service here.

STOPPED_EARLY = frozenset({74, 75})
"""Exit codes of a job that has stopped before its end and can go on: trainyard_training.exit_status."""
_GRACE_SECONDS = 10
"""Seconds that a server gets to end beyond those in which it answers what it has."""


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
        told = ask(entry_point.obstacle, {**os.environ, **machine_environment()})
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
        if problem := envoy_problem():
            raise pulumi.RunError(f"There can be no front before the service {name}: {problem}.")
        options = pulumi.ResourceOptions.merge(self._opts, opts)
        public_keys = None
        shown: pulumi.Output[str] | None = None
        if service.authentication.mechanism == "jwt":
            # It need not wait for what the service waits for.
            beside = pulumi.ResourceOptions(parent=options.parent)
            token = AccessToken(f"{name}-token", service.authentication.audiences[0], beside)
            shown = pulumi.Output.secret(token.token)
            public_keys = token.public_keys
        command = [sys.executable, "-m", service.entry_point.module]
        props = self._common(name, command, service.entry_point, service)
        props |= {
            "ports": {port: service.ports[port] for port in PORT_NAMES},
            "readiness_path": service.readiness_path,
            "readiness_deadline_seconds": service.readiness_deadline_seconds,
            "grace_seconds": max(service.grace_seconds, service.limits.timeout_seconds + _GRACE_SECONDS),
            "shared_memory": service.entry_point.shared_memory,
            "front": front_properties(service.authentication, service.limits, public_keys),
            "reread": list(service.reread),
        }
        resource = LocalService(name, props, options)
        return Service(resource, resource.endpoints, token=shown)

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
            "command": [portable(part) for part in command] + [*specification.arguments],
            "document": specification.document,
            "environment": environment,
            "version": entry_point.version(),
            "instance": self._instance,
            "revision": self._revision,
            "grace_seconds": specification.grace_seconds,
        }


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
        return CreateResult(id_of(props), self._outputs(props, state.exit_code))

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
        return id_of(props), self._outputs(props, state.exit_code if same else None)

    def _outputs(self, props: Properties, exit_code: int | None) -> dict[str, Any]:
        return {
            **kept(props),
            **self.digests(props),
            "exit_code": exit_code,
            "log": str(folder_of(props) / records.LOG),
        }


class LocalJob(Resource, module="local", name="Job"):
    """A process that ends, waited for."""

    exit_code: pulumi.Output[int]
    log: pulumi.Output[str]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        props = {**props, "exit_code": None, "log": None}
        super().__init__(JobProvider(), name, props, with_secrets(opts))


def job_launch(props: Properties) -> "Launch":
    """The process of a job."""
    from infra.local.process import Launch

    return Launch(
        (*command_of(props), "{document}"),
        {**machine_environment(), **props["environment"]},
        with_whole_numbers(props["document"]),
        deadline_seconds=float(props["deadline_seconds"]),
        grace_seconds=float(props["grace_seconds"]),
        version=f"{props['version']} {props['revision']}",
    )


def _follow(folder: Path, props: Properties) -> "State":
    from infra.local import process

    return process.follow(folder, lambda line: print(f"{props['name']}: {line}", flush=True))


def _failure(props: Properties, state: "State", tail: str) -> str:
    name = props["name"]
    if state.reason == "deadline":
        what = f"job {name} was stopped at its deadline of {props['deadline_seconds']:g} seconds"
    elif state.exit_code in STOPPED_EARLY:
        what = f"job {name} stopped before its end and keeps what it has done; deploy again to go on"
    elif state.exit_code is None:
        what = f"job {name} {state.reason or 'ended, and nobody was there to see how; deploy again to run it again'}"
    else:
        what = f"job {name} failed with exit code {state.exit_code}"
    return f"{what}; its last lines:\n{tail}"
