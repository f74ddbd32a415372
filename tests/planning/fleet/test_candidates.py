"""Which offers a fleet may be made of, what is left out and why, and what a region costs."""

from typing import Any

import pytest

from planning.fleet.candidates import find_candidates
from planning.fleet.optimise import plan_fleet
from planning.fleet.sites import site_of
from planning.fleet.work import Work
from planning.network.places import Place
from planning.quantities import HOURS_PER_MONTH
from planning.spot.rework import best_rework
from tests.planning.fleet.books import book, kind, price, service

HERE, THERE = Place("aws", "us-east-1"), Place("gcp", "us-central1")


def work(**fields: Any) -> Work:
    return Work(**({"gpu_hours": 10.0, "deadline_hours": 5.0} | fields))


def only(of: Any, **prices: Any) -> Any:
    return book([(of, price(of, 1.0, **prices))])


@pytest.mark.parametrize(
    ("facts", "prices", "asked", "reason"),
    [
        ({"gpu": "", "gpus": 0}, {}, {}, "has no GPU"),
        ({}, {}, {"clouds": ("gcp",)}, "another cloud"),
        ({}, {}, {"regions": ("eu-west-1",)}, "another region"),
        ({}, {"capacity": "spot"}, {"capacities": ("on_demand",)}, "bought another way (spot)"),
        ({}, {}, {"without_types": ("node",)}, "not wanted"),
        ({}, {}, {"without_regions": (HERE,)}, "not wanted"),
        ({"architecture": "arm64"}, {}, {}, "arm64 processors"),
        ({}, {}, {"gpu_memory_gib": 41.0}, "less than 41 GiB"),
        ({}, {}, {"min_gpus_per_node": 2}, "fewer than 2 GPUs"),
        ({"gpus": 2, "gpu_interconnect": "pcie"}, {}, {"needs": ("nvlink",)}, "not joined by NVLink"),
        ({"gpus": 2, "gpu_interconnect": ""}, {}, {"needs": ("nvlink",)}, "not known whether"),
        ({}, {}, {"needs": ("rdma",)}, "no RDMA"),
        ({"gpu": "Abacus"}, {}, {}, "nothing known of how fast Abacus is"),
        (
            {},
            {"capacity": "flex_start"},
            {"startup_seconds": 168 * 3600.0, "deadline_hours": 200.0},
            "ends after 168 hours",
        ),
    ],
)
def test_what_does_not_meet_a_need_is_left_out_with_the_reason(
    facts: dict[str, Any], prices: dict[str, Any], asked: dict[str, Any], reason: str
) -> None:
    known = book([(each, price(each, 1.0)) for each in [kind("other", cloud="gcp")]])
    node = kind("node", **facts)
    offered = only(node, **prices)
    market = find_candidates(work(**asked), offered)
    assert known.types[0].cloud == "gcp"
    assert market.candidates == ()
    assert [(each.offers, each.types) for each in market.left_out] == [(1, ("node",))]
    assert reason in market.left_out[0].reason


def test_what_meets_every_need_is_a_candidate() -> None:
    node = kind("node", gpus=4, rdma_interfaces=1)
    asked = work(gpu_memory_gib=40.0, min_gpus_per_node=4, needs=("nvlink", "rdma"), gpus=("A100",), clouds=("aws",))
    market = find_candidates(asked, only(node))
    assert [str(each) for each in market.candidates] == ["node (on_demand, aws:us-east-1)"]
    assert market.left_out == ()


def test_only_spot_is_interrupted_and_no_band_counts_as_the_worst() -> None:
    node = kind("node")
    offers = book(
        [
            (node, price(node, 1.0)),
            (node, price(node, 0.5, capacity="spot")),
            (node, price(node, 0.5, "eu-west-1", capacity="spot", interruption_band="<5%")),
        ]
    )
    on_demand, unknown, calm = find_candidates(work(), offers).candidates
    assert on_demand.interruptions_per_hour == 0
    assert on_demand.rework.multiplier == 1
    assert unknown.interruptions_per_hour > calm.interruptions_per_hour > 0
    assert unknown.interruptions_assumed
    assert not calm.interruptions_assumed
    own = find_candidates(work(interruptions_per_hour=0.2), offers).candidates[1]
    assert own.rework == best_rework(checkpoint_hours=1 / 60, restart_hours=1 / 12, interruptions_per_hour=0.2)
    assert not own.interruptions_assumed


