"""The benchmark of previews: its statistics, and a tiny run of it."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import previews
from bench.errors import BenchError

ROOT = Path(__file__).parents[2]
YARD = [sys.executable, str(ROOT / "scripts" / "yard.py")]


@given(
    start=st.floats(0.01, 10),
    each=st.floats(1e-4, 1),
    sizes=st.lists(st.integers(1, 10_000), min_size=3, max_size=6, unique=True),
)
def test_cost_in_proportion_to_size_is_growth_of_one(start: float, each: float, sizes: list[int]) -> None:
    assert previews.growth({size: start + each * size for size in sizes}) == pytest.approx(1, rel=1e-3)


def test_cost_that_doubles_is_growth_of_two() -> None:
    assert previews.growth({10: 1.0, 110: 2.0, 210: 5.0}) == pytest.approx(2)


def test_noise_gives_no_growth_that_cannot_be_written_down() -> None:
    assert previews.growth({1: 2.0, 2: 1.0, 3: 0.5}) == 1


def test_small_previews_are_run_more_often() -> None:
    assert [previews.runs_of(size) for size in (10, 100, 1_000, 5_000)] == [5, 5, 3, 3]


@pytest.mark.slow
def test_a_tiny_run_gives_every_result(tmp_path: Path) -> None:
    told: list[str] = []
    results = previews.measure_previews(
        tmp_path, told.append, yard=YARD, pulumi=None, sizes=(1, 2, 3), runs_of=lambda _: 1
    )
    rows = [*(f"{size}/{what}" for size in (1, 2, 3) for what in ("time", "cpu", "memory")), "growth"]
    assert [each.name for each in results] == [
        f"previews/{kind}/{row}" for kind in ("first", "no-change") for row in rows
    ]
    assert all(each.value > 0 for each in results)
    assert all(each.compared_with is None for each in results)
    assert all((each.target is not None) == each.name.endswith(("/time", "/growth")) for each in results)
    assert {each.met for each in results if each.name.endswith("/time")} == {None}
    assert len(told) == previews.steps((1, 2, 3), with_cli=False, runs_of=lambda _: 1)


def test_a_preview_of_something_else_is_no_measurement(tmp_path: Path) -> None:
    pretender = [sys.executable, "-c", "print('+ 7 to create')"]
    with pytest.raises(BenchError, match="yard was expected to preview '3 to create', and printed"):
        previews.measure_previews(tmp_path, lambda _: None, yard=pretender, pulumi=None, sizes=(2,))
