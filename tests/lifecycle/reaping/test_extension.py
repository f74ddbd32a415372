"""How far an expiry can be moved, and what bounds it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.reaping.extension import Bounds, extend_run, extend_stack, new_moment
from lifecycle.reaping.prolonging import Wish, plan, policy_bounds
from lifecycle.runs.errors import RunRefused
from lifecycle.runs.limits import deadline_of, expiry
from lifecycle.runs.record import RunCost, RunRecord, moment_of, utc_text
from planning.prices.book import PriceBook

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2027, 3, 31, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def run(*, max_hours: float = 4, max_cost_usd: float = 20, usd_per_hour: float = 4) -> RunRecord:
    """A run that was made two hours ago, and whose deployment began a little later."""
    created = NOW - 2 * HOUR
    return RunRecord(
        id="20270331-160000-00aa",
        project="yard",
        stack="dev",
        cloud="aws",
        created=utc_text(created),
        updated=utc_text(created),
        deployed_at=utc_text(created + timedelta(minutes=5)),
        phase="up",
        max_hours=max_hours,
        max_cost_usd=max_cost_usd,
        expires_at=utc_text(expiry(created, max_hours)),
        cost=RunCost(usd_per_hour=usd_per_hour),
    )


@given(st.integers(-500_000, 500_000), st.floats(0.001, 168))
def test_hours_count_from_the_expiry_or_from_now_where_it_is_over(seconds: int, hours: float) -> None:
    before = NOW + timedelta(seconds=seconds)
    after = new_moment(before, NOW, hours=hours, until=None)
    assert abs(after - max(before, NOW) - timedelta(hours=hours)) <= timedelta(seconds=1)
    assert after > NOW


@pytest.mark.parametrize("hours", [0, -1, 169, float("inf"), float("nan")])
def test_hours_that_are_none_are_refused(hours: float) -> None:
    with pytest.raises(RunRefused, match="--hours is"):
        new_moment(NOW, NOW, hours=hours, until=None)


def test_a_moment_has_to_come_and_may_be_earlier_than_before() -> None:
    assert new_moment(NOW + 9 * HOUR, NOW, hours=None, until=NOW + HOUR) == NOW + HOUR
    for until in (NOW, NOW - HOUR):
        with pytest.raises(RunRefused, match="must be to come"):
            new_moment(NOW + 9 * HOUR, NOW, hours=None, until=until)


@given(st.floats(0, 200), st.floats(0, 50), st.floats(0.5, 500), st.integers(-3, 200))
def test_no_extension_of_a_stack_costs_more_than_the_policies_allow(
    hours: float, usd_per_hour: float, ceiling: float, already: int
) -> None:
    before, after = NOW + already * HOUR, NOW + timedelta(hours=hours, seconds=1)
    bounds = Bounds(ceiling_usd=ceiling)
    usd = (after - NOW) / HOUR * usd_per_hour
    if after > before and usd > ceiling:
        with pytest.raises(RunRefused, match="cost-run-ceiling"):
            extend_stack(before, NOW, after, usd_per_hour, bounds)
    else:
        assert extend_stack(before, NOW, after, usd_per_hour, bounds).usd == pytest.approx(usd)


@given(st.integers(1, 190 * 60))
def test_a_runs_longest_time_and_its_expiry_move_together(minutes: int) -> None:
    record, after = run(usd_per_hour=0), NOW + timedelta(minutes=minutes)
    try:
        extended, _ = extend_run(record, NOW, after, Bounds(), None)
    except RunRefused:
        # Nothing would be left to train in, or more than a run may take.
        assert minutes <= 60 or minutes > 165 * 60
    else:
        assert moment_of(extended.expires_at) == after
        assert abs(expiry(moment_of(extended.created), extended.max_hours) - after) < timedelta(seconds=1)
        assert deadline_of(extended).at > NOW


def test_a_run_keeps_to_its_own_limit_of_cost_unless_it_is_raised_and_to_the_policies() -> None:
    record, after = run(), NOW + 6 * HOUR
    bounds = Bounds(ceiling_usd=30)
    with pytest.raises(RunRefused, match=r"28\.00 USD .* its limit is 20\.00: .*--max-cost at least 28\.00"):
        extend_run(record, NOW, after, bounds, None)
    extended, extension = extend_run(record, NOW, after, bounds, 28)
    assert (extended.max_hours, extended.max_cost_usd, extension.usd) == (7, 28, 24)
    with pytest.raises(RunRefused, match=r"cost-run-ceiling allows 30: must be at most 7\.5 h"):
        extend_run(record, NOW, after + HOUR, bounds, 100)
    shortened, _ = extend_run(record, NOW, NOW + 2 * HOUR, Bounds(ceiling_usd=1, most_days=0), None)
    assert shortened.max_hours == 3


@given(st.integers(1, 60 * 24), st.integers(1, 40))
def test_nothing_is_prolonged_beyond_the_days_that_the_policies_allow(hours: int, days: int) -> None:
    after, bounds = NOW + hours * HOUR, Bounds(most_days=days)
    if (after.date() - NOW.date()).days > days:
        with pytest.raises(RunRefused, match=f"cost-stack-expires allows {days}:"):
            extend_stack(NOW, NOW, after, 0, bounds)
    else:
        assert extend_stack(NOW, NOW, after, 0, bounds).after == after


def test_the_bounds_are_those_of_the_projects_policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The exemptions of the shipped policies end one day.
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(datetime(2026, 11, 26, tzinfo=UTC).timestamp())))
    assert [policy_bounds(ROOT, stack).ceiling_usd for stack in ("dev", "prod", "local")] == [50, 200, 1000]
    assert policy_bounds(tmp_path, "dev") == Bounds()
    stacks = tmp_path / "policies/stacks"
    stacks.mkdir(parents=True)
    settings = stacks / "dev.json"
    settings.write_text(json.dumps({"cost-run-ceiling": {"maximum_usd": 7}, "cost-stack-expires": {"most_days": 3}}))
    assert policy_bounds(tmp_path, "dev") == Bounds(ceiling_usd=7, most_days=3)
    disabled = {"enforcementLevel": "disabled", "most_days": 3}
    settings.write_text(json.dumps({"cost-run-ceiling": "advisory", "cost-stack-expires": disabled}))
    assert policy_bounds(tmp_path, "dev") == Bounds()
    settings.write_text(json.dumps({"cost-run-ceiling": {"maximum": 5}}))
    with pytest.raises(RunRefused, match="no parameter 'maximum'"):
        policy_bounds(tmp_path, "dev")


@pytest.mark.parametrize(
    ("wish", "config", "said"),
    [
        (Wish(stack="dev"), "{}", "one of the two"),
        (Wish(stack="dev", hours=1, until=NOW), "{}", "one of the two"),
        (Wish(stack="dev", hours=1), "{yard:environment: prod}", "is prod"),
        (Wish(stack="dev", hours=1, max_cost_usd=5), "{}", "--max-cost is for runs"),
    ],
    ids=["nothing", "both", "prod", "no run"],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(tmp_path: Path, wish: Wish, config: str, said: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: yard\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config: {config}\n")
    with pytest.raises(RunRefused, match=said):
        plan(tmp_path, wish, PriceBook((), (), (), ()), show=lambda _: None)
