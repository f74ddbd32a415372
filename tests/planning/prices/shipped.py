"""The book that is shipped, read once for all tests."""

from functools import cache

from planning.prices.book import PriceBook, load_book


@cache
def shipped_book() -> PriceBook:
    """The shipped book."""
    return load_book()
