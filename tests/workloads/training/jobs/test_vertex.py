"""Jobs on Vertex AI, against a stand-in that checks requests against the documented messages."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workloads.training.jobs.documents import IMAGE_DIGEST, vertex_job, vertex_platform
from tests.workloads.training.jobs.vertex_stand_in import CUSTOM_JOB, GoogleCloud, serving
from trainyard_training.specification import TrainingSpecification
from workloads.training.jobs import google_api
from workloads.training.jobs.errors import JobError, JobRefusedError, PlatformUnavailableError
from workloads.training.jobs.following import follow
from workloads.training.jobs.platforms import VertexPlatform
from workloads.training.jobs.records import JobFolder, folders
from workloads.training.jobs.states import JobStatus
from workloads.training.jobs.submission import Order, refresh, submit
from workloads.training.jobs.vertex import Endpoints, Vertex
from workloads.training.jobs.vertex_request import create_request

URI = "gs://yard-staging/jobs/digits/JOB.json"


def test_the_request_has_everything_that_both_files_say() -> None:
    request = create_request(vertex_job({"capacity": "spot"}), vertex_platform(), "digits-1")
    jsonschema.validate(request, CUSTOM_JOB)
    spec = request["jobSpec"]
    chief, others = spec["workerPoolSpecs"]
    assert (chief["replicaCount"], others["replicaCount"]) == ("1", "2")
    assert {**chief, "replicaCount": "2"} == others
    assert chief["machineSpec"] == {
        "machineType": "g2-standard-24",
        "acceleratorType": "NVIDIA_L4",
        "acceleratorCount": 2,
    }
    assert chief["diskSpec"] == {"bootDiskType": "pd-ssd", "bootDiskSizeGb": 100}
    assert chief["containerSpec"]["imageUri"].endswith(IMAGE_DIGEST)
    assert chief["containerSpec"]["args"] == ["--nproc-per-node=2", "/gcs/yard-staging/jobs/digits-1/JOB.json"]
    assert spec["scheduling"] == {"timeout": "1620s", "strategy": "SPOT", "restartJobOnWorkerRestart": True}
    assert spec["serviceAccount"] == "training@yard-1.iam.gserviceaccount.com"
    assert spec["network"] == "projects/12345/global/networks/training"
    assert request["encryptionSpec"]["kmsKeyName"].endswith("/cryptoKeys/disks")
    assert request["labels"]["team"] == "vision"


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(1, 512),
    volume=st.integers(1, 16_384),
    gpus=st.integers(0, 16),
    spot=st.booleans(),
    seconds=st.floats(1, 1e7),
    labels=st.dictionaries(st.text(min_size=1, max_size=80), st.text(max_size=80), max_size=5),
)
def test_every_valid_job_is_a_valid_request(
    count: int, volume: int, gpus: int, spot: bool, seconds: float, labels: dict[str, str]
) -> None:
    resources = {
        "instance_count": count,
        "volume_gib": volume,
        "accelerator_type": "NVIDIA_L4" if gpus else None,
        "accelerator_count": gpus,
        "capacity": "spot" if spot else "on_demand",
    }
    job = vertex_job(resources, max_runtime_seconds=seconds)
    request = create_request(job, vertex_platform(labels=labels, network=None, encryption_key_name=None), "digits-1")
    jsonschema.validate(request, CUSTOM_JOB)
    assert sum(int(pool["replicaCount"]) for pool in request["jobSpec"]["workerPoolSpecs"]) == count


def test_the_stand_in_is_strict() -> None:
    good = create_request(vertex_job(), vertex_platform(), "digits-1")
    bad: list[Callable[[dict[str, Any]], object]] = [
        lambda job: job.update(display_name=job.pop("displayName")),
        lambda job: job["jobSpec"]["workerPoolSpecs"][1].update(replicaCount=2),
        lambda job: job["jobSpec"]["workerPoolSpecs"][0].update(replicaCount="2"),
        lambda job: job["jobSpec"]["scheduling"].update(timeout=60),
        lambda job: job["labels"].update(Team="x"),
    ]
    for spoil in bad:
        job = create_request(vertex_job(), vertex_platform(), "digits-1")
        assert job == good
        spoil(job)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(job, CUSTOM_JOB)


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    """The stand-in, which jobs on Vertex AI go to."""
    with serving() as cloud, requests.Session() as session:
        endpoints = Endpoints(cloud.endpoint, cloud.endpoint, cloud.endpoint)

        def connect(platform: VertexPlatform) -> Vertex:
            return Vertex(platform, session, endpoints)

        monkeypatch.setattr("workloads.training.jobs.submission.connect", connect)
        monkeypatch.setattr("workloads.training.jobs.following.connect", connect)
        yield cloud


def submitted(tmp_path: Path, **changes: Any) -> JobFolder:
    job = vertex_job({"usd_per_hour": 4.0}, **changes)
    return submit(Order(job, vertex_platform()), tmp_path, "digits")


def stop(google: GoogleCloud, folder: JobFolder) -> None:
    with requests.Session() as session:
        endpoints = Endpoints(google.endpoint, google.endpoint, google.endpoint)
        Vertex(vertex_platform(), session, endpoints).stop(folder, folder.read())


def test_a_job_from_its_creation_to_its_end(google: GoogleCloud, tmp_path: Path) -> None:
    folder = submitted(tmp_path)
    (name,) = google.jobs
    assert folder.read().remote == name
    assert TrainingSpecification.model_validate_json(google.objects[URI]) == folder.job()
    assert google.object_keys[URI].endswith("/cryptoKeys/disks")
    assert refresh(folder).status.state == "queued"
    google.jobs[name] |= {"state": "JOB_STATE_RUNNING", "startTime": "2026-11-26T08:05:00Z"}
    google.print_line(name, "2026-11-26T08:06:00.1Z", "step 25/50  epoch 1/2  loss 0.75  1,000 examples/s")
    google.print_line(name, "2026-11-26T08:07:00.1Z", "step 50/50  epoch 2/2  loss 0.25  900 examples/s")
    status = refresh(folder).status
    assert status.state == "running"
    assert status.metrics == {"step": 50, "training_loss": 0.25, "examples_per_second": 900}
    google.jobs[name] |= {"state": "JOB_STATE_SUCCEEDED", "endTime": "2026-11-26T08:35:00Z"}
    status = refresh(folder).status
    assert status.state == "succeeded"
    assert status.cost_usd == pytest.approx(2.0)
    asked = len(google.asked)
    assert refresh(folder).status == status
    assert len(google.asked) == asked


def test_its_output_is_followed_to_the_end(google: GoogleCloud, tmp_path: Path) -> None:
    folder = submitted(tmp_path)
    (name,) = google.jobs
    google.jobs[name] |= {"state": "JOB_STATE_RUNNING", "startTime": "2026-11-26T08:05:00Z"}
    google.print_line(name, "2026-11-26T08:06:00Z", "first\nand more")
    google.print_line("projects/x/1999", "2026-11-26T08:06:00Z", "of another job")
    polls = iter(range(9))

    def sleep(_: float) -> None:
        if next(polls) == 0:
            # At the same moment as the last one, and in the other form.
            google.print_line(name, "2026-11-26T08:06:00Z", "second", structured=False)
        else:
            google.print_line(name, "2026-11-26T08:07:00Z", "last")
            google.jobs[name] |= {"state": "JOB_STATE_FAILED", "error": {"code": 3, "message": "non-zero status of 65"}}

    told = list(follow(folder, 1.0, sleep))
    assert [each for each in told if isinstance(each, str)] == ["first", "and more", "second", "last"]
    states = [each.state for each in told if isinstance(each, JobStatus)]
    assert states == ["running", "failed"]


def test_a_job_is_cancelled_once(google: GoogleCloud, tmp_path: Path) -> None:
    folder = submitted(tmp_path)
    (name,) = google.jobs
    stop(google, folder)
    assert refresh(folder).status.state == "stopping"
    google.jobs[name] |= {"state": "JOB_STATE_CANCELLED"}
    stop(google, folder)
    assert sum(":cancel" in asked for asked in google.asked) == 1
    assert refresh(folder).status.state == "stopped"


def test_a_refused_job_leaves_nothing_behind(google: GoogleCloud, tmp_path: Path) -> None:
    google.refusals["customJobs"] = (403, "Permission 'aiplatform.customJobs.create' denied")
    with pytest.raises(JobRefusedError, match=r"cannot create custom job digits: HTTP 403 Permission"):
        submitted(tmp_path)
    assert google.objects == {}
    assert folders(tmp_path) == []


def test_another_jobs_file_is_not_overwritten(google: GoogleCloud, tmp_path: Path) -> None:
    google.objects[URI] = b"another's"
    with pytest.raises(JobRefusedError, match=r"cannot put the job file to gs://yard-staging/jobs/digits/JOB.json"):
        submitted(tmp_path)
    assert google.objects == {URI: b"another's"}
    assert google.jobs == {}


def test_a_creation_that_was_not_answered_is_looked_up(google: GoogleCloud, tmp_path: Path) -> None:
    google.refusals["customJobs"] = (503, "The service is currently unavailable.")
    with pytest.raises(PlatformUnavailableError, match="HTTP 503"):
        submitted(tmp_path)
    # Asked for once: a second job would cost a second time.
    assert sum("customJobs" in asked for asked in google.asked) == 1
    (folder,) = folders(tmp_path)
    google.refusals.clear()
    assert refresh(folder).status.reason == "Vertex AI has no such job: its creation was not answered"


def test_a_creation_that_succeeded_unanswered_is_found_by_name(google: GoogleCloud, tmp_path: Path) -> None:
    folder = submitted(tmp_path)
    folder.write(folder.read().model_copy(update={"remote": None}))
    assert refresh(folder).status.state == "queued"
    stop(google, folder)
    assert refresh(folder).status.state == "stopping"


def test_reading_is_asked_again_and_an_answer_that_is_none_is_told() -> None:
    with serving() as cloud, requests.Session() as session:
        retry = google_api.ASKED_AGAIN.new(backoff_factor=0)
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
        cloud.refusals["x"] = (503, "later")
        with pytest.raises(PlatformUnavailableError, match="cannot do it: HTTP 503 later"):
            google_api.ask(session, "GET", f"{cloud.endpoint}/x", "do it")
        assert len(cloud.asked) == 4
        with pytest.raises(JobError, match="cannot do it: HTTP 404"):
            google_api.ask(session, "GET", f"{cloud.endpoint}/y", "do it")
    with pytest.raises(PlatformUnavailableError, match=r"cannot do it: no answer \(ConnectionError\)"):
        google_api.ask(requests.Session(), "POST", f"{cloud.endpoint}/x?token=secret", "do it")


def test_missing_credentials_are_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(JobRefusedError, match="gcloud auth application-default login"):
        submitted(tmp_path / "jobs")
    assert folders(tmp_path / "jobs") == []
