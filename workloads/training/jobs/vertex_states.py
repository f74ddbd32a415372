"""What Vertex AI says of a custom job, as a job's status. Pure.

Source: the reference of ``google.cloud.aiplatform.v1``, messages ``CustomJob`` and ``JobState``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workloads.training.jobs.exit_meaning import STOPPED_ITSELF, exit_code_in, meaning_of
from workloads.training.jobs.states import JobStatus, State, one_line, seconds_between

_STATES: dict[str, State] = {
    "JOB_STATE_QUEUED": "queued",
    "JOB_STATE_PAUSED": "queued",
    "JOB_STATE_PENDING": "starting",
    "JOB_STATE_RUNNING": "running",
    "JOB_STATE_UPDATING": "running",
    "JOB_STATE_CANCELLING": "stopping",
    "JOB_STATE_SUCCEEDED": "succeeded",
    "JOB_STATE_FAILED": "failed",
    "JOB_STATE_EXPIRED": "failed",
    "JOB_STATE_PARTIALLY_SUCCEEDED": "failed",
    "JOB_STATE_CANCELLED": "stopped",
}
_SAID_OF_STATE = {
    "JOB_STATE_PAUSED": "paused by Vertex AI",
    "JOB_STATE_EXPIRED": "waited for capacity as long as Vertex AI waits",
    "JOB_STATE_PARTIALLY_SUCCEEDED": "Vertex AI says that some of it failed",
}


def vertex_status(job: Mapping[str, Any], usd_per_hour: float | None, metrics: Mapping[str, float]) -> JobStatus:
    """A CustomJob as a status. A state that Vertex AI has added since, or none, counts as queued."""
    state, reason = _state(job)
    started, ended = _time(job.get("startTime")), _time(job.get("endTime"))
    created = _time(job["createTime"])
    assert created is not None
    return JobStatus(
        state=state,
        reason=one_line(reason),
        created=created,
        started=started,
        ended=ended,
        seconds=seconds_between(started, ended),
        usd_per_hour=usd_per_hour,
        metrics=dict(metrics),
    )


def _state(job: Mapping[str, Any]) -> tuple[State, str]:
    name = str(job.get("state", ""))
    state = _STATES.get(name, "queued")
    said = str(job.get("error", {}).get("message", ""))
    if state == "failed":
        code = exit_code_in(said)
        if code is not None and code in STOPPED_ITSELF:
            return "stopped", meaning_of(code)
        if code is not None:
            return "failed", f"{meaning_of(code)} ({said})"
    if state == "stopped":
        return state, said or "stopped on request, or at the longest run time that Vertex AI was given"
    return state, said or _SAID_OF_STATE.get(name, "")


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
