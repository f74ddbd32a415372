"""Hazards from the bands in which interruptions are published."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.prices.model import INTERRUPTION_BANDS
from planning.quantities import HOURS_PER_MONTH
from planning.spot.interruption import (
    MONTHLY_SHARES,
    fleet_interruptions_per_hour,
    interruptions_per_hour,
    is_assumed,
)


@pytest.mark.parametrize("band", INTERRUPTION_BANDS)
def test_every_band_has_a_hazard_that_gives_its_share_back_after_a_month(band: str) -> None:
    hazard = interruptions_per_hour(band)  # type: ignore[arg-type]
    assert 1 - math.exp(-hazard * HOURS_PER_MONTH) == pytest.approx(MONTHLY_SHARES[band])  # type: ignore[index]


def test_worse_bands_have_higher_hazards_and_no_band_counts_as_the_worst() -> None:
    known = [interruptions_per_hour(band) for band in INTERRUPTION_BANDS if band]
    assert known == sorted(known)
    assert len(set(known)) == len(known)
    assert interruptions_per_hour("") == max(known)


def test_only_bands_without_an_upper_end_are_assumed() -> None:
    assert [band for band in INTERRUPTION_BANDS if is_assumed(band)] == ["", ">20%"]


def test_a_hazard_for_no_band_is_refused() -> None:
    with pytest.raises(KeyError):
        interruptions_per_hour("often")  # type: ignore[arg-type]


@given(st.sampled_from(INTERRUPTION_BANDS), st.integers(0, 200))
def test_the_chance_that_no_node_is_taken_is_the_product_of_the_nodes_chances(band: str, nodes: int) -> None:
    each = math.exp(-interruptions_per_hour(band))  # type: ignore[arg-type]
    together = math.exp(-fleet_interruptions_per_hour(band, nodes))  # type: ignore[arg-type]
    assert together == pytest.approx(each**nodes)
