"""The coordinator's end in Flower: resumes, makes the rounds, publishes.

It runs with the coordinator's identity, which opens the places for checkpoints and models and no site's data.
"""

import os
import time
from pathlib import Path

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from trainyard_artifacts.envelope import Envelope
from trainyard_artifacts.fetch import write_atomically
from trainyard_artifacts.specification import load_specification
from trainyard_federated.checkpoints import RoundCheckpoints
from trainyard_federated.coordination import Clock, State, require_same_training, run_rounds
from trainyard_federated.flower_sites import FlowerSites
from trainyard_federated.local_training import new_model, weights_of
from trainyard_federated.outcome import JOB_VARIABLE, STARTED_VARIABLE, STATUS_VARIABLE, say, told, warn
from trainyard_federated.publishing import publish_model
from trainyard_federated.specification import FederatedSpecification
from trainyard_training.exit_status import ExitStatus

app = ServerApp()
"""What Flower calls."""


@app.main()
def main(grid: Grid, _context: Context) -> None:
    """Run the job that the environment names; how it ended is in the file that the environment names."""
    job = load_specification(Path(os.environ[JOB_VARIABLE]), FederatedSpecification)
    end = float(os.environ[STARTED_VARIABLE]) + job.max_runtime_seconds - time.time() + time.monotonic()
    status = told(lambda: coordinate(job, grid, end))
    write_atomically(Path(os.environ[STATUS_VARIABLE]), f"{status.value}\n".encode())


def coordinate(job: FederatedSpecification, grid: Grid, end: float) -> ExitStatus:
    """Make the rounds that are left, until ``end`` (of the monotonic clock, in seconds), and publish.

    Raises:
        SpecificationError, SitesMissingError, DivergedError, ModelRefusedError, ArtifactError: ``outcome`` says what
            each becomes.
    """
    envelope = Envelope(job.coordinator.encryption_key_uri)
    checkpoints = RoundCheckpoints(job, envelope)
    found = checkpoints.newest(warn)
    if found is None:
        state = State(weights_of(new_model(job)))
    else:
        state, agreed = found
        require_same_training(job, agreed)
        say(f"resumed after round {len(state.rounds)}")
    state = run_rounds(job, FlowerSites(job, grid, warn), state, Clock(end), checkpoints.save, say)
    if len(state.rounds) < job.rounds:
        say(
            f"stopped after round {len(state.rounds)} of {job.rounds}: reached the limit of"
            f" {job.max_runtime_seconds:g} s; run again"
        )
        return ExitStatus.STOPPED_EARLY
    publish_model(job, envelope, state, say)
    return ExitStatus.DONE
