"""What holds for every test of the commands."""

from collections.abc import Iterator

import pytest

from tests.cli.copies import end_original


@pytest.fixture(scope="session", autouse=True)
def no_process_to_copy_is_left() -> Iterator[None]:
    """The process that commands begin as copies of ends with the session."""
    yield
    end_original()
