"""Cloud Scheduler, IAM's condition on time and the APIs that it calls, as far as the switch of a stack needs them.

A stand-in, without a network: it knows when a cron expression is due, refuses a call before the moment that the grant's
condition names, and keeps pools and machines as GKE and Compute Engine would. GKE does one thing at a time in a
cluster. What it takes is what the published descriptions of the APIs say (container v1 and compute v1 of 2026-11).
"""

import base64
import datetime
import heapq
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.infra.recorder import Resources

JOB = "gcp:cloudscheduler/job:Job"
MINUTE = datetime.timedelta(minutes=1)
_LONG_AGO = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_SPANS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
"""The least and the greatest value of each field of a cron expression."""
_POOL = re.compile(
    r"https://container\.googleapis\.com/v1/projects/[^/]+/locations/[^/]+/clusters/([^/]+)/nodePools/([^/]+)"
    r":(setAutoscaling|setSize)"
)
_MACHINE = re.compile(
    r"https://compute\.googleapis\.com/compute/v1/projects/[^/]+/zones/[^/]+/instances/([^/]+)/stop"
    r"\?discardLocalSsd=true"
)


def due_minutes(schedule: str, first: datetime.datetime, last: datetime.datetime) -> Iterator[datetime.datetime]:
    """The minutes from one moment to another in which a cron expression is due, in order."""
    minutes, hours, days, months, weekdays = (
        _values(text, *span) for text, span in zip(schedule.split(), _SPANS, strict=True)
    )
    # With a day of the month and a day of the week, cron is due on either; these have no day of the week.
    assert weekdays == {*range(7)}
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    while midnight <= last:
        if midnight.day in days and midnight.month in months:
            for hour, minute in itertools.product(sorted(hours), sorted(minutes)):
                if first <= (due := midnight.replace(hour=hour, minute=minute)) <= last:
                    yield due
        midnight += datetime.timedelta(days=1)


def _values(text: str, least: int, greatest: int) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= {*range(least, greatest + 1)} if part == "*" else {*range(int(first), int(last or first) + 1)}
    assert found <= {*range(least, greatest + 1)}, text
    return found


def begins(condition: str) -> datetime.datetime:
    """The moment before which a condition refuses."""
    (text,) = re.findall(r'request\.time >= timestamp\("([^"]+)"\)', condition)
    return datetime.datetime.fromisoformat(text)


@dataclass
class Pool:
    """A pool of nodes of GKE's."""

    autoscaling: bool
    nodes: int


@dataclass
class GoogleCloud:
    """The pools and machines of a project."""

    pools: dict[str, Pool] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    busy_until: datetime.datetime = _LONG_AGO

    def call(self, uri: str, body: Any, now: datetime.datetime) -> int:
        """The HTTP status of a call. Raises AssertionError for one that no API knows."""
        if machine := _MACHINE.fullmatch(uri):
            assert body is None
            self.running.discard(machine[1])
            return 200
        found = _POOL.fullmatch(uri)
        assert found, uri
        if now < self.busy_until:
            return 400
        pool = self.pools[found[2]]
        if found[3] == "setAutoscaling":
            assert body.keys() == {"autoscaling"}
            assert body["autoscaling"].keys() <= {"enabled", "totalMinNodeCount", "totalMaxNodeCount"}
            pool.autoscaling = body["autoscaling"]["enabled"]
        else:
            assert body.keys() == {"nodeCount"}
            pool.nodes = body["nodeCount"]
        self.busy_until = now + 3 * MINUTE
        return 200


def run_jobs(
    resources: Resources, cloud: GoogleCloud, first: datetime.datetime, last: datetime.datetime
) -> Counter[int]:
    """Does what the jobs say from one moment to another, with their retries. How often each status was answered."""
    grants = [each.inputs["condition"]["expression"] for each in resources.registered if "condition" in each.inputs]
    (beginning,) = {begins(each) for each in grants if "request.time >=" in each}
    jobs = {job.name: job.inputs for job in resources.all(JOB)}
    calls = [(moment, name, 0) for name, job in jobs.items() for moment in due_minutes(job["schedule"], first, last)]
    heapq.heapify(calls)
    statuses = Counter[int]()
    while calls and calls[0][0] <= last:
        moment, name, attempt = heapq.heappop(calls)
        target = jobs[name]["httpTarget"]
        body = json.loads(base64.b64decode(target["body"], validate=True)) if "body" in target else None
        status = 403 if moment < beginning else cloud.call(target["uri"], body, moment)
        statuses[status] += 1
        if status != 200 and attempt < jobs[name]["retryConfig"]["retryCount"]:
            heapq.heappush(calls, (moment + _wait(jobs[name]["retryConfig"], attempt), name, attempt + 1))
    return statuses


def _wait(retries: Mapping[str, Any], attempt: int) -> datetime.timedelta:
    """How long a job waits after an attempt that failed. Source: Cloud Scheduler API, RetryConfig."""
    least, most = (int(retries[name].removesuffix("s")) for name in ("minBackoffDuration", "maxBackoffDuration"))
    return datetime.timedelta(seconds=min(least * 2 ** min(attempt, int(retries["maxDoublings"])), most))
