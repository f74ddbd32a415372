"""The process from which the groups' processes are forked ends with the tests."""

import multiprocessing.forkserver
import multiprocessing.resource_tracker
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _end_of_the_fork_server() -> Iterator[None]:
    """By itself it ends only with pytest's process, which still looks for processes left behind."""
    yield
    multiprocessing.forkserver._forkserver._stop()
    multiprocessing.resource_tracker._resource_tracker._stop()
