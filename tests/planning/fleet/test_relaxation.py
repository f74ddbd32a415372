"""What would have to give: the smallest change of each limit, which is enough, while a little less is not."""

import dataclasses
from typing import Any

import pytest

from planning.fleet.optimise import choose
from planning.fleet.quotas import Quota
from planning.fleet.relaxation import in_words, relaxations
from planning.fleet.work import Work
from planning.network.places import Place
from planning.prices.book import PriceBook
from tests.planning.fleet.books import book, kind, price

A, PAIR = kind("alpha"), kind("pair", gpus=2, gpu_interconnect="pcie")
G = kind("gamma", "H100", cloud="gcp")
OFFERS = book([(A, price(A, 1.0)), (PAIR, price(PAIR, 2.5)), (G, price(G, 9.0, "us-central1"))])


def work(**fields: Any) -> Work:
    ordinary: dict[str, Any] = {
        "gpu_hours": 100.0,
        "measured": {"A100": 1.0, "H100": 2.0},
        "deadline_hours": 20.0,
        "max_nodes": 20,
    }
    return Work(**(ordinary | fields))


def enough(asked: Work, offers: PriceBook = OFFERS) -> dict[str, Any]:
    assert choose(asked, offers) is None
    found = relaxations(asked, offers)
    for each in found:
        assert choose(each.plan.work, offers) is not None, each.sentence
    return {each.field: each.plan.work for each in found}


@pytest.mark.parametrize("coupling", ["independent", "synchronous"])
def test_a_deadline_that_is_too_early(coupling: str) -> None:
    asked = work(deadline_hours=2.0, max_nodes=4, clouds=("aws",), coupling=coupling)
    found = enough(asked)
    hours = found["deadline_hours"].deadline_hours
    # Four pairs do 8 GPU-hours an hour.
    assert hours == pytest.approx(12.5 + 300 / 3600, abs=0.02)
    assert choose(asked.but(deadline_hours=hours - 0.05), OFFERS) is None


def test_a_budget_that_is_too_small() -> None:
    asked = work(budget_usd=50.0, clouds=("aws",))
    found = enough(asked)
    usd = found["budget_usd"].budget_usd
    assert set(found) == {"budget_usd"}
    assert choose(asked.but(budget_usd=usd * 0.995), OFFERS) is None


@pytest.mark.parametrize("coupling", ["independent", "synchronous"])
def test_too_few_nodes(coupling: str) -> None:
    asked = work(max_nodes=1, clouds=("aws",), deadline_hours=10.0, coupling=coupling)
    found = enough(asked)
    # A pair works 9.9 hours: five of them do 99 GPU-hours, six are enough.
    assert found["max_nodes"].max_nodes == 6


@pytest.mark.parametrize("coupling", ["independent", "synchronous"])
def test_a_quota_that_is_too_small(coupling: str) -> None:
    small, ample = Quota.parse("aws:*:*:*=3gpus"), Quota.parse("*:*:*:*=500vcpus")
    asked = work(quotas=(ample, small), clouds=("aws",), coupling=coupling)
    found = enough(asked)
    assert found["quotas"].quotas == (ample, dataclasses.replace(small, limit=6))


def test_needs_that_nothing_meets() -> None:
    assert enough(work(gpu_memory_gib=500.0))["gpu_memory_gib"].gpu_memory_gib == 80
    assert enough(work(min_gpus_per_node=8))["min_gpus_per_node"].min_gpus_per_node == 2
    assert enough(work(needs=("rdma",)))["needs"].needs == ()
    assert enough(work(needs=("nvlink",), min_gpus_per_node=2))["needs"].needs == ()


def test_places_ways_and_models_that_are_not_allowed() -> None:
    assert enough(work(regions=("eu-west-1",)))["regions"].regions == ("eu-west-1", "us-east-1")
    assert enough(work(capacities=("spot",)))["capacities"].capacities == ("spot", "on_demand")
    assert enough(work(clouds=("azure",)))["clouds"].clouds == ("azure", "aws")
    offers = book([(A, price(A, 1.0)), (kind("t", "T4"), price(kind("t", "T4"), 1.0, "eu-west-1"))])
    found = enough(work(gpus=("T4",), regions=("us-east-1",)), offers)
    assert found["gpus"].gpus == ("T4", "A100")


def test_several_regions_and_larger_shares() -> None:
    quotas = (Quota.parse("aws:*:*:*=4gpus"), Quota.parse("gcp:*:*:*=2gpus"))
    assert enough(work(quotas=quotas))["one_region"].one_region is False
    found = enough(work(max_share=0.2, clouds=("aws",)))
    assert found["max_share"].max_share == 0.5


def test_the_error_tells_every_way_out_and_what_was_left_out() -> None:
    text = in_words(work(deadline_hours=2.0, max_nodes=4, clouds=("aws",), gpu_memory_gib=30.0), OFFERS)
    lines = text.splitlines()
    assert lines[0] == "no fleet does this work within its limits."
    assert lines[1] == "Each of these changes alone would be enough:"
    assert any(line.startswith("  a deadline of 12.59 hours instead of 2: 4 x pair on demand") for line in lines)
    assert lines[-2:] == ["Offers left out:", "  1: another cloud"]


def test_the_error_tells_that_flex_start_nodes_end() -> None:
    offers = book([(G, price(G, 9.0, "us-central1", capacity="flex_start"))])
    asked = work(gpu_hours=1000.0, deadline_hours=1000.0, max_nodes=1)
    lines = in_words(asked, offers).splitlines()
    assert lines[2].startswith("  3 nodes at once instead of 1: 3 x gamma flex start")
    assert lines[-1] == "A flex-start node ends after 168 hours, and none is planned for longer."


def test_where_no_single_change_is_enough_it_says_so() -> None:
    asked = work(deadline_hours=0.2, max_nodes=1, budget_usd=1.0, data=Place("aws", "us-east-1"), data_gb=1.0)
    assert "No change of a single limit is enough." in in_words(asked, OFFERS)
