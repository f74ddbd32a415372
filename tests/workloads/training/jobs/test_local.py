"""Jobs on this machine: real supervisors in sessions of their own, over a stand-in for the training or the training."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.workloads.training.conftest import wait_until
from tests.workloads.training.jobs.documents import local_job
from workloads.training.jobs.errors import JobError, JobRefusedError
from workloads.training.jobs.following import follow
from workloads.training.jobs.local import ThisMachine, is_alive
from workloads.training.jobs.platforms import LocalPlatform
from workloads.training.jobs.records import JobFolder, ProcessIdentity, Record, folder_of, folders, new_name
from workloads.training.jobs.states import JobStatus, State
from workloads.training.jobs.submission import Order, refresh, submit

STAND_IN = "tests.workloads.training.jobs.stand_in_supervisor"
Start = Callable[..., JobFolder]


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Path]:
    """The folder of all jobs' folders; none of their processes is left."""
    path = tmp_path / "jobs"
    yield path
    for folder in folders(path):
        for identity in (folder.read().process, folder.read().launcher):
            if identity is not None and is_alive(identity):
                os.kill(identity.pid, signal.SIGKILL)


@pytest.fixture
def start(jobs: Path) -> Start:
    """Starts a job whose launcher does what the plan says."""

    def start_one(*plan: dict[str, Any], platform: LocalPlatform | None = None, **changes: Any) -> JobFolder:
        specification = platform or LocalPlatform()
        folder, job = folder_of(jobs, "digits"), local_job(**changes)
        status = JobStatus(state="queued", created=datetime.now(UTC), usd_per_hour=job.resources.usd_per_hour)
        folder.create(job, specification, Record(name="digits", status=status))
        (folder.path / "plan.json").write_text(json.dumps(plan))
        ThisMachine(specification, STAND_IN).create(job, folder)
        return folder

    return start_one


def ends(folder: JobFolder, state: State) -> Record:
    assert wait_until(lambda: refresh(folder).status.has_ended), folder.read()
    record = folder.read()
    assert record.status.state == state, record
    return record


def output(folder: JobFolder) -> str:
    return folder.output.read_text()


def test_a_job_that_stops_early_is_run_again_to_its_end(start: Start) -> None:
    folder = start({"exit": 75}, {"exit": 75}, {"print": "published m: test accuracy 0.99", "exit": 0})
    record = ends(folder, "succeeded")
    assert (record.restarts, record.exit_code) == (2, 0)
    assert "supervisor: stopped early with a checkpoint: restart 2 of 3" in output(folder)
    assert record.status.metrics == {"test_accuracy": 0.99}
    assert record.status.seconds > 0
    assert record.status.cost_text == "price unknown"


def test_restarts_are_bounded(start: Start) -> None:
    record = ends(start(*[{"exit": 75}] * 9, platform=LocalPlatform(restarts=1)), "stopped")
    assert record.restarts == 1
    assert record.status.reason == "stopped early again after 1 restarts; submit it again to go on"


def test_a_failure_is_told_by_its_meaning_and_not_run_again(start: Start) -> None:
    record = ends(start({"exit": 65}), "failed")
    assert "run the loader again" in record.status.reason
    assert record.restarts == 0


def test_a_job_is_stopped_on_request(start: Start) -> None:
    folder = start({"wait": True})
    assert wait_until(lambda: "began" in output(folder))
    assert refresh(folder).status.state == "running"
    ThisMachine(LocalPlatform()).stop(folder, folder.read())
    record = ends(folder, "stopped")
    assert record.status.reason == "stopped on request, with a checkpoint; submit it again to go on"
    assert record.restarts == 0
    # Once more does no harm.
    ThisMachine(LocalPlatform()).stop(folder, record)


