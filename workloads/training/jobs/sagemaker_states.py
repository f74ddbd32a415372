"""What SageMaker says of a training job, as a job's status. Pure.

Source: DescribeTrainingJob's reference, ``TrainingJobStatus``, ``SecondaryStatus`` and the times.
"""

from collections.abc import Mapping
from typing import Any

from workloads.training.jobs.exit_meaning import STOPPED_ITSELF, exit_code_in, meaning_of
from workloads.training.jobs.states import JobStatus, State, one_line, seconds_between

_IN_PROGRESS: dict[str, State] = {
    "Pending": "queued",
    "Starting": "starting",
    "LaunchingMLInstances": "starting",
    "PreparingTrainingStack": "starting",
    "Downloading": "starting",
    "DownloadingTrainingImage": "starting",
    "Restarting": "starting",
    "Interrupted": "queued",
    "Training": "running",
    "Updating": "running",
    "Uploading": "running",
}
_STOPPED_BECAUSE = {
    "MaxRuntimeExceeded": "reached the longest run time that SageMaker was given",
    "MaxWaitTimeExceeded": "waited for spot capacity as long as SageMaker was told to",
}


def sagemaker_status(description: Mapping[str, Any], usd_per_hour: float | None) -> JobStatus:
    """DescribeTrainingJob's answer as a status. A state that SageMaker has added since counts as running."""
    state, reason = _state(description)
    started, ended = description.get("TrainingStartTime"), description.get("TrainingEndTime")
    return JobStatus(
        state=state,
        reason=one_line(reason),
        created=description["CreationTime"],
        started=started,
        ended=ended or (description.get("LastModifiedTime") if state in ("failed", "stopped") else None),
        # With spot capacity fewer seconds are billed than pass, at the price on demand.
        seconds=float(description.get("BillableTimeInSeconds") or seconds_between(started, ended)),
        usd_per_hour=usd_per_hour,
        metrics={each["MetricName"]: float(each["Value"]) for each in description.get("FinalMetricDataList") or ()},
    )


def _state(description: Mapping[str, Any]) -> tuple[State, str]:
    status, secondary = description["TrainingJobStatus"], description.get("SecondaryStatus", "")
    if status == "InProgress":
        return _IN_PROGRESS.get(secondary, "running"), _message(description)
    if status == "Stopping":
        return "stopping", ""
    if status == "Completed":
        return "succeeded", ""
    if status == "Failed":
        said = description.get("FailureReason", "")
        code = exit_code_in(said)
        if code is not None and code in STOPPED_ITSELF:
            return "stopped", meaning_of(code)
        return "failed", said if code is None else f"{meaning_of(code)} ({said})"
    return "stopped", _STOPPED_BECAUSE.get(secondary, "stopped on request")


def _message(description: Mapping[str, Any]) -> str:
    transitions = description.get("SecondaryStatusTransitions") or ()
    return transitions[-1].get("StatusMessage", "") if transitions else ""
