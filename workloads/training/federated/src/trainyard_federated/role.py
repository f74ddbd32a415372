"""What a started process does: ``python -m trainyard_federated.role ROLE …``, for ``server`` and ``site`` to call.

``superlink`` and ``supernode`` are Flower's own commands, with the arguments that follow. ``coordinator`` and
``trainer`` run what those two are asked for, with the identity of the coordinator or of a site. All end with whoever
started them.
"""

import importlib
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from trainyard_artifacts.specification import load_specification
from trainyard_federated.outcome import STATUS_VARIABLE, read_status, told
from trainyard_federated.processes import end_with, starter
from trainyard_federated.specification import FederatedSpecification
from trainyard_training.exit_status import ExitStatus

_ASK_SECONDS = 0.5


def main(arguments: list[str]) -> ExitStatus:
    """Do what the first argument says."""
    role, *rest = arguments
    if role in ("superlink", "supernode"):
        end_with(starter())
        sys.argv = [f"flower-{role}", *rest]
        be_superlink() if role == "superlink" else be_supernode()
        return ExitStatus.DONE
    # These two fork, so they watch for their parent in their loop: a thread would not be in the fork.
    return coordinate(*rest) if role == "coordinator" else told(lambda: train_for_a_site(*rest))


def be_superlink() -> None:
    """Flower's ``flower-superlink``."""
    from flwr.superlink.cli.flower_superlink import flower_superlink

    flower_superlink()


def be_supernode() -> None:
    """Flower's ``flower-supernode``, which asks for messages twice a second.

    Flower's asks every three seconds and has no setting for it: with models that train in a second, a round would be
    waiting for the most part.
    """
    from flwr.supernode.cli.flower_supernode import flower_supernode

    # By its name: the package has a function that is called like the module.
    flower: Any = importlib.import_module("flwr.supernode.start_client_internal")
    flower.time = SimpleNamespace(sleep=lambda seconds: time.sleep(min(seconds, _ASK_SECONDS)))
    flower_supernode()


def coordinate(address: str, secret: str, authority: str) -> ExitStatus:
    """Run the ServerApp once."""
    from trainyard_federated.executor import Runtime, run_server_task, serve

    runtime = Runtime(address, Path(secret), Path(authority))
    serve(runtime, "flwr-serverapp", run_server_task(runtime))
    return read_status(Path(os.environ[STATUS_VARIABLE]))


def train_for_a_site(job_file: str, name: str, address: str, secret: str) -> ExitStatus:
    """Read the site's data and run the ClientApp until the parent ends.

    Raises:
        SpecificationError, DataError, StorageError: the job or the site's data cannot be used.
    """
    job = load_specification(Path(job_file), FederatedSpecification)
    site = job.site(name)
    assert site is not None

    from trainyard_federated.client_app import Myself, become
    from trainyard_federated.executor import Runtime, run_client_task, serve
    from trainyard_federated.local_data import load_site_data

    become(Myself(job, site.name, load_site_data(site.datasets_uri, job.examples)))
    runtime = Runtime(address, Path(secret))
    serve(runtime, "flwr-clientapp", run_client_task(runtime))
    return ExitStatus.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
