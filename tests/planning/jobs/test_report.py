"""What people read of schedules, the JSON form, and the Gantt chart."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from planning.jobs.comparison import SchedulerComparison, compare_schedulers
from planning.jobs.model import Workload
from planning.jobs.picture import draw_gantt
from planning.jobs.report import as_document, print_schedules
from tests.planning.jobs.workloads import job, nodes

GOLDEN = Path(__file__).parent / "golden"
RIGHT = Workload(
    (
        job("prepare", 1, 1, team="vision"),
        job("train", 6, 4, team="vision", after=("prepare",)),
        job("tune", 2, 3, team="language"),
        job("long", 5, 2, team="language"),
    ),
    nodes(4, 2),
)
WRONG = Workload((job("a", 4, 2, estimated_hours=1.5), job("b", 1.25, 3), job("c", 1.1, 1)), nodes(4))


def printed(workload: Workload, comparison: SchedulerComparison) -> str:
    stream = io.StringIO()
    print_schedules(workload, comparison, Console(file=stream, width=80, color_system=None))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize(
    ("name", "workload", "policy", "seconds"),
    [
        ("schedules.txt", RIGHT, "all", 10.0),
        ("wrong_estimates.txt", WRONG, "optimal", 0.0),
        ("only_fifo.txt", WRONG, "fifo", 0.0),
    ],
)
def test_the_report_reads_as_agreed(name: str, workload: Workload, policy: str, seconds: float) -> None:
    comparison = compare_schedulers(workload, policy, seconds=seconds)

    assert printed(workload, comparison) == (GOLDEN / name).read_text(encoding="utf-8")


def test_the_document_is_json_with_every_placement() -> None:
    document = json.loads(json.dumps(as_document(RIGHT, compare_schedulers(RIGHT))))

    assert document["simulated"] is True
    assert [each["name"] for each in document["schedulers"]] == ["fifo", "backfill", "conservative", "optimal"]
    assert all(len(each["placements"]) == 4 for each in document["schedulers"])
    assert document["plan"]["gap"] == 0
    assert as_document(RIGHT, compare_schedulers(RIGHT, "fifo"))["plan"] is None


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_chart_is_drawn_and_the_same_each_time(suffix: str) -> None:
    comparison = compare_schedulers(RIGHT, "optimal")

    one, two = (draw_gantt(RIGHT, comparison, suffix) for _ in range(2))

    assert one == two
    assert one.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
