"""Services as processes: a server on Unix sockets that only this user can reach, and the front before it.

Both are one resource and two processes, each in a folder of its own. They start at the same time and are waited for
until the server says, through the front, that it is ready; from then on the supervisor of either starts it again when
it ends by itself. What is not what it should be is started anew by a deployment, and nothing else: another front (other
limits, another token) leaves the server alone, and what a running server can take over from its document
(`ServiceSpecification.reread`) leaves both running.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult
from typing_extensions import override

from infra.local import front, records
from infra.local.folder import note_port, note_shared_memory
from infra.local.process_provider import (
    ProcessProvider,
    ask,
    command_of,
    folder_of,
    id_of,
    kept,
    machine_environment,
    with_secrets,
)
from infra.local.provider import Properties, is_unknown, with_whole_numbers
from infra.local.reread import hand_over

if TYPE_CHECKING:
    from infra.local.process import Launch

HOST = "127.0.0.1"


class ServiceProvider(ProcessProvider):
    """A server and its front, which go on, waited for until they are ready."""

    kind = "service"
    updated_in_place = frozenset({"front", "readiness_deadline_seconds"})

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
    def in_place(self, name: str, olds: Properties, news: Properties) -> bool:
        if name == "document":
            reread = news["reread"]
            before, now = ({**props.get("document", {}), **dict.fromkeys(reread)} for props in (olds, news))
            return before == now
        return super().in_place(name, olds, news)

    @override
    def create(self, props: dict[str, Any]) -> CreateResult:
        from infra.local import process

        folder, front_folder = folder_of(props), front.front_folder_of(props)
        ports = _ports_of(props) if self.find(props) else None
        started = ports is None or not process.supervised(folder)
        if ports is None:
            ports = {name: int(port) for name, port in props["ports"].items()}
            for name in [name for name, port in ports.items() if not port]:
                ports[name] = process.free_port(ports.values())
            _note(folder.parent, ports)
        if started:
            launch = service_launch(props, ports)
            if launch.shared_memory_prefix:
                note_shared_memory(folder.parent, launch.shared_memory_prefix)
            process.start(folder, launch)
        before = front.front_launch(props, ports)
        state = process.state_of(front_folder)
        if not state.running or state.digest != before.digest() or not process.supervised(front_folder):
            process.start(front_folder, before)
        found = self.find(props)
        if found is None or not _become_ready(props):
            told = _failure(props)
            for each in (folder, front_folder):
                process.stop(each)
            raise process.ProcessError(told)
        for each in (folder, front_folder):
            process.keep(each)
        if not started:
            hand_over(folder, service_launch(props, ports), str(props["name"]), _patience(props))
        return CreateResult(*found)

    @override
    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self.create(news).outs)

    @override
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        from infra.local import process

        # The server first: it answers what it has, and the front passes the answers on.
        super().delete(id_, props)
        process.stop(front.front_folder_of(props))

    @override
    def loss(self, id_: str, olds: Properties) -> str | None:
        from infra.local import process

        state = process.state_of(folder_of(olds))
        if state.running:
            return None
        return "its process has ended" + ("" if state.exit_code is None else f" with exit code {state.exit_code}")

    @override
    def unfinished(self, id_: str, olds: Properties) -> str | None:
        from infra.local import process

        folders = {"it": folder_of(olds), "its front": front.front_folder_of(olds)}
        states = {what: process.state_of(folder) for what, folder in folders.items()}
        if not states["its front"].running:
            return "its front has ended; it is started again"
        for what, folder in folders.items():
            if not process.supervised(folder):
                return f"the supervisor that would start {what} again was killed; it is started anew"
        if not all(state.kept for state in states.values()):
            return "it has not been seen to become ready; it is waited for"
        ports = _ports_of(olds)
        if ports is None or _read_document(olds) != service_document(olds, ports):
            return "it was told to serve something else, by a deployment that was killed; it is told again"
        if not is_unknown(olds["front"]) and states["its front"].digest != front.front_launch(olds, ports).digest():
            return "its front is another one than it should be; it is started anew"
        if not front.is_ready(olds):
            return f"it is not ready at the moment; it is waited for, and {folders['it'] / records.LOG} tells why"
        return None

    @override
    def find(self, props: Properties) -> tuple[str, dict[str, Any]] | None:
        from infra.local import process

        folder, ports = folder_of(props), _ports_of(props)
        if ports is None:
            return None
        state = process.state_of(folder)
        if not state.running or state.digest != service_launch(props, ports).digest():
            return None
        outs = {
            **kept(props),
            **self.digests(props),
            "endpoints": {name: f"{HOST}:{port}" for name, port in ports.items()},
            "log": str(folder / records.LOG),
            "access_log": str(front.front_folder_of(props) / records.LOG),
        }
        return id_of(props), outs


class LocalService(Resource, module="local", name="Service"):
    """A server and its front, which go on, waited for until they are ready."""

    endpoints: pulumi.Output[Mapping[str, str]]
    log: pulumi.Output[str]
    access_log: pulumi.Output[str]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        props = {**props, "endpoints": None, "log": None, "access_log": None}
        super().__init__(ServiceProvider(), name, props, with_secrets(opts))


def service_launch(props: Properties, ports: Mapping[str, int]) -> "Launch":
    """The server's process behind a front on chosen ports."""
    from infra.local.process import Launch

    document = service_document(props, ports)
    prefix = props.get("shared_memory")
    return Launch(
        (*command_of(props), "{document}"),
        {**machine_environment(), **props["environment"]},
        document,
        grace_seconds=float(props["grace_seconds"]),
        version=f"{props['version']} {props['revision']}",
        shared_memory_prefix=str(ask(prefix, document["work_dir"])) if prefix else "",
        log_bytes=front.LOG_BYTES,
        reread=tuple(props["reread"]),
    )


