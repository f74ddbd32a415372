"""Fetching in a child process: the parent, which stays, gets sealed files and never loads what fetching needs.

The child is forked and ends when it has fetched. It hands over each release as two open files in memory, the manifest
and the model, or says why it could not.
"""

import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from trainyard_artifacts.manifest import Manifest, decode_manifest, encode_manifest
from trainyard_serving.exit_status import ExitStatus
from trainyard_serving.parent_end import end_with_parent
from trainyard_serving.release import MODEL_FILE, Release
from trainyard_serving.sealed_file import sealed_file
from trainyard_serving.specification import ServiceSpecification

_LARGEST_MESSAGE = 65_536


class FetchFailedError(Exception):
    """A release could not be fetched; the message is the child's."""

    def __init__(self, message: str, status: ExitStatus) -> None:
        """Take the message, and the exit code that tells of the error."""
        super().__init__(message)
        self.status = status


class HeldRelease(NamedTuple):
    """A release that was fetched, its model in a file in memory."""

    release: Release
    manifest: Manifest
    descriptor: int
    """Of the model's file. It is closed with this process, or by whoever lets the release go."""


def fetch_in_child(
    specification: ServiceSpecification, releases: Sequence[Release], on_child: Callable[[int | None], None]
) -> list[HeldRelease]:
    """Fetch the releases; what was fetched is closed again where one of them fails.

    Args:
        specification: of the service.
        releases: those of its releases that are to be fetched.
        on_child: called with the child's process id, and with None once it has ended.

    Raises:
        FetchFailedError: with what ``fetch_releases`` raises in the child.
    """
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sys.stdout.flush()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        here.close()
        end_with_parent(parent, signal.SIGKILL)
        _fetch_and_send(specification, releases, there)
    there.close()
    on_child(child)
    held: list[HeldRelease] = []
    try:
        with here:
            held.extend(_receive(release, here) for release in releases)
    except BaseException:
        for each in held:
            os.close(each.descriptor)
        raise
    finally:
        os.waitpid(child, 0)
        on_child(None)
    return held


def _receive(release: Release, connection: socket.socket) -> HeldRelease:
    message, descriptors, _, _ = socket.recv_fds(connection, _LARGEST_MESSAGE, 2)
    if not descriptors:
        if not message:
            raise FetchFailedError("the process that fetches was ended", ExitStatus.FAILED)
        told = json.loads(message)
        raise FetchFailedError(told["error"], ExitStatus(told["status"]))
    manifest, model = descriptors
    with os.fdopen(manifest, "rb") as file:
        file.seek(0)
        return HeldRelease(release, decode_manifest(file.read(), release.manifest_uri), model)


def _fetch_and_send(
    specification: ServiceSpecification, releases: Sequence[Release], connection: socket.socket
) -> NoReturn:
    # The child of a fork: whatever happens, it ends here.
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        try:
            from trainyard_serving.fetching import fetch_releases

            for fetched in fetch_releases(specification, releases):
                manifest = sealed_file("manifest.json", encode_manifest(fetched.manifest))
                model = sealed_file(MODEL_FILE, fetched.model)
                socket.send_fds(connection, [b"."], [manifest, model])
                os.close(manifest)
                os.close(model)
        except Exception as error:
            from trainyard_serving.failures import status_of

            if (status := status_of(error)) is ExitStatus.FAILED:
                traceback.print_exc()
            text = str(error)[: _LARGEST_MESSAGE // 8]
            connection.send(json.dumps({"error": text, "status": int(status)}).encode())
        os._exit(0)
    finally:
        os._exit(1)
