"""Answers whose figures can be worked out by hand, and what holds for every answer."""

import math
from typing import Any

import pytest
from hypothesis import given, settings

from planning.fleet.optimise import choose, plan_fleet
from planning.fleet.plan import NoFleet
from planning.fleet.quotas import Quota
from planning.fleet.uniform import Aim
from planning.fleet.work import Work
from planning.network.places import Place
from planning.prices.book import PriceBook
from planning.spot.rework import best_rework
from tests.planning.fleet.books import book, kind, price, service
from tests.planning.fleet.instances import books, works

A, B = kind("alpha"), kind("beta", gpus=2)
FREE = [
    service("kubernetes_control_plane_hour", 0.0),
    service("block_storage_gib_month", 0.0),
    service("object_storage_gib_month", 0.0),
    service("egress_region_gb", 0.0),
]
"""Nothing around the nodes costs anything."""


def work(**fields: Any) -> Work:
    ordinary = {"gpu_hours": 100.0, "reference_gpu": "A100", "measured": {"A100": 1.0}, "deadline_hours": 50.0}
    return Work(**(ordinary | fields))


def test_one_type_on_demand_costs_its_hours_its_starts_and_the_cluster() -> None:
    offers = book([(A, price(A, 2.0))], [service("kubernetes_control_plane_hour", 0.10), *FREE[1:]])
    plan = plan_fleet(work(startup_seconds=360.0), offers, tolerance=1e-6)
    # n nodes: 200 + 0.2 n for the nodes, 0.1 (0.1 + 100 / n) for the cluster: least at n = sqrt(50), so 7.
    assert plan.nodes == 7
    assert plan.hours == pytest.approx(0.1 + 100 / 7)
    assert plan.breakdown.compute == pytest.approx(200)
    assert plan.breakdown.starting == pytest.approx(1.4)
    assert plan.breakdown.control_plane == pytest.approx(0.1 * plan.hours)
    assert plan.usd == pytest.approx(200 + 1.4 + 0.1 * plan.hours)
    assert plan.breakdown.rework == plan.breakdown.unused == plan.breakdown.transfer == 0


def test_spot_costs_its_expected_rework_and_brings_its_best_checkpoint_interval() -> None:
    offers = book([(A, price(A, 1.0, capacity="spot", interruption_band=">20%")), (A, price(A, 2.0))], FREE)
    plan = plan_fleet(work(interruptions_per_hour=0.05, checkpoint_seconds=360, restart_seconds=720), offers)
    expected = best_rework(checkpoint_hours=0.1, restart_hours=0.2, interruptions_per_hour=0.05)
    (pool,) = plan.pools
    assert pool.candidate.price.capacity == "spot"
    assert pool.checkpoint_interval_hours == pytest.approx(expected.checkpoint_interval_hours)
    assert plan.breakdown.compute == pytest.approx(100)
    assert plan.breakdown.rework == pytest.approx(100 * (expected.multiplier - 1))
    assert plan.breakdown.rework > 10


def test_spot_that_is_interrupted_too_often_is_not_taken() -> None:
    offers = book([(A, price(A, 1.0, capacity="spot")), (A, price(A, 2.0))], FREE)
    plan = plan_fleet(work(interruptions_per_hour=3.0, checkpoint_seconds=600, restart_seconds=600), offers)
    assert [pool.candidate.price.capacity for pool in plan.pools] == ["on_demand"]


def test_prepaid_nodes_are_paid_for_whole_days_used_or_not() -> None:
    offers = book([(A, price(A, 1.0, capacity="reserved"))], FREE)
    plan = plan_fleet(work(gpu_hours=30.0, max_nodes=1), offers)
    assert plan.hours == pytest.approx(30 + 300 / 3600)
    assert plan.usd == pytest.approx(48)
    assert plan.breakdown.unused == pytest.approx(48 - 30 - 300 / 3600)


FLEX = kind("flex", cloud="gcp")


