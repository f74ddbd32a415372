"""A whole job on one machine: ``python -m trainyard_federated FEDERATED.json``.

Starts the SuperLink and, for each site, a SuperNode with only that site's identity; follows with a line a round; ends
all processes whatever happens. Exit codes are those of ``trainyard_training.exit_status``.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from trainyard_artifacts.specification import SpecificationError, load_specification
from trainyard_federated.identity import read_credentials
from trainyard_federated.outcome import say, told, warn
from trainyard_federated.ports import reserved_port
from trainyard_federated.processes import ProcessEndedError, Processes
from trainyard_federated.server import SUPERLINK, Listening, coordinator_credentials, follow, start_server
from trainyard_federated.site import Link, names_of, start_site
from trainyard_federated.specification import FederatedSpecification
from trainyard_training.exit_status import ExitStatus
from trainyard_training.interruption import StopRequest

_HOST = "127.0.0.1"


def main(arguments: list[str], stop: StopRequest) -> ExitStatus:
    """Run the job file to its end."""
    if len(arguments) != 1:
        print("usage: python -m trainyard_federated FEDERATED.json", file=sys.stderr)
        return ExitStatus.BAD_SPECIFICATION
    job_file = Path(arguments[0]).resolve()
    job = load_specification(job_file, FederatedSpecification)
    identities = read_identities(job)
    coordinator = coordinator_credentials(job)

    from trainyard_federated.keys import make_node_key, make_server_certificate

    with tempfile.TemporaryDirectory(prefix="trainyard-federated-") as name:
        folder = Path(name)
        logs, keys = folder / "logs", folder / "keys"
        for each in (logs, keys, folder / "coordinator"):
            each.mkdir()
        with Processes(logs) as processes:
            listening = Listening(_HOST, reserved_port(), make_server_certificate(keys, _HOST))
            node_keys = {site.name: make_node_key(keys, site.name) for site in job.sites}
            start_server(processes, job_file, job, listening, keys, folder / "coordinator", coordinator)
            say(f"run {job.job}/{job.run}: {job.rounds} rounds over {len(job.sites)} sites")
            for number, site in enumerate(job.sites):
                own = folder / f"site-{number}"
                own.mkdir()
                link = Link(f"{_HOST}:{listening.port}", listening.certificate.authority, node_keys[site.name])
                start_site(processes, job_file, site, link, own, identities[site.name])
            return follow(processes, job, stop, watch_sites(processes, job))


def read_identities(job: FederatedSpecification) -> dict[str, dict[str, str]]:
    """Each site's credentials.

    Raises:
        SpecificationError: files cannot be used; all of them are told.
    """
    identities, problems = {}, []
    for site in job.sites:
        try:
            identities[site.name] = read_credentials(f"sites.{site.name}.environment_file", Path(site.environment_file))
        except SpecificationError as error:
            problems.append(str(error))
    if problems:
        raise SpecificationError("\n".join(problems))
    return identities


def watch_sites(processes: Processes, job: FederatedSpecification) -> Callable[[], None]:
    """What is looked at while the coordinator works: a site of which a process has ended is let go of as a whole.

    What is returned raises ProcessEndedError where too few sites are left, or the SuperLink has ended.
    """
    left = {site.name: names_of(site) for site in job.sites}

    def watch() -> None:
        ended = processes.ended()
        for site, names in list(left.items()):
            if gone := [name for name in names if name in ended]:
                words, status = processes.last_words(gone[0]), processes.status(gone[0])
                processes.stop(*names)
                del left[site]
                if len(left) < job.minimum_sites:
                    raise ProcessEndedError(f"fewer sites than minimum_sites are left: {words}", status)
                warn(f"site {site} is out: {words}")
        processes.require_running(SUPERLINK)

    return watch


if __name__ == "__main__":
    request = StopRequest()
    request.watch_signals()
    sys.exit(told(lambda: main(sys.argv[1:], request)))
