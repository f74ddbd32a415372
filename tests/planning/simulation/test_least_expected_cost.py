"""Our policy: what it learns, and that it spends less than the others where the past tells of the future."""

import numpy as np
import pytest

from planning.errors import PlanningError
from planning.simulation.calibration import Calibration, Episodes
from planning.simulation.forecast import AGE_EDGES, chain_of, learn
from planning.simulation.generator import generate
from planning.simulation.least_expected_cost import least_expected_cost
from planning.simulation.policies import greedy, uniform_progress
from planning.simulation.simulate import Policy, run
from planning.simulation.task import Task
from planning.simulation.traces import Availability, Trace, Zone, availability_of
from tests.planning.simulation.small_tasks import task_of, windows_of


def past(row: str, step_hours: float = 1.0) -> Availability:
    zone = Zone(name="zone", available=np.array([mark == "1" for mark in row]))
    return availability_of(Trace(name="past", step_seconds=3600 * step_hours, zones=(zone,)))


def modes(policy: Policy, task: Task, row: str) -> str:
    return "".join("-sd"[mode] for mode in run(policy, task, windows_of(row)).modes[0].tolist())


def test_rates_are_ends_by_hours_drawn_towards_the_rate_of_all_ages() -> None:
    forecast = learn([past("10" * 500)])

    # Every episode lasts an hour, so that about one an hour ends.
    assert forecast.up_rates[AGE_EDGES.index(0.5)] == pytest.approx(2.0, rel=0.1)
    assert forecast.history_hours == 1000
    assert forecast.instantly_replaced == 0.0


def test_long_episodes_are_seen_to_go_on() -> None:
    calibration = Calibration(
        name="heavy",
        up=Episodes(mean_hours=3, variation=2.5),
        down=Episodes(mean_hours=2, variation=2.5),
        source="",
    )

    forecast = learn([availability_of(generate(calibration, 5000, 2))])

    assert forecast.up_rates[0] > 3 * forecast.up_rates[-2]
    assert forecast.down_rates[0] > 3 * forecast.down_rates[-2]


def test_a_zone_that_takes_over_at_once_is_learnt() -> None:
    zones = (
        Zone(name="a", available=np.array([True, True, False, False] * 20)),
        Zone(name="b", available=np.array([False, False, True, True] * 20)),
    )

    assert learn([availability_of(Trace(name="t", step_seconds=3600, zones=zones))]).instantly_replaced == 1.0


def test_the_chain_goes_somewhere_from_everywhere() -> None:
    chain = chain_of(learn([past("1101000111")]), 0.1)

    assert (chain.keep + chain.lose).sum(axis=1) == pytest.approx(np.ones(chain.classes))
    assert (chain.keep >= 0).all()
    assert (chain.lose >= 0).all()


def test_without_a_past_there_is_no_forecast() -> None:
    with pytest.raises(PlanningError, match="history: must have a step or more"):
        learn([])


def test_waits_for_spot_that_always_comes_back_soon() -> None:
    task = task_of(4, 12, 0.0)
    policy = least_expected_cost(task, learn([past("1110" * 200)]), 1.0)

    assert modes(policy, task, "110111111111") == "ss-ss"


def test_does_not_move_to_spot_that_never_lasts() -> None:
    # Spot stays for 0.3 h, which is all that a start takes.
    task = task_of(3, 7, 0.3)
    policy = least_expected_cost(task, learn([past("111000" * 300, 0.1)]), 0.1)

    outcome = run(policy, task, windows_of("111000" * 11 + "1110", step_hours=0.1))

    assert outcome.spot_hours.tolist() == [0.0]
    assert outcome.usd.tolist() == [pytest.approx(3.3 * 3)]


def test_takes_on_demand_early_where_spot_hardly_ever_comes() -> None:
    task = task_of(4, 9, 0.0)
    hopeless = least_expected_cost(task, learn([past("0" * 5000)]), 1.0)

    assert run(hopeless, task, windows_of("000000000")).usd.tolist() == [12.0]
    assert run(hopeless, task, windows_of("111111111")).usd.tolist() == [4.0]


@pytest.mark.parametrize(("deadline", "changeover"), [(11.0, 0.1), (12.0, 0.3), (15.0, 0.5)])
def test_is_cheaper_on_average_than_greedy_and_uniform_progress_on_memoryless_spot(
    deadline: float, changeover: float
) -> None:
    task = task_of(10, deadline, changeover)
    memoryless = Calibration(
        name="memoryless",
        up=Episodes(mean_hours=2, variation=1.0),
        down=Episodes(mean_hours=1, variation=1.0),
        source="",
    )
    rows = ["".join("01"[int(each)] for each in _generated(memoryless, deadline, seed)) for seed in range(400)]
    windows = windows_of(*rows, step_hours=0.1)
    policy = least_expected_cost(task, learn([availability_of(generate(memoryless, 2000, 999))]), 0.1)

    ours = run(policy, task, windows).usd
    for other in (greedy(task), uniform_progress(task)):
        assert ours.mean() < run(other, task, windows).usd.mean()


def _generated(calibration: Calibration, hours: float, seed: int) -> list[bool]:
    return generate(calibration, hours, seed).zones[0].available.tolist()


def test_long_tasks_are_planned_in_longer_steps_and_stay_cheaper_than_greedy() -> None:
    task = task_of(150, 180, 0.1, checkpoint_hours=0.25)
    memoryless = Calibration(
        name="memoryless",
        up=Episodes(mean_hours=2, variation=1.0),
        down=Episodes(mean_hours=1, variation=1.0),
        source="",
    )
    rows = ["".join("01"[int(each)] for each in _generated(memoryless, 180, seed)) for seed in range(12)]
    windows = windows_of(*rows, step_hours=0.1)
    policy = least_expected_cost(task, learn([availability_of(generate(memoryless, 2000, 999))]), 0.1)

    assert run(policy, task, windows).usd.mean() < 0.9 * run(greedy(task), task, windows).usd.mean()
