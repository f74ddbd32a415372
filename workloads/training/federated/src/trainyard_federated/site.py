"""One site: a SuperNode, which has no credentials, and the process that trains for it, which has the site's.

``python -m trainyard_federated.site FEDERATED.json SITE --superlink HOST:PORT --authority authority.pem --key
SITE.key`` runs it on the site's own machine until it is sent SIGTERM. Nothing listens beyond the loopback interface:
the SuperNode calls the SuperLink, never the other way round.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainyard_artifacts.specification import SpecificationError, load_specification
from trainyard_federated.identity import bare_environment, read_credentials, with_identity
from trainyard_federated.outcome import say, told
from trainyard_federated.ports import reserved_port
from trainyard_federated.processes import Processes
from trainyard_federated.specification import FederatedSpecification, Site
from trainyard_training.exit_status import ExitStatus
from trainyard_training.interruption import StopRequest

_WATCH_SECONDS = 0.2


@dataclass(frozen=True)
class Link:
    """The SuperLink, and how a SuperNode shows who it is."""

    address: str
    """HOST:PORT."""
    authority: Path
    """Certificate of the authority that vouches for the SuperLink."""
    key: Path
    """The SuperNode's private key."""


def main(arguments: list[str]) -> ExitStatus:
    """Take part in the job until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m trainyard_federated.site", description="Run one site of a job.")
    parser.add_argument("job", type=Path, metavar="FEDERATED.json")
    parser.add_argument("site", help="name of the site in the job file")
    parser.add_argument("--superlink", required=True, metavar="HOST:PORT")
    parser.add_argument("--authority", required=True, type=Path, help="certificate that vouches for the SuperLink's")
    parser.add_argument("--key", required=True, type=Path, help="private key whose public part is registered")
    options = parser.parse_args(arguments)
    stop = StopRequest()
    stop.watch_signals()
    job = load_specification(options.job, FederatedSpecification)
    if (site := job.site(options.site)) is None:
        there = ", ".join(each.name for each in job.sites)
        raise SpecificationError(f"{options.job}: there is no site {options.site!r}; there are {there}")
    credentials = read_credentials(f"sites.{site.name}.environment_file", Path(site.environment_file))
    link = Link(options.superlink, options.authority.resolve(), options.key.resolve())
    with tempfile.TemporaryDirectory(prefix="trainyard-site-") as folder, Processes(Path(folder)) as processes:
        names = start_site(processes, options.job.resolve(), site, link, Path(folder), credentials)
        while stop.reason is None:
            processes.require_running(*names)
            time.sleep(_WATCH_SECONDS)
        say(f"site {site.name} stopped: {stop.reason}")
    return ExitStatus.DONE


def start_site(
    processes: Processes, job_file: Path, site: Site, link: Link, folder: Path, credentials: Mapping[str, str]
) -> tuple[str, str]:
    """Start a site's two processes, and return their names. ``folder`` is for the site alone."""
    from trainyard_federated.keys import make_secret

    bare = bare_environment(os.environ, folder)
    port = reserved_port()
    address = f"127.0.0.1:{port}"
    secret = make_secret(folder / "secret")
    node, trainer = names_of(site)
    command = ["trainyard_federated.role", "supernode"]
    command += ["--superlink", link.address, "--root-certificates", str(link.authority)]
    command += ["--auth-supernode-private-key", str(link.key)]
    command += ["--isolation", "process", "--superexec-auth-secret-file", str(secret)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    processes.start(node, command, bare)
    command = ["trainyard_federated.role", "trainer", str(job_file), site.name, address, str(secret)]
    processes.start(trainer, command, with_identity(bare, credentials))
    return node, trainer


def names_of(site: Site) -> tuple[str, str]:
    """Names of a site's two processes: the SuperNode and the one that trains."""
    return f"{site.name}-supernode", f"{site.name}-trainer"


if __name__ == "__main__":
    sys.exit(told(lambda: main(sys.argv[1:])))
