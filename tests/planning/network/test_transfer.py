"""How long a transfer takes and what it costs, on a small book with round figures."""

import datetime
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.errors import PlanningError
from planning.network.latency import round_trip_ms
from planning.network.places import Place, distance_km
from planning.network.transfer import (
    Conditions,
    MeasuredPath,
    loss_limit_gbps,
    plan_transfer,
    window_limit_gbps,
)
from planning.prices.book import PriceBook
from planning.prices.model import Cloud, InstanceType, Region, ServicePrice

DAY = datetime.date(2026, 11, 25)
VIRGINIA, IRELAND = Place("aws", "us-east-1"), Place("aws", "eu-west-1")
IOWA, EEMSHAVEN, HANGZHOU = Place("gcp", "us-central1"), Place("gcp", "europe-west4"), Place("alibaba", "cn-hangzhou")
FAST = Conditions(nic_gbps=1000.0, window_bytes=1e12)


def region(cloud: Cloud, name: str, latitude: float, longitude: float) -> Region:
    return Region(
        cloud=cloud, name=name, place=name, country="US", continent="", latitude=latitude, longitude=longitude,
        source="test", as_of=DAY,
    )  # fmt: skip


def price(cloud: Cloud, service: str, usd: float, from_quantity: float = 0.0, region: str = "*") -> ServicePrice:
    return ServicePrice(
        cloud=cloud, region=region, service=service, unit="GB", from_quantity=from_quantity, usd_per_unit=usd,
        basis="published", source=f"{cloud} price list", as_of=DAY,
    )  # fmt: skip


BOOK = PriceBook(
    (),
    (),
    (
        price("aws", "egress_internet_gb", 0.0),
        price("aws", "egress_internet_gb", 0.09, 100),
        price("aws", "egress_internet_gb", 0.05, 1000),
        price("aws", "egress_region_gb", 0.02),
        price("aws", "egress_zone_gb", 0.01),
        price("gcp", "egress_internet_gb", 0.12),
    ),
    (
        region("aws", "us-east-1", 38.95, -77.45),
        region("aws", "eu-west-1", 53.34, -6.27),
        region("gcp", "us-central1", 41.26, -95.86),
        region("gcp", "europe-west4", 53.44, 6.84),
        region("alibaba", "cn-hangzhou", 30.27, 120.16),
    ),
)
GPU_MACHINE = InstanceType(
    cloud="aws", name="p4d.24xlarge", architecture="x86_64", vcpus=96, memory_gib=1152, gpu="A100", gpu_count=8,
    gpu_memory_gib=40, gpu_interconnect="nvlink", nvme_gb=8000, network_gbps=400, rdma_interfaces=4, network_cards=4,
    capacity_blocks=True, hibernation=False, source="test", as_of=DAY,
)  # fmt: skip


def test_time_is_size_over_rate_and_three_round_trips() -> None:
    given_link = Conditions(link_gbps=2.0, round_trip_ms=50.0)
    found = plan_transfer(BOOK, VIRGINIA, IOWA, 500, conditions=given_link)
    assert found.seconds == pytest.approx(500 * 8 / 2 + 3 * 0.05)
    assert found.bandwidth_gbps == 2.0
    assert found.limited_by == "the given bandwidth of 2 Gbit/s"


def test_one_connection_carries_a_window_each_round_trip() -> None:
    slow = Conditions(round_trip_ms=100.0, window_bytes=1_250_000)
    assert window_limit_gbps(1_250_000, 100.0) == pytest.approx(0.1)
    found = plan_transfer(BOOK, HANGZHOU, IOWA, 1, streams=1, conditions=slow)
    assert found.bandwidth_gbps == pytest.approx(0.1)
    assert found.limited_by == "one connection with a TCP window of 1.19 MiB over a round trip of 100 ms"


def test_loss_follows_mathis() -> None:
    # 1460 bytes, 70 ms, loss of one in ten thousand: the example that is usually worked, 20 Mbit/s.
    assert loss_limit_gbps(70.0, 1e-4) == pytest.approx(1460 * 8 / 0.07 * math.sqrt(1.5) / 0.01 / 1e9)
    lossy = Conditions(round_trip_ms=70.0, loss=1e-4, nic_gbps=100.0)
    found = plan_transfer(BOOK, HANGZHOU, IOWA, 1, streams=4, conditions=lossy)
    assert found.bandwidth_gbps == pytest.approx(4 * loss_limit_gbps(70.0, 1e-4))
    assert "packet loss of 0.0001" in found.limited_by


