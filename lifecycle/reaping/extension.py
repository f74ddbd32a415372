"""How far an expiry may be moved: by the clock, and by what the time until then may cost at worst. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lifecycle.runs.beginning import MOST_HOURS
from lifecycle.runs.errors import RunRefused
from lifecycle.runs.limits import GRACE_HOURS
from lifecycle.runs.record import RunRecord, moment_of, utc_text

CEILING_RULE = "cost-run-ceiling"
"""The rule of the policy pack whose `maximum_usd` bounds an extension: what one run of the stack may cost."""


LIFETIME_RULE = "cost-stack-expires"
"""The rule whose `most_days` bounds how long from today on a stack may be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the policies allow; None: they set no bound."""

    ceiling_usd: float | None = None
    """For one run, or for the time until a stack expires. US dollars."""
    most_days: float | None = None
    """From today to the day of the expiry, both in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A new moment, and what the time until then may cost."""

    before: datetime
    after: datetime
    hours: float
    """From now to the new moment."""
    usd: float
    """What these hours cost at worst."""

    @property
    def text(self) -> str:
        """The moment as settings have it."""
        return utc_text(self.after)


def new_moment(before: datetime, now: datetime, *, hours: float | None, until: datetime | None) -> datetime:
    """The moment that is asked for, to the second. Raises RunRefused for what is not to come.

    :param hours: After the expiry so far, or after now where that is over.
    :param until: A moment of its own; it may be earlier than the expiry so far.
    """
    if hours is not None:
        if not 0 < hours <= MOST_HOURS:
            raise RunRefused(f"--hours is {hours:g}: must be more than 0 and at most {MOST_HOURS:g}")
        until = max(before, now) + timedelta(hours=hours)
    moment = (until or now).astimezone(UTC).replace(microsecond=0)
    if moment <= now:
        raise RunRefused(f"--until is {utc_text(moment)}: must be to come; to end it now: yard destroy")
    return moment


def extend_stack(before: datetime, now: datetime, after: datetime, usd_per_hour: float, bounds: Bounds) -> Extension:
    """Moves a stack's expiry. Raises RunRefused where the time until then is longer or dearer than the policies allow.

    An earlier moment than before is always allowed.

    :param usd_per_hour: At full size.
    """
    hours = (after - now).total_seconds() / 3600
    usd = hours * usd_per_hour
    if after > before:
        _check_lifetime(now, after, bounds)
        _check_ceiling(f"the stack may cost {usd:.2f} USD until {utc_text(after)}", hours, usd_per_hour, bounds)
    return Extension(before=before, after=after, hours=hours, usd=usd)


def extend_run(
    record: RunRecord, now: datetime, after: datetime, bounds: Bounds, max_cost_usd: float | None
) -> tuple[RunRecord, Extension]:
    """Moves a run's expiry, and its longest time with it; the record with both.

    Raises RunRefused where no time is left for the run before it, where it would be longer than a run may be, or where
    the whole run may cost more than its own limit, or more than the policies allow.

    :param max_cost_usd: A new limit of its own; None: the one that it has.
    """
    began = moment_of(record.deployed_at or record.created)
    max_hours = (after - moment_of(record.created)).total_seconds() / 3600 - GRACE_HOURS
    most = record.max_cost_usd if max_cost_usd is None else max_cost_usd
    if began + timedelta(hours=max_hours) <= now:
        least = utc_text(now + timedelta(hours=GRACE_HOURS) + (moment_of(record.created) - began))
        raise RunRefused(
            f"until {utc_text(after)} the run has no time left to train, for the last {GRACE_HOURS:g} h before its "
            f"expiry are for fetching and destroying: must be later than {least}"
        )
    if max_hours > MOST_HOURS:
        raise RunRefused(f"the run would take up to {max_hours:g} h: must be at most {MOST_HOURS:g}")
    usd_per_hour = record.cost.usd_per_hour
    usd = max_hours * usd_per_hour
    if max_hours > record.max_hours:
        if usd > most:
            raise RunRefused(
                f"the whole run may cost {usd:.2f} USD ({max_hours:g} h at {usd_per_hour:.4f} an hour), and its "
                f"limit is {most:.2f}: must be less time, or --max-cost at least {usd:.2f}"
            )
        _check_lifetime(now, after, bounds)
        _check_ceiling(f"the whole run may cost {usd:.2f} USD", max_hours, usd_per_hour, bounds)
    extended = record.changed(max_hours=round(max_hours, 4), expires_at=utc_text(after), max_cost_usd=most)
    hours = (after - now).total_seconds() / 3600
    before = moment_of(record.expires_at)
    return extended, Extension(before=before, after=after, hours=hours, usd=hours * usd_per_hour)


def _check_lifetime(now: datetime, after: datetime, bounds: Bounds) -> None:
    days = (after.astimezone(UTC).date() - now.astimezone(UTC).date()).days
    if bounds.most_days is not None and days > bounds.most_days:
        raise RunRefused(
            f"{utc_text(after)} is {days} days away, and {LIFETIME_RULE} allows {bounds.most_days:g}: must be earlier, "
            "or most_days higher"
        )


def _check_ceiling(what: str, hours: float, usd_per_hour: float, bounds: Bounds) -> None:
    if bounds.ceiling_usd is not None and hours * usd_per_hour > bounds.ceiling_usd:
        most = bounds.ceiling_usd / usd_per_hour
        raise RunRefused(
            f"{what} ({hours:.4g} h at {usd_per_hour:.4f} an hour at full size), and {CEILING_RULE} allows "
            f"{bounds.ceiling_usd:g}: must be at most {int(most * 100) / 100:g} h, or maximum_usd higher"
        )
