"""The parent of tritonserver on one machine: holds the models, and exchanges releases while the service runs.

The decrypted models are in sealed files in memory that this process holds; the server's processes open them from it. It
needs little memory itself: fetching is done in children. On SIGHUP it reads the specification file anew, has the
releases that are new fetched, and asks the server to load the model anew, which swaps its versions without losing a
request. Where anything fails, the releases that are there go on. On SIGTERM the server is asked to end, which answers
what it has taken on; its exit code is this process's. Where this process is killed, the server is asked to end as well.
"""

import contextlib
import hashlib
import os
import resource
import select
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

from trainyard_artifacts.specification import SpecificationError, load_specification
from trainyard_serving.addresses import prepare_socket_directory, socket_paths
from trainyard_serving.exit_status import ExitStatus
from trainyard_serving.fetch_child import FetchFailedError, HeldRelease, fetch_in_child
from trainyard_serving.model_control import ModelControlError, is_ready, load_model
from trainyard_serving.model_repository import ModelFolder, UnservableModelError, replace_model_folders
from trainyard_serving.parent_end import end_with_parent
from trainyard_serving.release_changes import CacheHistory, require_same_service
from trainyard_serving.release_folders import FetchedRelease
from trainyard_serving.release_record import RECORD_FILE, write_record
from trainyard_serving.sealed_file import path_of
from trainyard_serving.server_files import ServerFiles, service_folders
from trainyard_serving.specification import ServiceSpecification
from trainyard_serving.triton import find_triton

_READINESS_INTERVAL_SECONDS = 0.1


def supervise(path: Path) -> int:
    """Serve as the specification file at ``path`` says, which has a ``socket_dir``; returns the exit code.

    Raises:
        SpecificationError, TritonUnavailableError, PortInUseError: nothing was fetched.
        FetchFailedError, UnservableModelError: nothing was written.
        OSError: a directory cannot be written; what was written is removed.
    """
    return _Supervisor(path).run()


