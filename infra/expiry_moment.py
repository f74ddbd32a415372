"""The moment at which a stack expires, in UTC, as every cloud takes it."""

import datetime


def utc_moment(expires_at: str) -> datetime.datetime:
    """The moment in UTC. Raises ValueError for a text that is no moment with its zone.

    :param expires_at: As the setting `expires_at` has it.
    """
    moment = datetime.datetime.fromisoformat(expires_at)
    if moment.tzinfo is None:
        raise ValueError(f"{expires_at} has no zone")
    return moment.astimezone(datetime.UTC)


def moment_in_utc(expires_at: str) -> str:
    """The moment in UTC to the second, such as 2027-03-31T18:00:00Z, whatever zone it was given in."""
    return utc_moment(expires_at).strftime("%Y-%m-%dT%H:%M:%SZ")
