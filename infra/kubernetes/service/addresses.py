"""Where everything is in a pod of the service: ports, files and folders."""

from dataclasses import dataclass


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