class _Supervisor:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = ""
        self._specification = self._read()
        self._files = ServerFiles.of(self._specification)
        self._socket = socket_paths(self._specification)["http"]
        self._history = CacheHistory(self._specification)
        self._held: dict[int, HeldRelease] = {}
        self._folders: dict[str, ModelFolder] = {}
        self._triton = find_triton(os.environ)
        self._server: subprocess.Popen[bytes] | None = None
        self._fetching: int | None = None
        self._stopping = self._reload_wanted = False
        self._woken, self._waking = socket.socketpair()
        for each in (self._woken, self._waking):
            each.setblocking(False)

    def run(self) -> int:
        prepare_socket_directory(self._specification)
        os.umask(0o077)
        # What is in memory is not to be on a disk because this process or one of the server's crashed.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.set_wakeup_fd(self._waking.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)
        try:
            held = fetch_in_child(self._specification, self._specification.releases, self._on_fetching)
        except FetchFailedError:
            if self._stopping:
                return ExitStatus.DONE
            raise
        self._held = {each.release.version: each for each in held}
        self._folders = self._folders_of(self._specification, self._held)
        Path(self._specification.work_dir).mkdir(parents=True, exist_ok=True)
        self._files.write(self._triton, self._specification, self._folders)
        (Path(self._specification.work_dir) / RECORD_FILE).unlink(missing_ok=True)
        self._say(f"starting tritonserver on {self._specification.socket_dir}")
        arguments, environment = self._files.command(self._triton, self._specification, tuple(self._folders))
        # It is asked and not killed: it answers what it has taken on.
        prepare = partial(end_with_parent, os.getpid(), signal.SIGTERM)
        self._server = subprocess.Popen(arguments, env=environment, preexec_fn=prepare)  # noqa: PLW1509  # none
        if self._stopping:
            self._server.terminate()
        return self._follow(self._server)

    def _follow(self, server: "subprocess.Popen[bytes]") -> int:
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        ended = os.pidfd_open(server.pid) if sys.platform == "linux" else -1
        poll.register(ended, select.POLLIN)
        ready = False
        while (code := server.poll()) is None:
            if not ready and is_ready(self._socket):
                ready = True
                self._record(None)
                self._say("ready")
            elif ready and self._reload_wanted and not self._stopping:
                self._reload_wanted = False
                self._reload()
            else:
                poll.poll(None if ready else _READINESS_INTERVAL_SECONDS * 1000)
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
        if code < 0:
            self._say(f"tritonserver was ended by {signal.Signals(-code).name}")
        # Ended by itself it is not done, whatever it says: its guard ends it where a process of its backend was killed.
        if self._stopping and code in (ExitStatus.DONE, -signal.SIGTERM):
            return ExitStatus.DONE
        return max(code, ExitStatus.FAILED)

    def _reload(self) -> None:
        error = None
        try:
            self._apply(self._read())
        except (SpecificationError, FetchFailedError, UnservableModelError, ModelControlError, OSError) as failed:
            error = " ".join(str(failed).split())
        self._say(f"the releases stay as they were: {error}" if error else self._told())
        self._record(error)

    def _apply(self, specification: ServiceSpecification) -> None:
        require_same_service(self._specification, specification)
        if specification.releases == self._specification.releases:
            return
        self._history.require_new_numbers(specification)
        there = {each.release.content: each for each in self._held.values()}
        missing = [release for release in specification.releases if release.content not in there]
        fetched = fetch_in_child(specification, missing, self._on_fetching) if missing else []
        new = {each.release.content: each for each in fetched}
        held = {
            release.version: (new.get(release.content) or there[release.content])._replace(release=release)
            for release in specification.releases
        }
        try:
            self._load(self._folders_of(specification, held))
        except BaseException:
            _close(fetched, keep=self._held)
            raise
        _close([*self._held.values(), *fetched], keep=held)
        self._specification, self._held = specification, held
        self._history.add(specification)

    def _load(self, folders: dict[str, ModelFolder]) -> None:
        if gone := sorted(self._folders.keys() - folders.keys()):
            raise UnservableModelError(f"with these releases there would be no {', '.join(gone)} any more")
        changed = {name: folder for name, folder in folders.items() if self._folders.get(name) != folder}
        try:
            replace_model_folders(self._files.repository, changed)
            for name in changed:
                load_model(self._socket, name)
        except BaseException:
            before = {name: self._folders[name] for name in changed if name in self._folders}
            replace_model_folders(self._files.repository, before)
            raise
        self._folders = folders

    def _folders_of(self, specification: ServiceSpecification, held: dict[int, HeldRelease]) -> dict[str, ModelFolder]:
        fetched = [
            FetchedRelease(each.release, each.manifest, path_of(each.descriptor, os.getpid())) for each in held.values()
        ]
        return service_folders(self._triton, specification, fetched)

    def _read(self) -> ServiceSpecification:
        # What is told to have been acted on are the very bytes that were, though the file may change meanwhile.
        while True:
            try:
                document = self._path.read_bytes()
            except OSError as error:
                raise SpecificationError(f"{self._path}: cannot be read: {error.strerror}") from None
            self._digest = hashlib.sha256(document).hexdigest()
            specification = load_specification(self._path, ServiceSpecification)
            if self._path.read_bytes() == document:
                return specification

    def _record(self, error: str | None) -> None:
        write_record(
            Path(self._specification.work_dir),
            document_sha256=self._digest,
            error=error,
            releases=self._specification.releases,
        )

    def _on_stop(self, _number: int, _frame: object) -> None:
        self._stopping = True
        if self._server is not None:
            self._server.terminate()
        if self._fetching is not None:
            os.kill(self._fetching, signal.SIGKILL)

    def _on_reload(self, _number: int, _frame: object) -> None:
        self._reload_wanted = True

    def _on_fetching(self, child: int | None) -> None:
        self._fetching = child
        if child is not None and self._stopping:
            os.kill(child, signal.SIGKILL)

    def _told(self) -> str:
        return "serving " + ", ".join(f"{each.title} {each.percent} %" for each in self._specification.releases)

    def _say(self, text: str) -> None:
        print(f"{self._specification.service}: {text}", flush=True)


def _close(releases: "list[HeldRelease]", *, keep: dict[int, HeldRelease]) -> None:
    kept = {each.descriptor for each in keep.values()}
    for descriptor in {each.descriptor for each in releases} - kept:
        os.close(descriptor)