def test_requests_to_s3_have_a_published_limit_each() -> None:
    found = plan_transfer(BOOK, VIRGINIA, VIRGINIA, 100, streams=10, conditions=FAST)
    assert found.bandwidth_gbps == pytest.approx(7.2)
    assert "90 MB/s a request to S3" in found.limited_by
    assert any("Performance design patterns" in source for source in found.sources)


def test_a_large_ec2_instance_gets_half_its_network_from_other_regions_and_a_small_one_five_gbit() -> None:
    large = Conditions(machine=GPU_MACHINE, source_end="machine", window_bytes=1e12)
    assert plan_transfer(BOOK, VIRGINIA, IRELAND, 1, streams=100, conditions=large).bandwidth_gbps == 200.0
    assert plan_transfer(BOOK, VIRGINIA, IRELAND, 1, streams=100, conditions=FAST).bandwidth_gbps == 5.0


def test_google_limits_what_leaves_a_machine_for_the_internet_but_not_for_its_own_regions() -> None:
    out = Conditions(source_end="machine", nic_gbps=100.0, window_bytes=1e12)
    assert plan_transfer(BOOK, IOWA, HANGZHOU, 1, streams=64, conditions=out).bandwidth_gbps == 7.0
    assert plan_transfer(BOOK, IOWA, HANGZHOU, 1, streams=2, conditions=out).bandwidth_gbps == 6.0
    assert plan_transfer(BOOK, IOWA, EEMSHAVEN, 1, streams=64, conditions=out).bandwidth_gbps == 100.0


def test_a_network_that_nobody_names_is_assumed_and_said_to_be() -> None:
    found = plan_transfer(BOOK, IOWA, IOWA, 100)
    assert found.bandwidth_gbps == 10.0
    assert found.assumptions == ("the network of a machine is taken for 10 Gbit/s: no machine was named",)
    assert plan_transfer(BOOK, IOWA, IOWA, 100, conditions=Conditions(nic_gbps=10.0)).assumptions == ()


def test_a_measurement_takes_the_place_of_the_model() -> None:
    measured = MeasuredPath(bandwidth_gbps=1.5, round_trip_ms=33.0, source="probe")
    found = plan_transfer(BOOK, VIRGINIA, IOWA, 3, measured=measured)
    assert (found.bandwidth_gbps, found.latency_ms, found.limited_by) == (1.5, 33.0, "what was measured")
    assert found.seconds == pytest.approx(16 + 3 * 0.033)
    assert not any("modelled" in source for source in found.sources)


@pytest.mark.parametrize(
    ("source", "target", "gigabytes", "usd", "service"),
    [
        (VIRGINIA, IOWA, 100, 0.0, "egress_internet_gb"),
        (VIRGINIA, IOWA, 500, 36.0, "egress_internet_gb"),
        (VIRGINIA, IOWA, 1200, 81 + 10, "egress_internet_gb"),
        (VIRGINIA, IRELAND, 500, 10.0, "egress_region_gb"),
        (VIRGINIA, VIRGINIA, 500, 0.0, ""),
        (IOWA, VIRGINIA, 500, 60.0, "egress_internet_gb"),
        (IOWA, EEMSHAVEN, 500, None, "egress_region_gb"),
        (HANGZHOU, IOWA, 500, None, "egress_internet_gb"),
    ],
)
def test_egress_costs_what_the_tiers_of_the_sender_say(
    source: Place, target: Place, gigabytes: float, usd: float | None, service: str
) -> None:
    found = plan_transfer(BOOK, source, target, gigabytes)
    assert found.usd == (None if usd is None else pytest.approx(usd))
    assert found.egress_service == service


def test_tiers_go_on_from_what_was_sent_this_month() -> None:
    later = Conditions(sent_this_month_gb=900)
    assert plan_transfer(BOOK, VIRGINIA, IOWA, 200, conditions=later).usd == pytest.approx(100 * 0.09 + 100 * 0.05)


