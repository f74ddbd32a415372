"""What platforms say, translated: states, times, cost, exit codes, metrics."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard_training.exit_status import ExitStatus
from workloads.training.jobs.exit_meaning import MEANINGS, exit_code_in, meaning_of
from workloads.training.jobs.metrics import METRICS, read_metrics
from workloads.training.jobs.sagemaker_states import sagemaker_status
from workloads.training.jobs.states import State
from workloads.training.jobs.supervision import Ending, judge
from workloads.training.jobs.vertex_states import vertex_status

CREATED = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
STARTED = CREATED + timedelta(minutes=3)
ENDED = STARTED + timedelta(minutes=30)


def described(status: str, secondary: str, **more: Any) -> dict[str, Any]:
    return {"TrainingJobStatus": status, "SecondaryStatus": secondary, "CreationTime": CREATED, **more}


@pytest.mark.parametrize(
    ("status", "secondary", "state"),
    [
        ("InProgress", "Pending", "queued"),
        ("InProgress", "Starting", "starting"),
        ("InProgress", "Downloading", "starting"),
        ("InProgress", "Interrupted", "queued"),
        ("InProgress", "Training", "running"),
        ("InProgress", "Uploading", "running"),
        ("InProgress", "SomethingNew", "running"),
        ("Stopping", "Stopping", "stopping"),
        ("Completed", "Completed", "succeeded"),
        ("Failed", "Failed", "failed"),
        ("Stopped", "Stopped", "stopped"),
        ("Stopped", "MaxRuntimeExceeded", "stopped"),
    ],
)
def test_sagemakers_states(status: str, secondary: str, state: State) -> None:
    assert sagemaker_status(described(status, secondary), None).state == state


def test_every_status_that_sagemaker_has_is_translated() -> None:
    model = boto3.client("sagemaker", region_name="us-east-1").meta.service_model
    for status in model.shape_for("TrainingJobStatus").enum:
        for secondary in model.shape_for("SecondaryStatus").enum:
            translated = sagemaker_status(described(status, secondary), None)
            assert translated.has_ended == (status in ("Completed", "Failed", "Stopped", "Deleting"))


def test_sagemakers_limits_are_told_apart_from_a_request() -> None:
    reasons = {
        secondary: sagemaker_status(described("Stopped", secondary), None).reason
        for secondary in ("Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded")
    }
    assert len(set(reasons.values())) == 3
    assert "run time" in reasons["MaxRuntimeExceeded"]


def test_sagemaker_bills_fewer_seconds_of_spot_capacity_than_pass() -> None:
    times = {"TrainingStartTime": STARTED, "TrainingEndTime": ENDED}
    assert sagemaker_status(described("Completed", "Completed", **times), 2.0).cost_usd == pytest.approx(1.0)
    billed = sagemaker_status(described("Completed", "Completed", **times, BillableTimeInSeconds=600), 2.0)
    assert billed.cost_usd == pytest.approx(1 / 3)
    assert billed.cost_text == "0.33 USD"
    assert sagemaker_status(described("Completed", "Completed", **times), None).cost_text == "price unknown"


def test_sagemakers_failures_tell_what_the_exit_code_means() -> None:
    failed = sagemaker_status(described("Failed", "Failed", FailureReason="AlgorithmError: , exit code: 65"), None)
    assert failed.state == "failed"
    assert "run the loader again" in failed.reason
    # The trainer's own deadline is no failure.
    early = sagemaker_status(described("Failed", "Failed", FailureReason="AlgorithmError: , exit code: 75"), None)
    assert early.state == "stopped"
    capacity = sagemaker_status(described("Failed", "Failed", FailureReason="CapacityError: none\nat all"), None)
    assert capacity.reason == "CapacityError: none at all"


def custom_job(state: str, **more: Any) -> dict[str, Any]:
    return {"state": state, "createTime": "2026-11-26T08:00:00.123456Z", **more}


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("JOB_STATE_QUEUED", "queued"),
        ("JOB_STATE_PENDING", "starting"),
        ("JOB_STATE_RUNNING", "running"),
        ("JOB_STATE_SUCCEEDED", "succeeded"),
        ("JOB_STATE_FAILED", "failed"),
        ("JOB_STATE_CANCELLING", "stopping"),
        ("JOB_STATE_CANCELLED", "stopped"),
        ("JOB_STATE_PAUSED", "queued"),
        ("JOB_STATE_EXPIRED", "failed"),
        ("JOB_STATE_UPDATING", "running"),
        ("JOB_STATE_PARTIALLY_SUCCEEDED", "failed"),
        ("JOB_STATE_UNSPECIFIED", "queued"),
    ],
)
def test_vertexs_states(said: str, state: State) -> None:
    assert vertex_status(custom_job(said), None, {}).state == state


def test_vertexs_times_and_failures() -> None:
    times = {"startTime": "2026-11-26T08:03:00Z", "endTime": "2026-11-26T08:33:00.5Z"}
    said = {"error": {"code": 3, "message": "The replica workerpool0-0 exited with a non-zero status of 70. ..."}}
    failed = vertex_status(custom_job("JOB_STATE_FAILED", **times, **said), 4.0, {"step": 3.0})
    assert failed.seconds == pytest.approx(1800.5)
    assert failed.cost_usd == pytest.approx(2.0, abs=0.01)
    assert "lower learning rate" in failed.reason
    assert failed.metrics == {"step": 3.0}
    said["error"]["message"] = "The replica workerpool0-0 exited with a non-zero status of 75."
    assert vertex_status(custom_job("JOB_STATE_FAILED", **times, **said), None, {}).state == "stopped"


def test_every_exit_code_of_the_training_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitStatus)
    assert meaning_of(-9) == meaning_of(137) == "killed by SIGKILL; submit it again to go on"
    assert meaning_of(200) == "exit code 200, which is none of the training package's"
    assert exit_code_in("it was not told") is None


@settings(max_examples=100)
@given(
    code=st.sampled_from([0, 1, 2, 65, 69, 70, 71, 72, 74, 75, 77, -9, -15, 137]),
    stop=st.sampled_from([None, "stopped on request"]),
    limit=st.sampled_from([None, "reached maximum_cost_usd 1"]),
    restarts=st.integers(0, 4),
    most=st.integers(0, 4),
)
def test_only_an_early_stop_that_nobody_wanted_is_run_again(
    code: int, stop: str | None, limit: str | None, restarts: int, most: int
) -> None:
    verdict = judge(Ending(code, stop, limit, restarts, most))
    again = code == 75 and stop is None and limit is None and restarts < most
    assert (verdict.state is None) == again
    if code == 0:
        assert verdict.state == "succeeded"
    elif not again:
        assert verdict.state == ("stopped" if stop or code in (72, 74, 75) else "failed")
        assert verdict.reason


def test_metrics_are_read_from_lines_as_the_training_prints_them() -> None:
    lines = [
        "run digits/1: 1438 training and 359 test images in 8 shards, 1 workers on cpu, 19178 parameters, 264 steps",
        "step  25/264  epoch  2/12  loss 2.2327  10,919 images/s",
        "step 264/264  epoch 12/12  loss 0.3840  9,351 images/s",
        "published s3://m/x: test accuracy 0.9861, 3 artifacts",
        "checkpoint of step 264",
    ]
    assert read_metrics(lines) == {
        "step": 264,
        "training_loss": 0.384,
        "examples_per_second": 9351,
        "test_accuracy": 0.9861,
    }
    assert read_metrics(["step 1/2  loss nan  e images/s", "test accuracy ..."]) == {"step": 1}
    assert all(len(regex) <= 500 for regex in METRICS.values())
