"""Where everything is in a pod of the service: ports, files and folders; and where a front listens and asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Address = Mapping[str, Any]
"""An address as Envoy's configuration has it."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """TCP ports of a pod. The first three are on the pod's address, the others on loopback."""

    clients: int = 8080
    """Where clients are answered: HTTP/1.1 and HTTP/2, with or without TLS."""
    health: int = 8081
    """Where the kubelet asks how the pod is. Says nothing else, and asks nobody who he is."""
    metrics: int = 8082
    """Prometheus metrics of the server at /metrics, of the front at /stats/prometheus."""
    admin: int = 9901
    """The front's own interface."""
    http: int = 8000
    """The server: KServe v2 over HTTP."""
    grpc: int = 8001
    """The server: KServe v2 over gRPC."""
    server_metrics: int = 8002
    """The server's metrics."""


@dataclass(frozen=True, kw_only=True)
class FrontFiles:
    """Files that the front reads."""

    configuration: str = "/etc/envoy"
    """Folder of what this program has written for it."""
    certificate: str = "/etc/trainyard/certificate"
    """Folder of tls.crt and tls.key."""
    client_ca: str = "/etc/trainyard/client-ca"
    """Folder of the ca.crt by which clients are known."""
    jwks_ca: str = "/etc/trainyard/jwks-ca"
    """Folder of the ca.crt by which the server of the issuer's keys is known."""
    public_authorities: str = "/etc/ssl/certs/ca-certificates.crt"
    """The public certificate authorities, as Envoy's image has them."""


@dataclass(frozen=True, kw_only=True)
class FrontAddresses:
    """Where a front listens, and where it finds the server. As for `Ports`, but wherever they are."""

    clients: Mapping[str, Address]
    """By the listener's name. The same is answered at each."""
    health: Address
    metrics: Address
    admin: Address
    http: Address
    grpc: Address
    server_metrics: Address


LOOPBACK = "127.0.0.1"
ANYWHERE = "0.0.0.0"  # noqa: S104  # a pod's own address is not known before it is there

PORTS = Ports()
FRONT_FILES = FrontFiles()

BOOTSTRAP_FILE = "envoy.yaml"
CERTIFICATE_FILE = "certificate.yaml"
CLIENT_CA_FILE = "client_ca.yaml"

SPECIFICATION_FOLDER = "/etc/trainyard/specification"
SPECIFICATION_FILE = "SERVICE.json"
MODEL_FOLDER = "/var/run/trainyard/model"
"""The decrypted model, in memory; the server cannot write to it."""
TEMPORARY_FOLDER = "/tmp"  # noqa: S108  # a volume of the pod's own
SHARED_MEMORY_FOLDER = "/dev/shm"  # noqa: S108  # likewise


def tcp_address(host: str, port: int) -> Address:
    """A TCP port."""
    return {"socket_address": {"address": host, "port_value": port}}


def socket_address(path: str) -> Address:
    """A Unix socket that somebody else listens on."""
    return {"pipe": {"path": path}}


def own_socket_address(path: str) -> Address:
    """A Unix socket to listen on, for this user only."""
    return {"pipe": {"path": path, "mode": 0o600}}


def pod_addresses(ports: Ports) -> FrontAddresses:
    """Those of a pod: the pod's address for others, loopback for what is inside."""
    return FrontAddresses(
        clients={"clients": tcp_address(ANYWHERE, ports.clients)},
        health=tcp_address(ANYWHERE, ports.health),
        metrics=tcp_address(ANYWHERE, ports.metrics),
        admin=tcp_address(LOOPBACK, ports.admin),
        http=tcp_address(LOOPBACK, ports.http),
        grpc=tcp_address(LOOPBACK, ports.grpc),
        server_metrics=tcp_address(LOOPBACK, ports.server_metrics),
    )
