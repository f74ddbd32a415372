"""When a run has to stop, and what it changes of its stack's settings for that."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.config_values import Secret
from lifecycle.runs.configuration import RunLimits, leave_service_out, run_settings, write_run_configuration
from lifecycle.runs.errors import RunError
from lifecycle.runs.limits import GRACE_HOURS, deadline_of, expiry, reserve_minutes, training_minutes, with_cost
from lifecycle.runs.record import RunCost, moment_of
from tests.lifecycle.runs.fake_worlds import new_record, new_run

BEGAN = "2026-11-26T12:00:00Z"
LIMITS = RunLimits(expires_at="2026-11-26T15:00:00Z", training_minutes=119)

Hours = st.floats(0.01, 168)


@given(hours=Hours, price=st.floats(0, 1000), most=st.floats(0, 10_000))
def test_a_run_stops_at_the_first_of_its_limits(hours: float, price: float, most: float) -> None:
    cost = RunCost(usd_per_hour=price)
    record = new_record(max_hours=hours, max_cost_usd=most, deployed_at=BEGAN, cost=cost)
    deadline = deadline_of(record)
    went_on = (deadline.at - moment_of(BEGAN)).total_seconds() / 3600
    assert went_on <= hours + 1e-6
    # Clocks count microseconds, and records tenths of a second.
    assert went_on * price <= most + price * 1e-6 or went_on >= hours - 1e-6
    spent = with_cost(record, deadline.at).cost.usd
    assert spent <= max(most, 0.0) + price * 0.1 / 3600 + 0.0001
    assert ("cost" in deadline.reason) == (price > 0 and most / price < hours)


@given(hours=Hours)
def test_the_training_ends_before_the_run(hours: float) -> None:
    for cloud in ("local", "aws"):
        minutes = training_minutes(hours, cloud)
        assert minutes == 1 or minutes + reserve_minutes(cloud) <= hours * 60
    assert expiry(datetime(2026, 1, 1, tzinfo=UTC), hours) > datetime(2026, 1, 1, tzinfo=UTC) + timedelta(
        hours=hours + GRACE_HOURS / 2
    )


def test_what_was_never_deployed_has_cost_nothing(tmp_path: Path) -> None:
    run = new_run(tmp_path, cost=RunCost(usd_per_hour=9.0))
    assert with_cost(run.read()).cost.usd == 0


def test_spot_and_on_demand_are_counted_apart(tmp_path: Path) -> None:
    run = new_run(tmp_path, deployed_at=BEGAN, cost=RunCost(usd_per_hour=2.0, on_demand_usd_per_hour=6.0))
    cost = with_cost(run.read(), moment_of("2026-11-26T13:30:00Z")).cost
    assert (cost.usd, cost.on_demand_usd, cost.seconds) == (3.0, 9.0, 5400)


def test_a_run_sets_its_limits_and_leaves_the_rest() -> None:
    config = {"shop:training": {"epochs": 3, "reporting": {"tensorboard": True}}, "shop:serving": {"max_batch_size": 8}}
    assert run_settings(config, "shop", LIMITS) == {
        "shop:expires_at": "2026-11-26T15:00:00Z",
        "shop:training": {
            "epochs": 3,
            "max_runtime_minutes": 119,
            "reporting": {"write_log": True, "tensorboard": True},
        },
        "shop:serving": {"max_batch_size": 8, "enabled": False},
    }
    assert config["shop:training"] == {"epochs": 3, "reporting": {"tensorboard": True}}


def test_a_run_with_the_service_leaves_it_as_it_is() -> None:
    limits = RunLimits(expires_at="2026-11-26T15:00:00Z", training_minutes=1, with_service=True)
    assert "shop:serving" not in run_settings({}, "shop", limits)


@pytest.mark.parametrize(("own", "set_to"), [(0, 5.0), (2.0, 2.0), (9.0, 5.0)])
def test_the_training_stops_at_the_smaller_cost(own: float, set_to: float) -> None:
    limits = RunLimits(expires_at="", training_minutes=1, maximum_cost_usd=5.0, usd_per_hour=2.60804)
    config = {"shop:training": {"limits": {"maximum_cost_usd": own, "usd_per_hour": 1.0, "stop_at_accuracy": 0.9}}}
    assert run_settings(config, "shop", limits)["shop:training"]["limits"] == {
        "maximum_cost_usd": set_to,
        "usd_per_hour": 2.608,
        "stop_at_accuracy": 0.9,
    }


def test_a_log_that_is_not_wanted_is_not_written() -> None:
    config = {"shop:training": {"reporting": {"write_log": False}}}
    assert run_settings(config, "shop", LIMITS)["shop:training"]["reporting"] == {"write_log": False}


@pytest.mark.parametrize("value", [Secret("v1:x:y"), "text", 3])
def test_settings_that_are_no_object_are_refused(value: object) -> None:
    with pytest.raises(RunError, match="shop:training is no object in clear text"):
        run_settings({"shop:training": value}, "shop", LIMITS)


def test_the_users_own_file_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    own = tmp_path / "Pulumi.dev.yaml"
    own.write_text("# mine\nencryptionsalt: v1:abc\nconfig:\n  shop:training: {epochs: 3}  # few\n")
    before = own.read_bytes()
    copy = tmp_path / ".trainyard" / "runs" / "x" / "Pulumi.dev.yaml"
    write_run_configuration(tmp_path, "dev", copy, LIMITS)
    assert own.read_bytes() == before
    text = copy.read_text()
    assert "# mine" in text
    assert "encryptionsalt: v1:abc" in text
    assert "max_runtime_minutes: 119" in text
    assert copy.stat().st_mode & 0o077 == 0
    write_run_configuration(tmp_path, "dev", copy, LIMITS)
    assert copy.read_text() == text


def test_the_service_is_left_out_of_a_run_s_own_configuration(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    copy = tmp_path / "Pulumi.dev.yaml"
    copy.write_text("config:\n  shop:serving: {max_batch_size: 8}\n")
    for _ in range(2):
        leave_service_out(tmp_path, "dev", copy)
        assert yaml.safe_load(copy.read_text())["config"]["shop:serving"] == {"max_batch_size": 8, "enabled": False}
