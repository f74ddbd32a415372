"""When Cloud Scheduler acts on a stack that expires: pure, from the moment alone.

Its schedules are cron's, which have neither a year nor a beginning. So a call has two of them: one for the day of the
moment, from its hour on, and one for the day after, until the same hour. Together they are due every quarter of an hour
for a day, the first time within a minute of the moment. What is due earlier than that (in the hour of the moment before
it, and in a year before it) is refused by IAM, whose condition knows the moment itself: `not_before`. What is due a
year later finds an expired stack, or none.

Sources: Cloud Scheduler, "Cron job format and time zone"; IAM, "Configure temporary access".
"""

import datetime

EVERY_MINUTES = 15
"""How often it is done once the moment has come."""
TIME_ZONE = "Etc/UTC"
"""Without daylight saving: each hour of a day is there once."""


def schedules(moment: datetime.datetime) -> tuple[str, str]:
    """The cron expressions of a call: on the day of the moment, and on the day after it.

    :param moment: In UTC; a second after a minute has begun counts for the next one.
    """
    first = moment.replace(second=0, microsecond=0)
    if first < moment:
        first += datetime.timedelta(minutes=1)
    after = first + datetime.timedelta(days=1)
    offset = first.minute % EVERY_MINUTES
    minutes = ",".join(str(minute) for minute in range(offset, 60, EVERY_MINUTES))
    return (
        f"{minutes} {_hours(first.hour, 23)} {first.day} {first.month} *",
        f"{minutes} {_hours(0, after.hour)} {after.day} {after.month} *",
    )


def not_before(moment: datetime.datetime) -> str:
    """A condition of IAM, in CEL, that no request meets before the moment. A part of a second is cut off.

    :param moment: In UTC.
    """
    return f'request.time >= timestamp("{moment.strftime("%Y-%m-%dT%H:%M:%SZ")}")'


def _hours(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
