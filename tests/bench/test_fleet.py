"""The benchmark of the fleet optimiser: the same markets and tasks on every run, and results that can be judged."""

import json
from pathlib import Path

from bench import fleet
from planning.fleet.candidates import find_candidates
from planning.fleet.work import Work
from planning.prices.model import CAPACITIES


def test_a_market_has_so_many_types_in_two_regions_bought_in_every_way_and_is_the_same_again() -> None:
    market = fleet.market(250)
    assert len({(each.cloud, each.name) for each in market.types}) == 250
    assert len(market.instances) == 250 * 2 * len(CAPACITIES)
    assert {each.name.startswith("synthetic-") for each in market.types} == {True, False}
    assert market == fleet.market(250)
    everything = find_candidates(Work(gpu_hours=1.0, deadline_hours=1000.0), market)
    assert len(everything.candidates) == len(market.instances)


def test_tasks_are_the_same_again_and_of_many_kinds() -> None:
    tasks = fleet.random_tasks(100)
    assert tasks == fleet.random_tasks(100)
    assert {work.coupling for work in tasks} == {"independent", "synchronous"}
    assert {work.one_region for work in tasks} == {True, False}
    assert {bool(work.quotas) for work in tasks} == {True, False}
    assert {work.data is None for work in tasks} == {True, False}


def test_results_tell_times_growth_and_that_no_fleet_is_dearer_than_one_type(tmp_path: Path) -> None:
    told: list[str] = []
    results = fleet.measure_fleet(tmp_path, told.append, sizes=(10, 20, 30), tasks=4)
    assert len(told) == fleet.steps((10, 20, 30))
    values = {each.name: each for each in results}
    assert list(values) == [
        *(f"fleet/synthetic/{size}/{which}" for size in (10, 20, 30) for which in ("median", "slowest")),
        "fleet/synthetic/growth",
        "fleet/tasks/worst-ratio",
        "fleet/tasks/mean-ratio",
        "fleet/tasks/share-only-mixed-can-do",
    ]
    assert values["fleet/tasks/worst-ratio"].met
    assert 0 < values["fleet/tasks/mean-ratio"].value <= values["fleet/tasks/worst-ratio"].value
    assert json.loads(json.dumps([each.document() for each in results]))
    assert list(tmp_path.iterdir()) == []
