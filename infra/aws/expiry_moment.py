"""The moment at which a stack expires, as AWS takes it: in schedules, and in conditions of policies."""

import datetime
from typing import Any


def moment_in_utc(expires_at: str) -> str:
    """The moment in UTC to the second, such as 2027-03-31T18:00:00Z, whatever zone it was given in.

    EventBridge Scheduler and IAM take it so. Sources: EventBridge Scheduler API, CreateSchedule, StartDate; IAM user
    guide, "IAM JSON policy elements: Condition operators", date condition operators.

    :param expires_at: A moment with its zone, as the setting `expires_at` has it. Raises ValueError for another text.
    """
    moment = datetime.datetime.fromisoformat(expires_at)
    if moment.tzinfo is None:
        raise ValueError(f"{expires_at} has no zone")
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def until(expires_at: str) -> dict[str, Any]:
    """A condition that no request meets after the moment; none where the stack does not expire.

    Every request has the time of its own. Source: IAM user guide, "AWS global condition context keys",
    aws:CurrentTime.
    """
    return {"DateLessThan": {"aws:CurrentTime": moment_in_utc(expires_at)}} if expires_at else {}
