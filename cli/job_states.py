"""What the jobs of a namespace are doing, and why one that waits does: from what the cluster says of them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Object = Mapping[str, Any]
"""A Kubernetes object."""
State = Literal["complete", "failed", "running", "starting", "queued"]


@dataclass(frozen=True, kw_only=True)
class JobState:
    """One job."""

    name: str
    state: State
    """queued: its queue has not admitted it. starting: some of its pods are not running yet."""
    queue: str
    """Empty: it does not wait in one."""
    running: int
    """Pods that run."""
    pods: int
    """Pods that are to run at the same time."""
    nodes: tuple[str, ...]
    """Where they run."""
    interruptions: int
    """Pods that an interruption has ended, as far as they are still there."""
    reason: str
    """Why it waits or has failed, in the cluster's own words; empty: it does neither."""


def job_states(objects: Sequence[Object]) -> list[JobState]:
    """The jobs among Jobs, Pods and Kueue's Workloads of one namespace, by name."""
    kinds: dict[str, list[Object]] = {}
    for each in objects:
        kinds.setdefault(each["kind"], []).append(each)
    return [
        _state(job, _owned(kinds.get("Pod", []), job), _owned(kinds.get("Workload", []), job))
        for job in sorted(kinds.get("Job", []), key=lambda job: str(job["metadata"]["name"]))
    ]


def _owned(objects: Iterable[Object], job: Object) -> list[Object]:
    name = job["metadata"]["name"]
    return [
        each
        for each in objects
        if any(
            owner["kind"] == "Job" and owner["name"] == name for owner in each["metadata"].get("ownerReferences", ())
        )
    ]


def _state(job: Object, pods: Sequence[Object], workloads: Sequence[Object]) -> JobState:
    running = [pod for pod in pods if pod.get("status", {}).get("phase") == "Running"]
    wanted = int(job["spec"].get("parallelism", 1))
    failed, complete = _condition(job, "Failed"), _condition(job, "Complete")
    state: State
    if complete:
        state, reason = "complete", ""
    elif failed:
        state, reason = "failed", _said(failed)
    elif job["spec"].get("suspend"):
        state, reason = "queued", _why_queued(workloads)
    elif len(running) < wanted - int(job.get("status", {}).get("succeeded", 0)):
        state, reason = "starting", _why_pending(pods)
    else:
        state, reason = "running", ""
    return JobState(
        name=job["metadata"]["name"],
        state=state,
        queue=job["metadata"].get("labels", {}).get("kueue.x-k8s.io/queue-name", ""),
        running=len(running),
        pods=wanted,
        nodes=tuple(sorted({str(pod["spec"]["nodeName"]) for pod in running})),
        interruptions=sum(_condition(pod, "DisruptionTarget") is not None for pod in pods),
        reason=reason,
    )


def _condition(each: Object, type_: str, status: str = "True") -> Object | None:
    for condition in each.get("status", {}).get("conditions") or ():
        if condition["type"] == type_ and condition["status"] == status:
            return dict(condition)
    return None


def _said(condition: Object) -> str:
    return ": ".join(filter(None, [condition.get("reason", ""), condition.get("message", "")]))


def _why_queued(workloads: Sequence[Object]) -> str:
    for workload in workloads:
        refused = _condition(workload, "QuotaReserved", "False")
        if refused:
            return _said(refused)
    return "it has not been looked at by its queue yet"


def _why_pending(pods: Sequence[Object]) -> str:
    for pod in pods:
        unscheduled = _condition(pod, "PodScheduled", "False")
        if unscheduled:
            return _said(unscheduled)
        for status in pod.get("status", {}).get("containerStatuses") or ():
            waiting = status.get("state", {}).get("waiting")
            if waiting:
                return _said(waiting)
    return "its pods are being started"
