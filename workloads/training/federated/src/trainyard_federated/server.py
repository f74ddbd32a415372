"""The coordinator: a SuperLink, which has no credentials, and the process that makes the rounds, which has its own.

``python -m trainyard_federated.server FEDERATED.json --host ADDRESS --port PORT --certificate server.pem --key
server.key --authority authority.pem --node-keys FOLDER`` runs it on a machine of its own, for sites that run on theirs;
``FOLDER/SITE.pub`` is each site's public key.
"""

import argparse
import hashlib
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainyard_artifacts.specification import SpecificationError, load_specification
from trainyard_federated.identity import bare_environment, credentials_of_the_caller, read_credentials, with_identity
from trainyard_federated.outcome import JOB_VARIABLE, STARTED_VARIABLE, STATUS_VARIABLE, say, status_of_process, told
from trainyard_federated.processes import Processes
from trainyard_federated.specification import FederatedSpecification
from trainyard_training.exit_status import ExitStatus
from trainyard_training.interruption import StopRequest

if TYPE_CHECKING:
    from trainyard_federated.keys import ServerCertificate

SUPERLINK, COORDINATOR = "superlink", "coordinator"

_WATCH_SECONDS = 0.2
_LISTEN_SECONDS = 60.0
_PUBLISH_SECONDS = 300.0


@dataclass(frozen=True)
class Listening:
    """Where the SuperLink listens, and as whom."""

    host: str
    port: int
    certificate: "ServerCertificate"


def main(arguments: list[str]) -> ExitStatus:
    """Coordinate the job to its end."""
    from trainyard_federated.keys import ServerCertificate

    parser = argparse.ArgumentParser(prog="python -m trainyard_federated.server", description="Coordinate a job.")
    parser.add_argument("job", type=Path, metavar="FEDERATED.json")
    parser.add_argument("--host", required=True, help="address to listen on, which the certificate is for")
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--certificate", required=True, type=Path)
    parser.add_argument("--key", required=True, type=Path)
    parser.add_argument("--authority", required=True, type=Path, help="certificate that vouches for the first")
    parser.add_argument("--node-keys", required=True, type=Path, help="folder with SITE.pub for each site")
    options = parser.parse_args(arguments)
    stop = StopRequest()
    stop.watch_signals()
    job = load_specification(options.job, FederatedSpecification)
    files = (options.certificate.resolve(), options.key.resolve(), options.authority.resolve())
    require_files(job, files, options.node_keys)
    credentials = coordinator_credentials(job)
    with tempfile.TemporaryDirectory(prefix="trainyard-coordinator-") as folder, Processes(Path(folder)) as processes:
        listening = Listening(options.host, options.port, ServerCertificate(*files))
        start_server(processes, options.job.resolve(), job, listening, options.node_keys, Path(folder), credentials)
        return follow(processes, job, stop, lambda: processes.require_running(SUPERLINK))


def require_files(job: FederatedSpecification, files: tuple[Path, ...], node_keys: Path) -> None:
    """Check that certificates and all sites' public keys are there.

    Raises:
        SpecificationError: they are not; all that are missing are told.
    """
    wanted = [*files, *(node_keys / f"{site.name}.pub" for site in job.sites)]
    if missing := [str(path) for path in wanted if not path.is_file()]:
        raise SpecificationError(f"there is no file {', '.join(missing)}")


def coordinator_credentials(job: FederatedSpecification) -> dict[str, str]:
    """The coordinator's identity as variables."""
    file = job.coordinator.environment_file
    if file is None:
        return credentials_of_the_caller(os.environ)
    return read_credentials("coordinator.environment_file", Path(file))


