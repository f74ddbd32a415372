"""A run that is killed at any moment, as often as it likes, is finished by whoever goes on with it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[3]
MOST_MOMENTS = 60
"""More than a run has."""

Die = Callable[[list[int]], dict[str, Any]]


@pytest.fixture(scope="module")
def die() -> Iterator[Die]:
    """Runs one run in processes that are killed at these moments; what became of it."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.lifecycle.runs.dying_runs"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        reader, writer = process.stdout, process.stdin

        def ask(moments: list[int]) -> dict[str, Any]:
            writer.write(json.dumps(moments) + "\n")
            writer.flush()
            answer: dict[str, Any] = json.loads(reader.readline())
            return answer

        yield ask
        writer.close()


def check(found: dict[str, Any]) -> None:
    """A finished run: trained, brought, verified, destroyed, audited, in this order."""
    assert found == {
        **found,
        "phase": "done",
        "outcome": "succeeded",
        "verified": True,
        "brought": True,
        "left": False,
        "leftovers": 0,
    }, found
    log = found["log"]
    last = {name: max(place for place, each in enumerate(log) if each == name) for name in set(log)}
    assert last["up"] < last["fetch"] < log.index("destroy") <= last["destroy"] < last["audit"], log


def test_a_run_that_is_killed_at_any_moment_is_finished_by_the_next_process(die: Die) -> None:
    deaths = 0
    for moment in range(1, MOST_MOMENTS):
        found = die([moment])
        check(found)
        deaths += found["killed"]
        if not found["killed"]:
            break
    # Before and after every write of the record, and in the middle of each phase.
    assert deaths >= 18
    assert die([deaths])["killed"] == 1


@given(st.lists(st.integers(1, 12), max_size=8))
@settings(max_examples=30)
def test_a_run_that_dies_again_and_again_is_finished(die: Die, moments: list[int]) -> None:
    check(die(moments))