def test_between_machines_of_a_region_the_zone_decides_and_amazon_bills_both() -> None:
    across = Conditions(source_end="machine", target_end="machine")
    within = Conditions(source_end="machine", target_end="machine", same_zone=True)
    assert plan_transfer(BOOK, VIRGINIA, VIRGINIA, 100, conditions=across).usd == pytest.approx(2.0)
    assert plan_transfer(BOOK, VIRGINIA, VIRGINIA, 100, conditions=within).usd == 0.0
    assert plan_transfer(BOOK, IOWA, IOWA, 100, conditions=within).usd is None


def test_distance_and_round_trip_are_those_of_the_map() -> None:
    virginia, ireland = (BOOK.region_of("aws", name) for name in ("us-east-1", "eu-west-1"))
    assert virginia
    assert ireland
    assert distance_km(virginia, ireland) == pytest.approx(5465, rel=0.01)
    assert round_trip_ms(BOOK, VIRGINIA, IRELAND) == pytest.approx(2 * 2.1 * 5465 / 200, rel=0.01)
    assert round_trip_ms(BOOK, VIRGINIA, VIRGINIA) == 1.0


def test_places_are_read_and_written_the_same_way() -> None:
    assert Place.parse(" aws:us-east-1 ") == VIRGINIA
    assert str(VIRGINIA) == "aws:us-east-1"


@pytest.mark.parametrize("text", ["", "aws", "aws:", ":us-east-1", "ibm:dal", "us-east-1"])
def test_what_is_no_place_is_refused_by_name(text: str) -> None:
    with pytest.raises(PlanningError, match=r"--from = .*must be CLOUD:REGION"):
        Place.parse(text, "--from")


def test_an_unknown_region_is_refused_with_those_there_are() -> None:
    with pytest.raises(PlanningError, match=r"target = 'aws:mars-1'.*it has: eu-west-1, us-east-1"):
        plan_transfer(BOOK, VIRGINIA, Place("aws", "mars-1"), 1)


@pytest.mark.parametrize("gigabytes", [-1.0, math.nan, math.inf, 1e308])
def test_sizes_that_make_no_sense_are_refused(gigabytes: float) -> None:
    with pytest.raises(PlanningError, match="gigabytes = "):
        plan_transfer(BOOK, VIRGINIA, IOWA, gigabytes)


def test_every_bad_condition_is_named_at_once() -> None:
    bad: dict[str, Any] = {
        "source_end": "disk", "machines": 0, "nic_gbps": math.nan, "link_gbps": -1.0, "round_trip_ms": 0.0,
        "path_factor": 0.5, "window_bytes": 0.0, "loss": 1.0, "sent_this_month_gb": -5.0,
    }  # fmt: skip
    with pytest.raises(PlanningError) as error:
        Conditions(**bad)
    assert len(str(error.value).splitlines()) == len(bad)


@given(
    gigabytes=st.floats(0, 1e6),
    streams=st.integers(1, 256),
    round_trip=st.floats(0.1, 500),
    loss=st.floats(0, 0.5),
    nic=st.floats(0.1, 400),
)
def test_more_of_anything_good_never_takes_longer(
    gigabytes: float, streams: int, round_trip: float, loss: float, nic: float
) -> None:
    def seconds(**changes: Any) -> float:
        how = {"round_trip_ms": round_trip, "loss": loss, "nic_gbps": nic, "machines": 1} | changes
        count = how.pop("streams", streams)
        return plan_transfer(BOOK, VIRGINIA, IOWA, gigabytes, streams=int(count), conditions=Conditions(**how)).seconds

    base = seconds()
    assert seconds(streams=streams + 1) <= base
    assert seconds(nic_gbps=2 * nic) <= base
    assert seconds(machines=2) <= base
    assert seconds(loss=loss / 2) <= base
    assert seconds(round_trip_ms=round_trip / 2) <= base


@given(first=st.floats(0, 1e5), second=st.floats(0, 1e5))
def test_sending_in_two_parts_costs_the_same_and_more_never_costs_less(first: float, second: float) -> None:
    def usd(gigabytes: float, before: float = 0.0) -> float:
        found = plan_transfer(BOOK, VIRGINIA, IOWA, gigabytes, conditions=Conditions(sent_this_month_gb=before)).usd
        assert found is not None
        return found

    assert usd(first) + usd(second, first) == pytest.approx(usd(first + second), abs=1e-6)
    assert usd(first + second) >= usd(first) - 1e-9
