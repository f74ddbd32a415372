"""Replicas, GPUs, instances and their cost for a target load."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.capacity.replicas import Need, Offer, find_offer, size
from planning.errors import PlanningError
from tests.planning.fleet.books import book, kind, price

LOADS = st.floats(0.01, 1e6)
HEADROOMS = st.floats(0, 0.95)


def need(target: float, *, headroom: float = 0.0, gpus: int = 0, measured: int = 1) -> Need:
    return Need(target_rps=target, headroom=headroom, gpus=gpus, measured_replicas=measured)


@given(LOADS, LOADS, HEADROOMS)
def test_they_are_enough_and_one_less_is_not(target: float, knee: float, headroom: float) -> None:
    found = size(need(target, headroom=headroom), knee).replicas
    each = Fraction(knee) * (1 - Fraction(headroom))
    slack = Fraction(1, 10**8)
    assert found * each >= Fraction(target) * (1 - slack)
    assert found == 1 or (found - 1) * each < Fraction(target) * (1 + slack)


@given(LOADS, LOADS, LOADS, HEADROOMS, HEADROOMS)
def test_more_load_and_more_headroom_never_need_less(
    load: float, other: float, knee: float, headroom: float, wider: float
) -> None:
    less, more = sorted((load, other))
    narrow, wide = sorted((headroom, wider))
    assert size(need(less, headroom=narrow), knee).replicas <= size(need(more, headroom=narrow), knee).replicas
    assert size(need(less, headroom=narrow), knee).replicas <= size(need(less, headroom=wide), knee).replicas


@pytest.mark.parametrize(
    ("target", "knee", "headroom", "expected"),
    [(80, 100, 0.2, 1), (81, 100, 0.2, 2), (140, 100, 0.3, 2), (20, 100, 0.9, 2), (0.6, 0.2, 0, 3), (1, 1e6, 0.3, 1)],
)
def test_by_hand(target: float, knee: float, headroom: float, expected: int) -> None:
    assert size(need(target, headroom=headroom), knee).replicas == expected


def test_instances_are_shared_as_their_gpus_allow() -> None:
    four = kind("four", "A100", 4)
    offer = Offer(four, price(four, 10.0))
    found = size(need(950, gpus=1), 100, offer)
    assert (found.replicas, found.gpus, found.instances, found.usd_per_hour) == (10, 10, 3, 30.0)
    found = size(need(950, gpus=3), 100, offer)
    assert (found.replicas, found.gpus, found.instances, found.usd_per_hour) == (10, 30, 10, 100.0)
    found = size(need(950, gpus=0), 100, offer)
    assert (found.gpus, found.instances) == (0, 10)
    with pytest.raises(PlanningError, match="--gpus = 5: must be at most 4, what four has"):
        size(need(950, gpus=5), 100, offer)


def test_without_an_instance_there_is_no_price() -> None:
    found = size(need(950, gpus=2), 100)
    assert (found.replicas, found.gpus, found.instances, found.usd_per_hour) == (10, 20, None, None)


def test_several_measured_together_share_the_knee() -> None:
    assert size(need(950, measured=2), 200).replicas == size(need(950), 100).replicas


def test_a_price_is_found_or_told_where_it_is() -> None:
    alpha = kind("alpha")
    offers = book(
        [
            (alpha, price(alpha, 3.0)),
            (alpha, price(alpha, 1.5, zone="us-east-1b", capacity="spot")),
            (alpha, price(alpha, 1.2, zone="us-east-1a", capacity="spot")),
        ]
    )
    assert find_offer(offers, alpha, "us-east-1", "on_demand").price.usd_per_hour == 3.0
    assert find_offer(offers, alpha, "us-east-1", "spot").price.usd_per_hour == 1.2
    with pytest.raises(PlanningError, match=r"--region = 'mars': the price book has alpha as on_demand in us-east-1$"):
        find_offer(offers, alpha, "mars", "on_demand")
    with pytest.raises(PlanningError, match="alpha as reserved in no region"):
        find_offer(offers, alpha, "us-east-1", "reserved")
    with pytest.raises(PlanningError, match="--capacity = 'lent': must be one of on_demand"):
        find_offer(offers, alpha, "us-east-1", "lent")


def test_every_wrong_number_is_told_at_once() -> None:
    with pytest.raises(PlanningError) as refused:
        Need(target_rps=math.nan, headroom=1.0, gpus=-1, measured_replicas=0)
    assert [line.partition(" =")[0] for line in str(refused.value).splitlines()] == [
        "--target-rps",
        "--headroom",
        "--gpus",
        "--measured-replicas",
    ]
