"""How long a job may run, from its time and its money."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workloads.training.jobs.documents import local_job
from workloads.training.jobs.limits import MANAGED_GRACE_SECONDS, cost_usd, limit_of, managed_seconds

PRICES = st.floats(0.01, 500)


@settings(max_examples=50)
@given(seconds=st.floats(60, 1e6), price=PRICES, cost=st.floats(0.1, 1e5))
def test_no_limit_is_exceeded(seconds: float, price: float, cost: float) -> None:
    job = local_job(resources={"usd_per_hour": price}, max_runtime_seconds=seconds, maximum_cost_usd=cost)
    limit = limit_of(job)
    assert limit.seconds <= seconds
    spent = cost_usd(limit.seconds, price)
    assert spent is not None
    assert spent <= cost * (1 + 1e-9)
    assert limit.reason.startswith("reached max_runtime" if limit.seconds == seconds else "reached maximum_cost_usd")
    # A managed platform's last seconds for a checkpoint are paid for as well.
    managed = cost_usd(managed_seconds(job) + MANAGED_GRACE_SECONDS, price)
    assert managed is not None
    assert managed <= cost * (1 + 1e-9) or managed_seconds(job) > seconds


def test_a_managed_platform_leaves_the_trainer_time_to_stop_itself() -> None:
    assert managed_seconds(local_job(max_runtime_seconds=900)) == 900 + 600 + MANAGED_GRACE_SECONDS


def test_a_price_that_is_unknown_is_not_nothing() -> None:
    assert cost_usd(3600, None) is None
    assert cost_usd(3600, 0.0) == 0
    assert cost_usd(1800, 3.0) == 1.5


def test_what_costs_nothing_is_limited_by_time_alone() -> None:
    job = local_job(resources={"usd_per_hour": 0.0}, maximum_cost_usd=1.0)
    assert limit_of(job).seconds == 900
    assert not math.isinf(managed_seconds(job))
