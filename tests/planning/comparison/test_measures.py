"""What is measured of a region: each figure as by hand, with its sources, and unknown where nobody tells."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.comparison.criteria import CriterionName, Measurement
from planning.comparison.features import FeatureTable
from planning.comparison.report import Comparison, compare
from planning.comparison.request import Per, Request
from planning.comparison.weights import make_weights
from planning.errors import PlanningError
from planning.network.places import Place
from planning.network.transfer import plan_transfer
from tests.planning.comparison.small_book import BOOK, DAY, FEATURE_TABLE

US = Place("aws", "us-east-1")
IRELAND = Place("aws", "eu-west-1")
NETHERLANDS = Place("gcp", "europe-west4")


def comparison_of(request: Request, features: FeatureTable = FEATURE_TABLE) -> Comparison:
    return compare(BOOK, features, request, make_weights())


def measured(request: Request, place: Place, name: CriterionName) -> Measurement:
    return comparison_of(request).measured[place][name]


def test_a_price_is_the_cheapest_share_of_an_instance() -> None:
    found = measured(Request(gpu="A100"), US, "price")
    assert (found.value, found.text) == (3.0, "$3.00/GPU-hour")
    assert "p4d: 8 x A100 with 40 GiB, $24.0000/h on demand" in found.detail
    assert [(source.text, source.as_of, source.basis) for source in found.sources] == [
        ("prices of aws", DAY, "published")
    ]


@pytest.mark.parametrize(
    ("per", "usd"),
    [("gpu", 3.2), ("memory", 5.0 / 80), ("tflops", 3.2 / 312)],
    ids=["GPU", "GiB", "TFLOPS"],
)
def test_prices_are_for_what_is_asked(per: Per, usd: float) -> None:
    assert measured(Request(gpu="A100", per=per), NETHERLANDS, "price").value == pytest.approx(usd)


def test_a_price_for_throughput_names_the_data_sheet_and_is_marked_as_rough() -> None:
    found = measured(Request(gpu="A100", per="tflops"), NETHERLANDS, "price")
    assert found.rough
    assert any("data sheet" in source.text and source.basis == "modelled" for source in found.sources)


def test_without_a_model_prices_are_for_memory_since_gpus_differ() -> None:
    assert measured(Request(), US, "price").text.endswith("/GiB-hour")


def test_the_memory_asked_rules_out_smaller_gpus_of_the_model() -> None:
    assert measured(Request(gpu="A100", gpu_memory_gib=80), NETHERLANDS, "price").value == 5.0


def test_a_derived_price_is_marked_and_a_published_one_is_not() -> None:
    comparison = comparison_of(Request(gpu="A100"))
    assert comparison.measured[US]["spot_price"].rough
    assert not comparison.measured[IRELAND]["spot_price"].rough


def test_interruptions_are_the_midpoints_of_the_bands() -> None:
    comparison = comparison_of(Request(gpu="A100"))
    assert comparison.measured[US]["spot_stability"].value == pytest.approx(7.5)
    assert comparison.measured[IRELAND]["spot_stability"].value == pytest.approx(2.5)


def test_without_published_bands_the_stability_of_spot_is_unknown() -> None:
    found = measured(Request(gpu="A100"), NETHERLANDS, "spot_stability")
    assert (found.value, found.known, found.sources) == (None, 0, ())
    assert "publishes no interruption bands" in found.detail


def test_offers_count_types_and_capacity_kinds_and_say_what_is_unknown() -> None:
    found = measured(Request(gpu="A100"), NETHERLANDS, "availability")
    assert found.value == 3
    assert "2 types (A100, A100-80GB), on demand, on spot; what is free right now is unknown" in found.detail


def test_the_network_is_that_of_the_best_connected_gpu_that_fits() -> None:
    assert measured(Request(gpu="A100"), US, "network").value == 50
    assert measured(Request(gpu="T4"), US, "network").value == 25
    assert measured(Request(gpu="A100"), NETHERLANDS, "network").value == 100


def test_storage_and_egress_are_averages_over_their_tiers() -> None:
    comparison = comparison_of(Request(gpu="A100"))
    assert comparison.measured[US]["storage"].value == pytest.approx(0.023)
    assert comparison.measured[US]["egress"].value == pytest.approx(0.09 * 900 / 1000)
    assert comparison.measured[NETHERLANDS]["egress"].value is None


def test_moving_data_is_what_the_network_model_says() -> None:
    request = Request(gpu="A100", data=IRELAND, data_gb=500)
    comparison = comparison_of(request)
    expected = plan_transfer(BOOK, IRELAND, US, 500)
    assert comparison.measured[US]["transfer_cost"].value == pytest.approx(500 * 0.02) == expected.usd
    assert comparison.measured[US]["transfer_time"].value == expected.seconds
    assert comparison.measured[US]["transfer_time"].rough
    assert {comparison.measured[IRELAND][name].value for name in ("transfer_cost", "transfer_time")} == {0}


def test_moving_data_is_not_compared_where_none_has_to_be_moved() -> None:
    assert set(comparison_of(Request(gpu="A100")).criteria) & {"transfer_cost", "transfer_time", "distance"} == set()


def test_weights_of_nothing_but_what_is_not_compared_are_refused() -> None:
    with pytest.raises(PlanningError, match="weights: only distance count"):
        compare(BOOK, FEATURE_TABLE, Request(gpu="A100"), make_weights({"others": 0, "distance": 1}))


def test_the_distance_is_to_the_users_or_else_to_the_data() -> None:
    to_data = measured(Request(gpu="A100", data=IRELAND), US, "distance")
    to_users = measured(Request(gpu="A100", data=IRELAND, users=US), US, "distance")
    assert to_data.value == pytest.approx(5460, rel=0.01)
    assert to_users.value == 0


def test_protection_is_the_share_of_what_is_known_and_says_what_is_not() -> None:
    comparison = comparison_of(Request(gpu="A100"))
    aws, google = comparison.measured[US]["protection"], comparison.measured[NETHERLANDS]["protection"]
    assert (aws.value, aws.known) == (pytest.approx(11 / 12), 1)
    assert "without confidential_gpu" in aws.detail
    assert (google.value, google.known) == (1.0, 9 / 12)
    assert "unknown: soc_2, c5, hipaa" in google.detail


def test_protection_is_unknown_where_fewer_than_half_of_the_features_are_known() -> None:
    few = FeatureTable(tuple(row for row in FEATURE_TABLE.rows if row.cloud == "aws")[:5])
    found = comparison_of(Request(gpu="A100"), few).measured[US]["protection"]
    assert found.value is None
    assert "only 5 of 12" in found.detail


def test_every_figure_that_is_known_has_a_source() -> None:
    comparison = comparison_of(Request(data=IRELAND, users=US, per="tflops"))
    for row in comparison.measured.values():
        for name, found in row.items():
            assert bool(found.sources) == (found.value is not None), name
            assert set(found.sources) <= set(comparison.sources)


@given(
    st.sampled_from([each for each in BOOK.instances if each.capacity in ("on_demand", "spot")]),
    st.floats(1.01, 50),
)
def test_raising_a_price_of_the_book_never_improves_the_region(price: object, factor: float) -> None:
    dearer = dataclasses.replace(
        BOOK,
        instances=tuple(
            dataclasses.replace(each, usd_per_hour=each.usd_per_hour * factor) if each == price else each
            for each in BOOK.instances
        ),
    )
    request = Request(gpu="A100", data=IRELAND)
    before = {row.key: row for row in compare(BOOK, FEATURE_TABLE, request, make_weights()).ranking.rows}
    after = {row.key: row for row in compare(dearer, FEATURE_TABLE, request, make_weights()).ranking.rows}
    changed = Place(price.cloud, price.region)  # type: ignore[attr-defined]
    if changed in before:
        assert (after[changed].score or 0) <= (before[changed].score or 0)
        assert (after[changed].rank or math.inf) >= (before[changed].rank or math.inf)


def test_the_order_of_the_books_rows_changes_nothing() -> None:
    backwards = dataclasses.replace(
        BOOK,
        types=BOOK.types[::-1],
        instances=BOOK.instances[::-1],
        services=BOOK.services[::-1],
        regions=BOOK.regions[::-1],
    )
    request = Request(data=IRELAND)
    one, other = (compare(book, FEATURE_TABLE, request, make_weights()) for book in (BOOK, backwards))
    assert one.ranking == other.ranking
    assert one.ranges == other.ranges
    assert one.left_out == other.left_out
    assert one.sources == other.sources
