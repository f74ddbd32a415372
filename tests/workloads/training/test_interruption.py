"""Stopped, killed and damaged runs: nothing is lost but the steps since the last checkpoint."""

import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count

import psutil
import pytest

from tests.processes import is_alive
from tests.workloads.training.conftest import LAUNCH, RunningJob, TrainingJob, wait_until
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.exit_status import ExitStatus
from trainyard_training.interruption import StopRequest

ALONE = [sys.executable, "-m", "trainyard_training"]
NewJob = Callable[..., TrainingJob]
Start = Callable[[TrainingJob, list[str]], RunningJob]


def test_sigterm_leaves_a_checkpoint_from_which_fewer_workers_go_on(new_job: NewJob, start: Start) -> None:
    job = new_job(epochs=20, checkpoint_every_steps=10)
    running = start(job, LAUNCH)
    running.wait_for("checkpoint of step 10")
    running.process.terminate()
    exit_code, output = running.end()
    assert exit_code == ExitStatus.STOPPED_EARLY, output
    assert "received SIGTERM; run again" in output
    assert job.published == ()
    stopped_at = max(job.checkpoints)
    assert f"stopped at step {stopped_at} of 440" in output

    assert job.run_here() is ExitStatus.DONE
    assert "manifest.json" in job.published


def test_a_killed_launcher_takes_its_workers_along_and_loses_one_interval(
    new_job: NewJob, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    job = new_job(epochs=400)
    running = start(job, LAUNCH)
    running.wait_for("checkpoint of step 50")
    workers = psutil.Process(running.process.pid).children(recursive=True)
    running.process.kill()
    assert wait_until(lambda: not any(map(is_alive, workers)))
    running.kill_group()
    newest = max(job.checkpoints)
    assert newest >= 50

    assert job.run_here(ticks=20) is ExitStatus.OUT_OF_TIME
    assert f"resumed from the checkpoint of step {newest}\n" in capsys.readouterr().out


def test_a_group_killed_outright_resumes_from_its_last_interval(
    new_job: NewJob, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    job = new_job(epochs=400, checkpoint_every_steps=20)
    running = start(job, ALONE)
    told = running.wait_for("checkpoint of step 60")
    running.kill_group()
    newest = max(job.checkpoints)
    assert newest % 20 == 0
    assert newest >= int(told.split()[-1])

    assert job.run_here(ticks=20) is ExitStatus.OUT_OF_TIME
    assert f"resumed from the checkpoint of step {newest}\n" in capsys.readouterr().out
    assert len(job.checkpoints) == 3


def test_the_deadline_stops_with_a_checkpoint(new_job: NewJob, capsys: pytest.CaptureFixture[str]) -> None:
    job = new_job()
    assert job.run_here(ticks=30) is ExitStatus.OUT_OF_TIME
    (stopped_at,) = job.checkpoints
    assert 0 < stopped_at < 50
    assert f"stopped at step {stopped_at} of 264: reached the limit of 30 s; run again" in capsys.readouterr().out


def test_an_altered_checkpoint_is_skipped_for_the_one_before(
    new_job: NewJob, capsys: pytest.CaptureFixture[str]
) -> None:
    job = new_job(checkpoint_every_steps=10)
    assert job.run_here(ticks=35) is ExitStatus.OUT_OF_TIME
    store = ObjectStore(job.specification.checkpoints_uri)
    *_, before, newest = sorted(job.checkpoints)
    (name,) = (name for name in store.list() if name.startswith(f"step-{newest:08}-") and "__0_0" in name)
    content = store.get(name)
    store.put(name, content[:-1] + bytes([content[-1] ^ 1]))
    capsys.readouterr()

    assert job.run_here(ticks=5) is ExitStatus.OUT_OF_TIME
    captured = capsys.readouterr()
    folder = name.partition("/")[0]
    assert f"warning: checkpoint {store.uri}/{folder} is skipped: cannot decrypt digits/" in captured.err
    assert f"resumed from the checkpoint of step {before}\n" in captured.out


def test_unreadable_newer_checkpoints_give_way_to_the_one_that_is_saved(
    new_job: NewJob, capsys: pytest.CaptureFixture[str]
) -> None:
    job = new_job()
    assert job.run_here(ticks=10) is ExitStatus.OUT_OF_TIME
    (before,) = job.checkpoints
    store = ObjectStore(job.specification.checkpoints_uri)
    for step in (100, 150, 200):
        store.put(f"step-{step:08}-00000000/.metadata.tink", b"no checkpoint")

    assert job.run_here(ticks=10) is ExitStatus.OUT_OF_TIME
    assert capsys.readouterr().err.count(" is skipped: ") == 3
    first, saved = job.checkpoints
    assert (first, saved > before) == (before, True)
    assert job.run_here(ticks=10) is ExitStatus.OUT_OF_TIME
    assert f"resumed from the checkpoint of step {saved}\n" in capsys.readouterr().out


def test_a_stop_is_asked_for_by_signal_deadline_or_the_launchers_end() -> None:
    clock = count()
    stop = StopRequest(clock=lambda: float(next(clock)))
    assert stop.reason is None
    stop.set_deadline(3)
    assert stop.reason is None
    assert stop.reason == "reached the limit of 3 s"
    assert stop.is_out_of_time


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_remembered_until_it_is_asked_for(number: signal.Signals) -> None:
    program = f"""
import os, signal
from trainyard_training.interruption import StopRequest
stop = StopRequest()
stop.watch_signals()
print(stop.reason)
os.kill(os.getpid(), {int(number)})
print(stop.reason)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["None", f"received {number.name}"]