def test_prepaid_time_comes_in_days_on_aws_only() -> None:
    aws, gcp = kind("a"), kind("g", cloud="gcp")
    offers = book(
        [
            (aws, price(aws, 1.0, capacity="reserved")),
            (gcp, price(gcp, 1.0, "us-central1", capacity="reserved")),
            (gcp, price(gcp, 1.0, "us-central1")),
        ]
    )
    assert [each.block_hours for each in find_candidates(work(), offers).candidates] == [24, 0, 0]


def test_nodes_wait_for_data_and_for_capacity_and_then_start() -> None:
    node = kind("g", cloud="gcp")
    offers = book(
        [
            (node, price(node, 1.0, "us-central1")),
            (node, price(node, 1.0, "us-central1", capacity="flex_start")),
        ]
    )
    asked = work(data=HERE, data_gb=1000.0, flex_start_wait_hours=3.0, startup_seconds=360.0)
    plain, waiting = find_candidates(asked, offers).candidates
    assert plain.wait_hours == pytest.approx(plain.site.arrival_hours + 0.1)
    assert 0.1 < plain.site.arrival_hours < 3
    assert waiting.wait_hours == pytest.approx(3.1)


def test_a_region_costs_what_the_services_around_the_nodes_cost() -> None:
    node = kind("g", cloud="gcp")
    offers = book([(node, price(node, 1.0, "us-central1"))])
    asked = work(data=HERE, data_gb=100.0, result_gb=10.0, disk_gib=50.0)
    site = site_of(asked, offers, THERE)
    assert site.transfer_usd == pytest.approx(100 * 0.09 + 10 * 0.12)
    assert site.control_plane_usd_per_hour == 0.30
    assert site.storage_usd_per_hour == pytest.approx(110e9 / 2**30 * 0.02 / HOURS_PER_MONTH)
    assert site.disk_usd_per_hour == pytest.approx(50 * 0.10 / HOURS_PER_MONTH)
    assert (site.assumed, site.unknown) == ([], [])
    at_home = site_of(asked, offers, HERE)
    assert at_home.transfer_usd == 0
    assert at_home.storage_usd_per_hour == pytest.approx(10e9 / 2**30 * 0.023 / HOURS_PER_MONTH)


def test_a_service_without_a_price_is_taken_at_the_dearest_known_one_and_said_to_be() -> None:
    node = kind("g", cloud="gcp")
    offers = book(
        [(node, price(node, 1.0, "us-central1"))],
        [
            service("kubernetes_control_plane_hour", 0.10),
            service("kubernetes_control_plane_hour", 0.60, region="eu-west-1"),
            service("block_storage_gib_month", 0.08),
        ],
    )
    site = site_of(work(data=HERE, data_gb=100.0), offers, THERE)
    assert site.control_plane_usd_per_hour == 0.60
    assert any("kubernetes_control_plane_hour in gcp:us-central1" in each for each in site.assumed)
    assert [each.partition(":")[0] for each in site.unknown] == [
        "egress_internet_gb in aws",
        "object_storage_gib_month in gcp",
    ]
    assert site.transfer_usd == site.storage_usd_per_hour == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "asked",
    [{"interruptions_per_hour": 10000.0}, {"interruptions_per_hour": 1e308}, {"restart_seconds": 1e300}],
)
def test_spot_that_would_never_finish_is_left_out(asked: dict[str, Any]) -> None:
    node = kind("node")
    offers = book([(node, price(node, 3.0)), (node, price(node, 1.0, capacity="spot"))])
    market = find_candidates(work(**asked), offers)
    assert [each.price.capacity for each in market.candidates] == ["on_demand"]
    assert [each.reason for each in market.left_out] == ["would never finish at this interruption rate"]


@pytest.mark.filterwarnings("error")
def test_many_nodes_that_would_never_finish_together_are_no_fleet() -> None:
    node = kind("node")
    offers = book([(node, price(node, 1.0, capacity="spot"))])
    asked = work(interruptions_per_hour=5.0, coupling="synchronous", scaling_loss=0.1, max_nodes=1000)
    assert plan_fleet(asked.but(deadline_hours=8760.0), offers).pools[0].nodes < 1000


def test_interruptions_too_rare_for_a_number_are_none() -> None:
    node = kind("node")
    (candidate,) = find_candidates(work(interruptions_per_hour=1e-320), only(node, capacity="spot")).candidates
    assert candidate.rework.multiplier == 1