def start_server(
    processes: Processes,
    job_file: Path,
    job: FederatedSpecification,
    listening: Listening,
    node_keys: Path,
    folder: Path,
    credentials: Mapping[str, str],
) -> None:
    """Start the SuperLink, make the sites' SuperNodes known to it, and start the run.

    Raises:
        ProcessEndedError: the SuperLink does not come up.
        SpecificationError: a public key is none, or one of two sites.
    """
    from trainyard_federated.keys import make_secret

    began = time.time()
    bare, files = bare_environment(os.environ, folder), listening.certificate
    # Flower's client code runs in this process, too.
    os.environ.update({name: value for name, value in bare.items() if name.startswith("FLWR_")})
    secret = make_secret(folder / "secret")
    command = ["trainyard_federated.role", "superlink", "--host", listening.host, "--port", str(listening.port)]
    command += ["--ssl-certfile", str(files.certificate), "--ssl-keyfile", str(files.key)]
    command += ["--ssl-ca-certfile", str(files.authority), "--enable-supernode-auth"]
    command += ["--isolation", "process", "--superexec-auth-secret-file", str(secret)]
    command += ["--disable-runtime-dependency-installation"]
    processes.start(SUPERLINK, command, bare)
    address = f"{listening.host}:{listening.port}"
    command = ["trainyard_federated.role", "coordinator", address, str(secret), str(files.authority)]
    variables = {
        JOB_VARIABLE: str(job_file),
        STARTED_VARIABLE: str(began),
        STATUS_VARIABLE: str(folder / "status"),
        # Its own lines go to the user, so Flower keeps to what is wrong.
        "FLWR_LOG_LEVEL": "CRITICAL",
    }
    wait_until_listening(processes, listening)
    processes.start(COORDINATOR, command, {**with_identity(bare, credentials), **variables}, output=sys.stdout)
    submit(job, address, files.authority, node_keys)


def wait_until_listening(processes: Processes, listening: Listening) -> None:
    """Wait for the SuperLink's port to answer.

    Raises:
        ProcessEndedError: the SuperLink ended.
        TimeoutError: it does neither.
    """
    end = time.monotonic() + _LISTEN_SECONDS
    while True:
        processes.require_running(SUPERLINK)
        try:
            socket.create_connection((listening.host, listening.port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise TimeoutError(f"the SuperLink does not answer on {listening.host}:{listening.port}") from None
            time.sleep(0.1)


def submit(job: FederatedSpecification, address: str, authority: Path, node_keys: Path) -> None:
    """Register each site's SuperNode under the site's name, then ask for the run.

    Raises:
        SpecificationError: a public key is not one that Flower takes, or that of two sites.
    """
    from flwr.common.serde import fab_to_proto
    from flwr.proto.control_pb2 import RegisterNodeRequest, StartRunRequest
    from flwr.supercore.fab import Fab

    from trainyard_federated.bundle import build_bundle

    keys = {site.name: _public_key(node_keys / f"{site.name}.pub") for site in job.sites}
    if same := [name for name, key in keys.items() if list(keys.values()).count(key) > 1]:
        raise SpecificationError(f"{node_keys}: the public keys of {', '.join(same)} are the same; each has its own")
    client, bundle = _control_client(address, authority.read_bytes()), build_bundle()
    for name, key in keys.items():
        client.RegisterNode(RegisterNodeRequest(public_key=key, name=name))
    client.StartRun(StartRunRequest(fab=fab_to_proto(Fab(hashlib.sha256(bundle).hexdigest(), bundle, {}))))
    client.close()


def follow(
    processes: Processes, job: FederatedSpecification, stop: StopRequest, watch: Callable[[], None]
) -> ExitStatus:
    """Wait for the coordinator's end, calling ``watch`` meanwhile, and return how it ended.

    Raises:
        ProcessEndedError: as ``watch`` does.
    """
    stop.set_deadline(job.max_runtime_seconds + _PUBLISH_SECONDS)
    while True:
        if COORDINATOR in processes.ended():
            status = processes.status(COORDINATOR)
            return ExitStatus.DONE if status == 0 else status_of_process(status)
        if stop.reason is not None:
            say(f"stopped: {stop.reason}; run again to go on after the last round")
            return ExitStatus.STOPPED_EARLY
        watch()
        time.sleep(_WATCH_SECONDS)


def _control_client(address: str, root_certificates: bytes) -> Any:
    from flwr.supercore.control import ControlHttpClient
    from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor

    return ControlHttpClient.from_server_address(
        server_address=address,
        insecure=False,
        root_certificates=root_certificates,
        interceptors=[RuntimeVersionHttpInterceptor(component_name="flwr CLI")],
    )


def _public_key(path: Path) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_ssh_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SpecificationError(f"{path} is no public key in OpenSSH's format: {error}") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SpecificationError(f"{path} is no key on a NIST curve: make one by ssh-keygen -t ecdsa -b 384")
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


if __name__ == "__main__":
    sys.exit(told(lambda: main(sys.argv[1:])))