@pytest.mark.parametrize("coupling", ["independent", "synchronous"])
@pytest.mark.parametrize("aim", ["cost", "time"])
def test_no_flex_start_node_is_planned_for_longer_than_it_lives(coupling: str, aim: Aim) -> None:
    offers = book([(FLEX, price(FLEX, 1.0, "us-central1", capacity="flex_start"))], FREE)
    asked = work(gpu_hours=400.0, deadline_hours=720.0, max_nodes=3, coupling=coupling, startup_seconds=3600.0)
    plan = plan_fleet(asked, offers, aim=aim)
    # Two nodes would work 167 hours each, after the one in which they start.
    assert plan.nodes == 3
    assert plan.pools[0].paid_hours / 3 == pytest.approx(400 / 3 + 1)
    assert "flex (flex_start, gcp:us-central1): ends after 168 hours, and no node is planned for longer" in plan.assumed
    with pytest.raises(NoFleet):
        plan_fleet(asked.but(max_nodes=2), offers, aim=aim)
    just = plan_fleet(asked.but(gpu_hours=333.9, max_nodes=2), offers, aim=aim)
    assert just.pools[0].paid_hours / 2 == pytest.approx(333.9 / 2 + 1)


def test_what_flex_start_nodes_do_not_live_to_do_others_do() -> None:
    offers = book(
        [
            (FLEX, price(FLEX, 2.0, "us-central1")),
            (FLEX, price(FLEX, 1.0, "us-central1", capacity="flex_start")),
        ],
        FREE,
    )
    quota = Quota.parse("gcp:*:*:flex_start=1gpus")
    # Without a wait, flex-start is as early, as fast and cheaper: and yet not enough.
    asked = work(gpu_hours=300.0, deadline_hours=720.0, quotas=(quota,), flex_start_wait_hours=0.0)
    plan = plan_fleet(asked.but(max_nodes=2), offers, tolerance=1e-6)
    hours = {pool.candidate.price.capacity: pool.paid_hours for pool in plan.pools}
    assert hours["flex_start"] == pytest.approx(168)
    assert hours["on_demand"] == pytest.approx(300 - 168 + 2 / 12)


def test_a_quota_makes_a_fleet_of_two_kinds() -> None:
    offers = book([(A, price(A, 1.0, capacity="spot", interruption_band="<5%")), (B, price(B, 4.0))], FREE)
    plan = plan_fleet(work(deadline_hours=21.0, quotas=(Quota.parse("*:*:*:spot=3"),)), offers)
    assert {pool.candidate.kind.name: pool.nodes for pool in plan.pools} == {"alpha": 3, "beta": 1}
    assert plan.hours <= 21


def test_a_region_is_worth_its_transfer_only_if_it_saves_more() -> None:
    def chosen(gigabytes: float) -> str:
        offers = book([(A, price(A, 2.0)), (A, price(A, 1.5, "eu-west-1"))])
        asked = work(data=Place("aws", "us-east-1"), data_gb=gigabytes, storage_gb=0.0)
        return plan_fleet(asked, offers).pools[0].candidate.price.region

    # It saves $50 and costs $0.02 a GB.
    assert chosen(2000) == "eu-west-1"
    assert chosen(3000) == "us-east-1"


def test_a_synchronous_job_has_nodes_of_one_kind_whose_hazards_and_losses_add_up() -> None:
    offers = book([(A, price(A, 1.0, capacity="spot")), (B, price(B, 50.0))], FREE)
    asked = work(
        coupling="synchronous",
        scaling_loss=0.05,
        deadline_hours=20.0,
        interruptions_per_hour=0.01,
        checkpoint_seconds=360,
        restart_seconds=360,
    )
    plan = plan_fleet(asked, offers)
    (pool,) = plan.pools
    n = pool.nodes
    rework = best_rework(checkpoint_hours=0.1, restart_hours=0.1, interruptions_per_hour=0.01 * n)
    assert pool.rework_multiplier == pytest.approx(rework.multiplier)
    assert plan.hours == pytest.approx(300 / 3600 + 100 * rework.multiplier * (1 + 0.05 * (n - 1)) / n)
    assert plan.gap == 0
    fewer = choose(asked.but(max_nodes=n - 1), offers)
    assert fewer is None or fewer.plan.usd >= plan.usd