def test_what_does_not_stop_in_its_grace_is_killed(start: Start) -> None:
    folder = start({"ignore": True}, platform=LocalPlatform(grace_seconds=0.3))
    assert wait_until(lambda: "began" in output(folder))
    ThisMachine(LocalPlatform()).stop(folder, folder.read())
    record = ends(folder, "stopped")
    assert record.status.reason.endswith("without a last checkpoint: was killed after its grace")
    assert not is_alive(record.launcher)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"max_runtime_seconds": 2.5}, "reached max_runtime_seconds 2.5"),
        (
            {"resources": {"usd_per_hour": 3600.0}, "maximum_cost_usd": 2.5},
            "reached maximum_cost_usd 2.5",
        ),
    ],
)
def test_time_and_cost_are_counted_over_all_restarts(start: Start, changes: dict[str, Any], reason: str) -> None:
    record = ends(start({"exit": 75}, {"wait": True}, **changes), "stopped")
    assert record.status.reason == f"{reason}, with a checkpoint; submit it again to go on"
    assert record.restarts == 1


def test_following_tells_every_line_and_the_end(start: Start) -> None:
    folder = start({"exit": 75}, {"print": "step 2/2  epoch 1/1  loss 0.5  10 images/s", "exit": 71})
    told = list(follow(folder, 0.05))
    lines = [each for each in told if isinstance(each, str)]
    assert lines[0] == "began"
    assert lines[-1].startswith("step 2/2")
    end = told[-1]
    assert isinstance(end, JobStatus)
    assert end.state == "failed"
    assert end.metrics["training_loss"] == 0.5


def test_another_process_of_the_same_number_is_not_the_one() -> None:
    this = psutil.Process()
    assert is_alive(ProcessIdentity(pid=this.pid, started=this.create_time()))
    assert not is_alive(ProcessIdentity(pid=this.pid, started=this.create_time() - 60))
    assert not is_alive(None)


def test_a_supervisor_that_cannot_begin_says_why_and_leaves_nothing(
    jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workloads.training.jobs.submission.connect", lambda it: ThisMachine(it, "nowhere"))
    with pytest.raises(JobRefusedError, match=r"did not start: .*No module named nowhere"):
        submit(Order(local_job(), LocalPlatform()), jobs, "digits")
    assert folders(jobs) == []


def test_the_same_run_is_not_started_twice(start: Start, jobs: Path) -> None:
    start({"wait": True})
    with pytest.raises(JobError, match="run digits/0123456789ab is at work already, as job digits; stop it first"):
        submit(Order(local_job(), LocalPlatform()), jobs, "another")
    other = local_job(checkpoints_uri="s3://yard-checkpoints/other")
    with pytest.raises(JobError, match="there is a job digits already"):
        submit(Order(other, LocalPlatform()), jobs, "digits")


@pytest.mark.parametrize("name", ["", "../x", "Digits", "a--b", "1a", "a" * 64])
def test_a_name_that_is_none_is_refused(jobs: Path, name: str) -> None:
    with pytest.raises(JobError, match="is no job's name"):
        folder_of(jobs, name)


def test_names_are_made_for_every_platform() -> None:
    now = datetime(2026, 11, 26, 8, 1, 2, tzinfo=UTC)
    name = new_name(local_job(), now)
    assert name == "digits-0123456789ab-20261126-080102"
    for job, run in (("9.x_Y", "r"), ("a" * 60, "b" * 60)):
        assert folder_of(Path("/jobs"), new_name(local_job(job=job, run=run), now)).name


def test_a_supervisor_that_is_killed_leaves_nothing_at_work(start: Start) -> None:
    folder = start({"wait": True})
    assert wait_until(lambda: "began" in output(folder))
    record = folder.read()
    assert record.process is not None
    os.kill(record.process.pid, signal.SIGKILL)
    assert wait_until(lambda: refresh(folder).status.state == "failed")
    assert refresh(folder).status.reason == "its supervisor was killed; submit it again to go on"
    assert not is_alive(record.launcher)
    assert "the supervisor of this job is gone: stopping" in output(folder)


def test_a_launcher_that_outlives_its_supervisor_is_still_stopping(start: Start) -> None:
    folder = start({"ignore": True})
    assert wait_until(lambda: "began" in output(folder))
    record = folder.read()
    assert record.process is not None
    os.kill(record.process.pid, signal.SIGKILL)
    assert wait_until(lambda: refresh(folder).status.state == "stopping")
    assert refresh(folder).status.reason == "its supervisor was killed"