def service_document(props: Properties, ports: Mapping[str, int]) -> dict[str, Any]:
    """The document with what this machine adds to it: where to listen, and how long to wait in the end."""
    return {
        **with_whole_numbers(props["document"]),
        **{f"{name}_port": port for name, port in ports.items()},
        "work_dir": str((folder_of(props) / records.WORK).absolute()),
        "socket_dir": str(front.server_sockets_of(props)),
        "drain_seconds": int(props["front"]["limits"]["timeout_seconds"]),
    }


def _ports_of(props: Properties) -> dict[str, int] | None:
    """The ports that the service has been given before; None if it has not."""
    document = _read_document(props) or {}
    try:
        return {name: int(document[f"{name}_port"]) for name in props["ports"]}
    except KeyError:
        return None


def _read_document(props: Properties) -> dict[str, Any] | None:
    return records.read_record(folder_of(props) / records.DOCUMENT)


def _note(stack_folder: Path, ports: Mapping[str, int]) -> None:
    for port in ports.values():
        note_port(stack_folder, port)


def _patience(props: Properties) -> float:
    return float(props["readiness_deadline_seconds"])


def _become_ready(props: Properties) -> bool:
    """Waits until the service is ready, one of its processes ends, or time is up."""
    from infra.local import process

    folders = (folder_of(props), front.front_folder_of(props))
    ends = time.monotonic() + _patience(props)
    while time.monotonic() < ends and all(process.state_of(folder).running for folder in folders):
        if front.is_ready(props):
            return True
        time.sleep(0.05)
    return False


def _failure(props: Properties) -> str:
    """Why the service is not ready, with the last lines of the process that is to blame."""
    from infra.local import process

    server, before = folder_of(props), front.front_folder_of(props)
    for folder, what in ((server, f"service {props['name']}"), (before, f"the front of service {props['name']}")):
        state = process.final_state_of(folder)
        if not state.running:
            how = "" if state.exit_code is None else f" with exit code {state.exit_code}"
            return f"{what} ended{how}; its last lines:\n{process.log_tail(folder)}"
    limit = f"service {props['name']} was not ready within {_patience(props):g} seconds"
    return f"{limit}; its last lines:\n{process.log_tail(server)}"
