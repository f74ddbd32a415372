"""Where the server is to listen: ports that are free, or a directory for Unix sockets that is nobody else's."""

import contextlib
import os
import socket
import stat
from pathlib import Path

from trainyard_artifacts.specification import SpecificationError
from trainyard_serving.specification import GRPC_SOCKET, HTTP_SOCKET, METRICS_SOCKET, ServiceSpecification


class PortInUseError(Exception):
    """A port cannot be listened on; the message names the setting and the port."""


def require_free_ports(specification: ServiceSpecification) -> None:
    """Raise PortInUseError for the ports that cannot be listened on, all of them at once.

    Where the service has a ``socket_dir`` instead, that is prepared.
    """
    if specification.socket_dir is not None:
        prepare_socket_directory(specification)
        return
    problems = []
    for name in ("http_port", "grpc_port", "metrics_port"):
        port: int = getattr(specification, name)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((specification.listen_address, port))
                probe.listen()
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                problems.append(f"{name} {port} cannot be listened on at {specification.listen_address}: {reason}")
    if problems:
        raise PortInUseError("; ".join(problems))


def socket_paths(specification: ServiceSpecification) -> dict[str, Path]:
    """The sockets that the server listens on, by ``http``, ``grpc`` and ``metrics``."""
    directory = Path(specification.socket_dir or "")
    return {
        "http": directory / HTTP_SOCKET,
        "grpc": directory / f"{GRPC_SOCKET}:{specification.grpc_port}",
        "metrics": directory / METRICS_SOCKET,
    }


def prepare_socket_directory(specification: ServiceSpecification) -> None:
    """Make the directory for the sockets, and remove sockets that nobody listens on any more.

    Who can enter the directory can exchange the models, so it has to be its owner's only.

    Raises:
        SpecificationError: it is another user's, or others may enter it.
        PortInUseError: another process listens on a socket there.
        OSError: it cannot be made.
    """
    directory = Path(specification.socket_dir or "")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or mode & 0o077:
        raise SpecificationError(
            f"socket_dir: expected a directory of this user with mode 700, found {directory} of user {found.st_uid}"
            f" with mode {mode:o}"
        )
    for path in socket_paths(specification).values():
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            raise PortInUseError(f"another process listens on {path}")
        path.unlink(missing_ok=True)