def test_the_earliest_end_takes_what_the_budget_allows() -> None:
    offers = book([(A, price(A, 1.0)), (B, price(B, 8.0))], FREE)
    unlimited = plan_fleet(work(max_nodes=4), offers, aim="time")
    assert [pool.candidate.kind.name for pool in unlimited.pools] == ["beta"]
    # Four of alpha need $100 and 25 hours, three and one of beta need $221 and 20 hours, two and two $300 and 17 hours.
    limited = plan_fleet(work(max_nodes=4, budget_usd=230.0), offers, aim="time")
    assert {pool.candidate.kind.name: pool.nodes for pool in limited.pools} == {"alpha": 3, "beta": 1}
    assert limited.hours == pytest.approx(20 + 300 / 3600, rel=1e-3)
    assert limited.usd <= 230


def test_of_fleets_that_end_equally_early_the_cheapest_is_taken() -> None:
    gamma = kind("gamma")
    offers = book([(A, price(A, 3.0)), (gamma, price(gamma, 2.0))], FREE)
    plan = plan_fleet(work(max_nodes=5), offers, aim="time")
    assert [(pool.candidate.kind.name, pool.nodes) for pool in plan.pools] == [("gamma", 5)]


def test_work_that_cannot_be_done_raises_and_says_so() -> None:
    with pytest.raises(NoFleet, match="no fleet"):
        plan_fleet(work(max_nodes=1, deadline_hours=10.0), book([(A, price(A, 2.0))]))


def test_shares_of_one_type_are_limited() -> None:
    offers = book([(A, price(A, 1.0)), (B, price(B, 4.0)), (kind("c"), price(kind("c"), 5.0))], FREE)
    plan = plan_fleet(work(max_share=0.4), offers)
    shares = {pool.candidate.kind.name: pool.node_hours * pool.candidate.share_per_hour for pool in plan.pools}
    assert shares["alpha"] == pytest.approx(0.4, abs=1e-6)
    assert max(shares.values()) <= 0.4 + 1e-6
    assert sum(shares.values()) == pytest.approx(1)


@settings(max_examples=120, deadline=None)
@given(books(), works())
def test_every_answer_keeps_to_every_limit_and_its_parts_add_up(small: PriceBook, asked: Work) -> None:
    chosen = choose(asked, small)
    if chosen is None:
        return
    plan = chosen.plan
    assert plan.hours <= asked.deadline_hours * (1 + 1e-9)
    assert asked.budget_usd is None or plan.usd <= asked.budget_usd * (1 + 1e-6)
    assert plan.nodes <= asked.max_nodes
    assert not asked.one_region or len({pool.candidate.place for pool in plan.pools}) == 1
    for quota in asked.quotas:
        used = sum(quota.weight(pool.candidate.kind, pool.candidate.price) * pool.nodes for pool in plan.pools)
        assert used <= quota.limit
    done = sum(pool.node_hours * pool.candidate.share_per_hour for pool in plan.pools)
    assert done == pytest.approx(1, rel=1e-6)
    for pool in plan.pools:
        dead = pool.candidate.wait_hours + pool.candidate.site.return_hours
        assert pool.node_hours <= pool.nodes * (plan.hours - dead) * (1 + 1e-6) + 1e-9
        assert pool.paid_hours >= pool.node_hours
    pools_usd = sum(pool.usd for pool in plan.pools)
    around = plan.breakdown.storage + plan.breakdown.transfer + plan.breakdown.control_plane
    assert plan.usd == pytest.approx(pools_usd + around)
    assert plan.usd == pytest.approx(chosen.found.fleet.usd)
    assert 0 <= plan.gap <= 1e-3 + 1e-9
    assert math.isfinite(plan.bound)
