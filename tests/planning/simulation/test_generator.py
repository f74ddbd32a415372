"""Generated traces: the same for a seed, and like what they are calibrated on."""

import numpy as np
import pytest

from planning.errors import PlanningError
from planning.simulation.calibration import CALIBRATIONS, Calibration, Episodes
from planning.simulation.generator import generate, weibull_shape
from planning.simulation.traces import availability_of, episodes_of

ZONES = [name for name in CALIBRATIONS if name.startswith("v100x1:")]


def test_the_same_seed_gives_the_same_trace_and_another_one_another() -> None:
    one, same, other = (generate(CALIBRATIONS["v100x1:us-east-1f"], 100, seed).zones[0].available for seed in (3, 3, 4))

    assert one.tolist() == same.tolist()
    assert one.tolist() != other.tolist()


@pytest.mark.parametrize("name", ZONES)
def test_long_traces_have_the_availability_and_lengths_of_their_calibration(name: str) -> None:
    calibration = CALIBRATIONS[name]

    trace = availability_of(generate(calibration, 60_000, 1))

    lengths = {state: [each.hours for each in episodes_of(trace) if each.available is state] for state in (True, False)}
    assert trace.share == pytest.approx(calibration.share, abs=0.03)
    assert np.mean(lengths[True]) == pytest.approx(calibration.up.mean_hours, rel=0.08)
    assert np.mean(lengths[False]) == pytest.approx(calibration.down.mean_hours, rel=0.08)
    assert np.std(lengths[True]) / np.mean(lengths[True]) == pytest.approx(calibration.up.variation, rel=0.12)


def test_a_trace_begins_available_as_often_as_it_is_so_in_the_long_run() -> None:
    calibration = CALIBRATIONS["v100x1:us-east-1f"]
    starts = [bool(generate(calibration, 1, seed).zones[0].available[0]) for seed in range(2000)]
    later = [bool(generate(calibration, 5, seed).zones[0].available[-1]) for seed in range(2000)]

    assert np.mean(starts) == pytest.approx(calibration.share, abs=0.04)
    assert np.mean(later) == pytest.approx(calibration.share, abs=0.04)


def test_a_variation_of_one_is_an_exponential_distribution() -> None:
    assert weibull_shape(1.0) == pytest.approx(1.0)
    assert weibull_shape(2.0) < 0.6


def test_every_calibration_says_where_it_is_from() -> None:
    for calibration in CALIBRATIONS.values():
        assert "NSDI 2024" in calibration.source or "Spot Instance Advisor" in calibration.source
        assert 0 < calibration.share < 1


def test_a_band_has_the_monthly_interruptions_that_it_is_named_after() -> None:
    band = CALIBRATIONS["band:10-15%"]

    assert 1 - np.exp(-730 / band.up.mean_hours) == pytest.approx(0.125)
    assert "assumed" in band.source


@pytest.mark.parametrize(("hours", "step"), [(0.0, 0.1), (float("nan"), 0.1), (10.0, -1.0)])
def test_refuses_lengths_that_make_no_sense(hours: float, step: float) -> None:
    with pytest.raises(PlanningError):
        generate(CALIBRATIONS[ZONES[0]], hours, 1, step)


def test_refuses_a_variation_that_nothing_was_tried_for() -> None:
    strange = Calibration(
        name="strange",
        up=Episodes(mean_hours=1, variation=0.0),
        down=Episodes(mean_hours=1, variation=1.0),
        source="",
    )
    with pytest.raises(PlanningError, match=r"variation = 0.0: must be a number from 0\.2 to 20"):
        generate(strange, 1, 1)
