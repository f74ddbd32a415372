"""What people read of a simulation, its JSON form, and its picture."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from planning.simulation.comparison import Comparison, Difference, Estimate, PolicyResult
from planning.simulation.picture import draw_study
from planning.simulation.report import as_document, print_study
from planning.simulation.study import Study, Timeline
from tests.planning.simulation.small_tasks import task_of

GOLDEN = Path(__file__).parent / "golden"
TASK = task_of(48, 60, 0.1, checkpoint_hours=0.5)


def estimate(mean: float, reach: float | None) -> Estimate:
    return Estimate(
        mean=mean, low=None if reach is None else mean - reach, high=None if reach is None else mean + reach
    )


def result(name: str, label: str, usd: float, reach: float | None, missed: int = 0) -> PolicyResult:
    return PolicyResult(
        name=name,
        label=label,
        usd=estimate(usd, reach),
        saved=estimate(1 - usd / 144.3, 0.01),
        above_bound=estimate(usd / 80 - 1, 0.01),
        missed=missed,
        finish_hours=55.5,
        starts=12.25,
        interruptions=10.0,
        spot_hours=30.0,
        on_demand_hours=18.25,
    )


def study_of(reach: float | None, runs: int) -> Study:
    comparison = Comparison(
        runs=runs,
        spot_share=0.59,
        results=(
            result("on_demand", "Always on demand", 144.3, reach and 0.0),
            result("greedy", "Greedy spot", 1106.5, reach),
            result("uniform_progress", "Uniform Progress", 86.16, reach),
            result("spot_only", "Spot only", 79.35, reach, missed=12),
        ),
        differences=(
            Difference(policy="greedy", than="on_demand", usd=estimate(-40.66, reach)),
            Difference(policy="uniform_progress", than="greedy", usd=estimate(2.5, reach)),
            Difference(policy="uniform_progress", than="on_demand", usd=estimate(0.0, 0.0)),
        ),
        bound=estimate(80.0, reach),
    )
    timeline = Timeline(
        step_hours=1.0,
        available=np.array([True, True, False]),
        modes=(("Greedy spot", np.array([1, 1, 2], dtype=np.int8)), ("Spot only", np.array([0, 1, 0], dtype=np.int8))),
    )
    return Study(comparison=comparison, timeline=timeline, sources=("zone-a, generated with seed 7",))


def printed(study: Study) -> str:
    stream = io.StringIO()
    print_study(TASK, study, Console(file=stream, width=80, color_system=None))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize(
    ("name", "study"), [("simulation.txt", study_of(6.08, 100)), ("simulation_one_run.txt", study_of(None, 1))]
)
def test_the_report_reads_as_agreed(name: str, study: Study) -> None:
    assert printed(study) == (GOLDEN / name).read_text(encoding="utf-8")


def test_the_document_is_json_and_says_that_it_is_simulated() -> None:
    document = json.loads(json.dumps(as_document(TASK, study_of(6.08, 100))))

    assert document["simulated"] is True
    assert document["task"]["work_hours"] == 48
    assert [each["name"] for each in document["policies"]] == ["on_demand", "greedy", "uniform_progress", "spot_only"]
    assert document["differences"][0]["is_certain"] is True
    assert document["differences"][1]["is_certain"] is False
    assert document["omniscient_bound_usd"]["mean"] == 80.0


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_is_drawn_and_the_same_each_time(suffix: str) -> None:
    one, two = (draw_study(TASK, study_of(6.08, 100), suffix) for _ in range(2))

    assert one == two
    assert one.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
    if suffix == ".svg":
        assert b"<!-- $79.35, 12 late -->" in one
