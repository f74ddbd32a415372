"""Which prices of a book are too old to plan with, measured from the book's own newest price and from no clock."""

import dataclasses
import datetime

from planning.prices.book import PriceBook
from planning.prices.model import InstancePrice
from planning.quantities import whole

MAX_AGE_DAYS = 365
"""A choice, no law of the clouds: within a year a GPU's list price has moved by up to 45 % (AWS's cut of June 2025)."""


def usable(book: PriceBook, max_age_days: int = MAX_AGE_DAYS) -> tuple[PriceBook, tuple[InstancePrice, ...]]:
    """The book without the dated prices of instances, and those prices: say which, where a plan leaves them out.

    A price is dated if it is more than `max_age_days` older than the newest of the book. Services stay, since their
    prices move seldom; each tells its own date. Raises PlanningError for an age that is no whole number, 0 or more.
    """
    whole("max_age_days", max_age_days, 0)
    oldest = book.as_of - datetime.timedelta(days=min(max_age_days, (book.as_of - datetime.date.min).days))
    dated = tuple(price for price in book.instances if price.as_of < oldest)
    if not dated:
        return book, ()
    kept = tuple(price for price in book.instances if price.as_of >= oldest)
    return dataclasses.replace(book, instances=kept), dated
