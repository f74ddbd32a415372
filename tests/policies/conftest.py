"""Days from which ages of prices are counted stay the same, in these tests and in the policy packs that they start."""

import datetime
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def written_on() -> Iterator[None]:
    """A price book that nobody refreshes grows old, and fails no test by that."""
    day = datetime.datetime(2026, 11, 26, tzinfo=datetime.UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", str(int(day.timestamp())))
        yield
