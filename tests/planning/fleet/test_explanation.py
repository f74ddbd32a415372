"""Why a fleet is the answer, what else there is, and which limits bind."""

from typing import Any

import pytest

from planning.fleet.baseline import baselines
from planning.fleet.explanation import Explanation, explain, unit_cost
from planning.fleet.optimise import plan_fleet
from planning.fleet.pareto import pareto_front, undominated
from planning.fleet.plan import FleetPlan
from planning.fleet.quotas import Quota
from planning.fleet.work import Work
from planning.network.places import Place
from planning.prices.book import PriceBook
from tests.planning.fleet.books import book, kind, price

A, B, SMALL = kind("alpha"), kind("beta", "H100"), kind("small", "T4")
G = kind("gamma", cloud="gcp")
OFFERS = book(
    [
        (A, price(A, 1.0, capacity="spot", interruption_band=">20%")),
        (A, price(A, 3.0)),
        (B, price(B, 9.0)),
        (SMALL, price(SMALL, 0.05)),
        (A, price(A, 3.2, "eu-west-1")),
        (G, price(G, 2.5, "us-central1")),
    ]
)


def work(**fields: Any) -> Work:
    ordinary: dict[str, Any] = {
        "gpu_hours": 100.0,
        "measured": {"A100": 1.0, "H100": 2.0, "T4": 0.2},
        "deadline_hours": 20.0,
        "gpu_memory_gib": 40.0,
        "max_nodes": 20,
    }
    return Work(**(ordinary | fields))


def explained(asked: Work, offers: PriceBook = OFFERS) -> tuple[FleetPlan, Explanation]:
    plan = plan_fleet(asked, offers)
    return plan, explain(plan, offers)


def test_the_reason_is_the_price_of_a_unit_of_work_beside_the_next_type() -> None:
    plan, explanation = explained(work())
    usd, unit = unit_cost(plan.work, plan.main.candidate)
    assert plan.main.candidate.kind.name == "alpha"
    assert unit == "hour of one A100"
    assert usd == pytest.approx(plan.main.candidate.usd_per_hour * plan.main.rework_multiplier)
    assert explanation.why[0].startswith("alpha (spot, aws:us-east-1) does the work of one hour of one A100 for $1.0")
    assert "gamma" not in explanation.why[0]
    assert any("interrupt a node every 2,047 hours" in each for each in explanation.why)


def test_the_next_best_answers_are_those_without_what_was_chosen() -> None:
    plan, explanation = explained(work())
    others = {each.what: each.plan for each in explanation.next_best}
    assert list(others) == ["without alpha", "not in aws:us-east-1", "not on aws", "on demand only"]
    assert all(each is not None and each.usd > plan.usd for each in others.values())
    without = others["without alpha"]
    demand = others["on demand only"]
    assert without is not None
    assert demand is not None
    assert "alpha" not in {pool.candidate.kind.name for pool in without.pools}
    assert {pool.candidate.price.capacity for pool in demand.pools} == {"on_demand"}


def test_other_clouds_need_not_have_the_names_that_the_work_asks_for() -> None:
    """Only one cloud has the type, the region, or the GPU."""
    for asked in ({"instance_types": ("alpha",)}, {"regions": ("us-east-1",)}, {"gpus": ("H100",)}):
        _, explanation = explained(work(**asked))
        others = {each.what: each.plan for each in explanation.next_best}
        assert others["not on aws"] is None
    _, explanation = explained(work(clouds=("aws",)))
    assert "not on aws" not in {each.what for each in explanation.next_best}


def test_only_limits_that_matter_are_said_to_bind_and_what_they_cost_is_told() -> None:
    plan, explanation = explained(work(quotas=(Quota.parse("*:*:*:spot=2"), Quota.parse("gcp:*:*:*=50"))))
    binding = {each.what.partition(":")[0]: each.plan for each in explanation.binding}
    # More time lets two spot nodes do more of it, more quota adds nodes; small GPUs are cheaper, and so is the rest of
    # the work in another region.
    assert set(binding) == {"deadline", "quota", "GPU memory", "one region"}
    assert all(each is not None and each.usd < plan.usd for each in binding.values())
    assert [each.what for each in explanation.binding if each.what.startswith("quota")] == [
        "quota: with 4 gpus instead of 2 (*:*:*:spot=2gpus)"
    ]


def test_the_budget_binds_where_time_is_least() -> None:
    asked = work(budget_usd=320.0, max_nodes=4, deadline_hours=40.0)
    plan = plan_fleet(asked, OFFERS, aim="time")
    explanation = explain(plan, OFFERS, aim="time")
    binding = [each.what for each in explanation.binding]
    assert "budget: with $352.00 instead of $320.00" in binding
    assert all(each.plan is not None and each.plan.hours < plan.hours for each in explanation.binding)


def test_data_that_travels_is_part_of_the_reason() -> None:
    _, explanation = explained(work(data=Place("aws", "eu-west-1"), data_gb=500.0))
    assert any("aws:eu-west-1 and aws:us-east-1 for $10.00" in each for each in explanation.why)


def test_samples_are_explained_by_the_million() -> None:
    plan, _ = explained(work(gpu_hours=None, samples=3.6e6, measured={"A100": 10.0}))
    usd, unit = unit_cost(plan.work, plan.main.candidate)
    assert unit == "million samples"
    assert usd == pytest.approx(plan.main.candidate.usd_per_hour * plan.main.rework_multiplier * 1e6 / 36000)


def test_a_fleet_is_never_dearer_than_one_type_or_on_demand_alone() -> None:
    asked = work(quotas=(Quota.parse("*:*:*:spot=3"),))
    plan = plan_fleet(asked, OFFERS)
    compared = baselines(asked, OFFERS)
    assert compared.single_type is not None
    assert compared.on_demand is not None
    assert len(compared.single_type.pools) == 1
    assert plan.usd < compared.single_type.usd
    assert plan.usd < compared.on_demand.usd
    assert {pool.candidate.price.capacity for pool in compared.on_demand.pools} == {"on_demand"}


def test_without_on_demand_allowed_there_is_nothing_to_compare_it_with() -> None:
    assert baselines(work(capacities=("spot",)), OFFERS).on_demand is None


def test_the_front_goes_from_the_earliest_to_the_cheapest_and_nothing_on_it_is_dominated() -> None:
    plans = pareto_front(work(), OFFERS, points=8)
    assert len(plans) >= 3
    hours, usd = [plan.hours for plan in plans], [plan.usd for plan in plans]
    assert hours == sorted(hours)
    assert usd == sorted(usd, reverse=True)
    assert len(set(usd)) == len(usd)
    assert plans[0].hours == pytest.approx(plan_fleet(work(), OFFERS, aim="time").hours)
    assert plans[-1].usd == pytest.approx(plan_fleet(work(), OFFERS).usd)
    assert undominated([*plans, *plans]) == plans


def test_work_without_a_fleet_has_no_front() -> None:
    assert pareto_front(work(deadline_hours=0.2, max_nodes=1), OFFERS) == ()
