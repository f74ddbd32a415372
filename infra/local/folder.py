"""The folder that holds everything a local stack keeps on disk, and the last check when the stack is destroyed.

Everything else needs the folder's path, so it is created first and deleted last. By then there may be processes that no
other resource knows of, because the deployment that began them failed or was killed: they are ended and removed. After
that no process, no listening port, no shared memory and no file of the stack may be left, or the deletion fails and
names them.
"""

import contextlib
import shutil
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource
from typing_extensions import override

from infra.local import records, shared_memory
from infra.local.provider import LocalProvider, Properties

PORTS = "ports"
"""Subfolder with an empty file for each TCP port that the stack's processes were told to listen on."""
SHARED_MEMORY = "shared-memory"
"""Subfolder with an empty file for each prefix of the names of shared memory that the stack's processes make."""


class LeftoversError(Exception):
    """A destroyed stack that has left something behind."""


class StackFolderProvider(LocalProvider):
    """The folder, and what may not be left in it."""

    kind = "folder"

    @override
    def create(self, props: dict[str, Any]) -> CreateResult:
        (Path(props["path"]) / PORTS).mkdir(mode=0o700, parents=True, exist_ok=True)
        return CreateResult(props["path"], {"path": props["path"]})

    @override
    def problems(self, olds: Properties, news: Properties) -> dict[str, str]:
        path = Path(news["path"])
        existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        try:
            with tempfile.TemporaryFile(dir=existing):
                pass
        except OSError as error:
            reason = f"{existing} cannot be written ({error.strerror})"
            return {"path": f"{reason}; the stack keeps its processes' files below it"}
        return {}

    @override
    def loss(self, id_: str, olds: Properties) -> str | None:
        return None if (Path(id_) / PORTS).is_dir() else "it was removed"

    @override
    def find(self, props: Properties) -> tuple[str, dict[str, Any]] | None:
        return (props["path"], {"path": props["path"]}) if Path(props["path"]).is_dir() else None

    @override
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        remove_unfinished(Path(id_))
        left = list(leftovers(Path(id_)))
        if left:
            raise LeftoversError(f"destroying the stack has left behind: {'; '.join(left)}")
        for kind in (PORTS, SHARED_MEMORY):
            shutil.rmtree(Path(id_) / kind, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            Path(id_).rmdir()
        # The last stack takes the folder of all stacks with it.
        with contextlib.suppress(OSError):
            Path(id_).parent.rmdir()


class StackFolder(Resource, module="local", name="StackFolder"):
    """The folder of a stack's processes. Created first, deleted last."""

    path: pulumi.Output[str]

    def __init__(self, name: str, path: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(StackFolderProvider(), name, {"path": path}, opts)


def note_port(stack_folder: Path, port: int) -> None:
    """Remembers a port that has to be closed in the end."""
    _note(stack_folder / PORTS / str(port))


def note_shared_memory(stack_folder: Path, prefix: str) -> None:
    """Remembers what the names of shared memory begin with that has to be gone in the end."""
    _note(stack_folder / SHARED_MEMORY / prefix)


def remove_unfinished(stack_folder: Path) -> None:
    """Ends and removes what deployments have begun that failed or were killed: no other resource knows of it."""
    from infra.local.process import stop

    for specification in sorted(stack_folder.glob(f"*/{records.SPECIFICATION}")):
        name = specification.parent.name
        print(f"{name}: left by a deployment that failed or was killed; it is ended and removed", flush=True)
        stop(specification.parent)


def leftovers(stack_folder: Path) -> Iterable[str]:
    """What is left of a stack that should be gone, each in words."""
    from infra.local.process import describe, port_holder, processes_of, temporary_prefix

    processes = processes_of(stack_folder)
    for process in processes:
        yield f"process {describe(process)}"
    for port in _ports(stack_folder):
        # Another program may have taken the port since.
        if _listens(port) and (holder := port_holder(port, stack_folder)) is not None:
            yield f"port {port}, held by {holder}"
    for noted in sorted((stack_folder / SHARED_MEMORY).glob("*")):
        for path in shared_memory.objects(noted.name):
            yield f"shared memory {path}"
    outside = Path(temporary_prefix(stack_folder))
    for path in sorted(outside.parent.glob(f"{outside.name}*")):
        yield f"folder {path}"
    notes = (stack_folder / PORTS, stack_folder / SHARED_MEMORY)
    for path in sorted(stack_folder.rglob("*")):
        if path.is_file() and path.parent not in notes:
            yield f"file {path}"
        elif path.is_dir() and path not in notes and not any(path.iterdir()):
            yield f"folder {path}"


def _note(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch()


def _ports(stack_folder: Path) -> list[int]:
    return sorted(int(path.name) for path in (stack_folder / PORTS).glob("*") if path.name.isdecimal())


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
