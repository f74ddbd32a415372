"""Finds what writes, starts and counts: scheduled jobs, log buckets and what routes logs to them, the budget."""

import re
from collections.abc import Iterator
from typing import Any

from lifecycle.teardown.finding import Found
from lifecycle.teardown.gcp.found import Finder, Search, Stage, labels_of, name_of
from lifecycle.teardown.gcp.ownership import mark_of, resource_names
from planning.google_scheduler import region_of_jobs

LOGS = ("network", "cluster")
"""What there is a log bucket for (`infra.gcp.logs`)."""
_EXCLUSION = ("logs",)
_DIGEST = "[0-9a-f]{8}"


def find_jobs(search: Search) -> Iterator[Found]:
    """Jobs of Cloud Scheduler, by what they act on (`infra.gcp.expiry`). Raises GoogleError."""
    region = region_of_jobs(search.subject.region)
    where = f"projects/{search.project}/locations/{region}/jobs"
    for each in search.calls.all("cloudscheduler", where, "jobs"):
        if why := _acts_on(search, each):
            words = "scheduler jobs delete {name} --location={location}"
            line = search.line(words, name=name_of(each["name"]), location=region)
            yield search.left(Stage.STARTERS, "scheduled job", name_of(each["name"]), why, line)


def _acts_on(search: Search, job: dict[str, Any]) -> str:
    uri = str((job.get("httpTarget") or {}).get("uri", ""))
    name = re.escape(search.subject.cluster_name)
    if re.search(rf"/projects/{re.escape(search.project)}/locations/[^/]+/clusters/{name}(?![\w-])", uri):
        return "it acts on the stack's cluster"
    if re.search(rf"/projects/{re.escape(search.project)}/zones/[^/]+/instances/{name}-machine-\d+(?![\w-])", uri):
        return "it acts on the stack's machine"
    return ""


def find_sinks(search: Search) -> Iterator[Found]:
    """What routes logs, and what leaves them out of the project's own bucket. Raises GoogleError."""
    names = resource_names(search.subject, (f"logs-{part}" for part in LOGS))
    for each in search.calls.all("logging", f"projects/{search.project}/sinks", "sinks"):
        if each["name"] in names:
            line = search.line("logging sinks delete {name}", name=each["name"])
            yield search.left(Stage.SINKS, "log sink", each["name"], "its name", line)
    exclusions = resource_names(search.subject, _EXCLUSION)
    for each in search.calls.all("logging", f"projects/{search.project}/exclusions", "exclusions"):
        if each["name"] in exclusions:
            # Exclusions of a project are those of the sink by which it keeps logs.
            line = search.line("logging sinks update _Default --remove-exclusions={name}", name=each["name"])
            yield search.left(Stage.SINKS, "log exclusion", each["name"], "its name", line)


def find_log_buckets(search: Search) -> Iterator[Found]:
    """Log buckets. A deleted one waits for seven days, and may be had back. Raises GoogleError."""
    where = f"projects/{search.project}/locations/{search.subject.region}/buckets"
    form = re.compile(rf"{re.escape(search.subject.cluster_name)}-({'|'.join(LOGS)})-{_DIGEST}")
    for each in search.calls.all("logging", where, "buckets"):
        name = name_of(each["name"])
        if not form.fullmatch(name):
            continue
        if each.get("lifecycleState") == "DELETE_REQUESTED":
            yield search.going(Stage.RECORDS, "log bucket", name, "it waits seven days for its deletion")
            continue
        words = "logging buckets delete {name} --location={location}"
        line = search.line(words, name=name, location=search.subject.region)
        locked = ", and it is locked, so it stays as long" if each.get("locked") else ""
        why = f"its name; it keeps logs for {each.get('retentionDays', 30)} days{locked}"
        yield search.left(Stage.RECORDS, "log bucket", name, why, line)


def find_budgets(search: Search) -> Iterator[Found]:
    """The budget, of the billing account that the stack's file names. Raises GoogleError."""
    account = search.subject.billing_account
    if not account:
        return
    number = f"projects/{search.subject.project_number}"
    for each in search.calls.all("billingbudgets", f"billingAccounts/{account}/budgets", "budgets"):
        projects = (each.get("budgetFilter") or {}).get("projects") or ()
        if each.get("displayName") == search.subject.cluster_name and number in projects:
            words = "billing budgets delete {name} --billing-account={account}"
            line = search.line(words, name=name_of(each["name"]), account=account)
            yield search.left(
                Stage.RECORDS, "budget", name_of(each["name"]), "its name, and it counts this project", line
            )


def find_channels(search: Search) -> Iterator[Found]:
    """Channels by which people are told of the budget. Raises GoogleError."""
    path = f"projects/{search.project}/notificationChannels"
    for each in search.calls.all("monitoring", path, "notificationChannels"):
        why = mark_of(search.subject, labels_of(each, "userLabels"))
        if not why and each.get("displayName", "").startswith(f"{search.subject.cluster_name}: "):
            why = f"its name, {each['displayName']}"
        if why:
            line = search.line("beta monitoring channels delete {name} --force", name=each["name"])
            yield search.left(Stage.RECORDS, "notification channel", name_of(each["name"]), why, line)


FINDERS = (
    Finder("scheduled jobs", find_jobs, may_be_off=True),
    Finder("log sinks and exclusions", find_sinks),
    Finder("log buckets", find_log_buckets),
    Finder("budgets", find_budgets, may_be_off=True),
    Finder("notification channels", find_channels),
)
