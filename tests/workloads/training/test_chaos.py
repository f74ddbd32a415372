"""Killed again and again, workers and the whole job: the run ends at the same model, and loses one interval a kill."""

import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from tests.workloads.training.conftest import RunningJob, TrainingJob
from trainyard_artifacts.fetch import fetch_manifest
from trainyard_training.exit_status import ExitStatus

pytestmark = pytest.mark.xdist_group("training-chaos")

INTERVAL = 10
ELASTIC = [sys.executable, "-m", "trainyard_training.launch", "--standalone", "--nproc-per-node=2", "--max-restarts=1"]
ELASTIC += ["-m", "trainyard_training"]


Disturbance = Callable[[RunningJob, random.Random], None]


def workers_of(running: RunningJob) -> list[psutil.Process]:
    """The worker processes: what the launcher's own child has forked."""
    launcher = psutil.Process(running.process.pid)
    return [process for process in launcher.children(recursive=True) if process.ppid() != launcher.pid]


def kill_a_worker(running: RunningJob, chance: random.Random) -> None:
    """Outright, as the kernel does where memory runs out; the same launcher forms the group anew, once."""
    chance.choice(workers_of(running)).kill()


def terminate_the_job(running: RunningJob, _chance: random.Random) -> None:
    """As a cluster asks a pod to end before its node is taken away."""
    running.process.terminate()


def kill_the_job(running: RunningJob, _chance: random.Random) -> None:
    """As a machine that is gone."""
    processes = [running.process.pid, *(worker.pid for worker in workers_of(running))]
    for pid in processes:
        os.kill(pid, signal.SIGKILL)


def test_kills_cost_one_interval_each_and_change_nothing(
    new_job: Callable[..., TrainingJob], start: Callable[[TrainingJob, list[str]], RunningJob]
) -> None:
    chance = random.Random(7)
    disturbances: list[Disturbance] = [kill_a_worker, terminate_the_job, kill_the_job]
    chance.shuffle(disturbances)
    job = new_job(checkpoint_every_steps=INTERVAL)
    output = ""
    for disturb in disturbances:
        running = start(job, ELASTIC)
        running.wait_for("checkpoint of step ")
        time.sleep(chance.random() * 0.3)
        disturb(running, chance)
        if disturb is kill_a_worker:
            # The group goes on by itself; nothing has to be started again.
            running.wait_for("resumed from the checkpoint of step ")
            running.process.terminate()
        exit_code, said = running.end()
        output += said
        assert exit_code in (ExitStatus.STOPPED_EARLY, -signal.SIGKILL), said
        assert job.published == ()
    exit_code, said = start(job, ELASTIC).end()
    output += said
    assert exit_code == ExitStatus.DONE, said

    reached = 0
    for line in output.splitlines():
        if told := re.match(r"checkpoint of step (\d+)", line):
            reached = max(reached, int(told[1]))
        elif resumed := re.match(r"resumed from the checkpoint of step (\d+)", line):
            assert int(resumed[1]) >= reached, "a checkpoint that was told of is lost"
    assert output.count("resumed from") == 4

    undisturbed = new_job(run="undisturbed", **places(job, "undisturbed"))
    assert undisturbed.run_here() is ExitStatus.DONE
    assert metrics(undisturbed) == pytest.approx(metrics(job), rel=2e-2)


def places(job: TrainingJob, name: str) -> dict[str, str]:
    """Places of its own for another run of the same job."""
    specification = job.specification
    return {
        "checkpoints_uri": f"{specification.checkpoints_uri}-{name}",
        "models_uri": f"{specification.models_uri}-{name}",
    }


def metrics(job: TrainingJob) -> tuple[float, float]:
    """Accuracy and last loss of the published model."""
    found = fetch_manifest(f"{job.specification.models_uri}/manifest.json", job.origin).metrics
    return found["test_accuracy"], found["final_training_loss"]
