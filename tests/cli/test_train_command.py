"""`yard train`: what is refused, and what commands say about jobs, without anything being trained."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.yard import make_project, yard
from tests.workloads.training.jobs.documents import AWS_KEY, SAGEMAKER, job_file, local_job, sagemaker_job
from workloads.training.jobs.platforms import LocalPlatform
from workloads.training.jobs.records import Record, folder_of
from workloads.training.jobs.states import JobStatus

CREATED = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project", "")


def add_job(project: Path, name: str, **status: Any) -> None:
    started = {"created": CREATED, "started": CREATED, "ended": CREATED + timedelta(minutes=30), "seconds": 1800.0}
    record = Record(name=name, status=JobStatus(**{**started, "usd_per_hour": 3.0, **status}))
    folder_of(project / ".trainyard" / "jobs", name).create(local_job(), LocalPlatform(), record)


def test_bad_files_are_refused_whole_before_anything_is_created(project: Path) -> None:
    job, platform = project / "JOB.json", project / "SAGEMAKER.json"
    job.write_text(json.dumps(job_file("s3", AWS_KEY, epochs=0)))
    platform.write_text(json.dumps({**SAGEMAKER, "image": "trainyard:latest"}))
    refused = yard("train", "submit", str(job), "--platform", str(platform), "-C", str(project))
    assert refused.code == 2
    assert "JOB.json: epochs: " in refused.err
    assert "SAGEMAKER.json: image: " in refused.err
    assert not (project / ".trainyard").exists()


def test_a_dry_run_prints_the_request_and_asks_nobody(project: Path) -> None:
    job, platform = project / "JOB.json", project / "SAGEMAKER.json"
    job.write_text(sagemaker_job().model_dump_json())
    platform.write_text(json.dumps(SAGEMAKER))
    shown = yard(
        *("train", "submit", str(job), "--platform", str(platform), "--dry-run", "--name", "digits-1"),
        *("-C", str(project)),
        environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
    )
    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["TrainingJobName"] == "digits-1"
    assert not (project / ".trainyard").exists()


def test_jobs_are_listed_and_told(project: Path) -> None:
    assert "There is no job" in yard("train", "list", "-C", str(project)).out
    add_job(project, "first", state="succeeded", metrics={"test_accuracy": 0.985})
    add_job(project, "second", state="failed", reason="exit code 65: the data set", usd_per_hour=None)
    listed = yard("train", "list", "-C", str(project))
    assert listed.code == 0, listed.err
    assert "1.50 USD" in listed.out
    assert "price unknown" in listed.out
    assert "second: exit code 65: the data set" in listed.out
    jobs = json.loads(yard("train", "list", "--json", "-C", str(project)).out)["jobs"]
    assert [(job["name"], job["state"], job["cost_usd"]) for job in jobs] == [
        ("first", "succeeded", 1.5),
        ("second", "failed", None),
    ]
    told = yard("train", "status", "first", "-C", str(project))
    assert "test_accuracy  0.985" in told.out
    assert "1,800 s, 0 restarts" in told.out


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1), ("stopped", 8)])
def test_following_ends_as_the_job_has_ended(project: Path, state: str, code: int) -> None:
    add_job(project, "digits", state=state, reason="it was so")
    followed = yard("train", "follow", "digits", "-C", str(project))
    assert followed.code == code
    assert f"job digits: {state} after 1,800 s, 1.50 USD: it was so" in followed.err


def test_a_job_that_is_not_there_is_told_with_what_to_do(project: Path) -> None:
    missing = yard("train", "stop", "x", "-C", str(project))
    assert missing.code == 1
    assert missing.err == "yard: there is no job x; 'yard train list' shows those that there are\n"


def test_stopping_what_has_ended_says_so(project: Path) -> None:
    add_job(project, "digits", state="succeeded")
    assert yard("train", "stop", "digits", "-C", str(project)).out == "job digits had ended: succeeded\n"
