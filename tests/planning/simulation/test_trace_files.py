"""Trace files: the three forms that are read, and what is said of those that cannot be."""

import json
from pathlib import Path

import pytest

from planning.errors import PlanningError
from planning.simulation.trace_files import read_trace
from planning.simulation.trace_format import parse_trace

JSON = """\
{"step_seconds": 300,
 "zones": {"a": {"available": [1, 0, 2], "usd_per_hour": 0.5}, "b": {"available": [0, 1, 1]}}}
"""
CSV = "seconds,zone,available,usd_per_hour\n0,a,1,0.5\n300,a,0,0.5\n0,b,0,0.75\n300,b,3,0.25\n"
PUBLISHED = '{"metadata": {"gap_seconds": 600}, "data": [4, 4, 0, 3]}'


def test_reads_zones_and_prices_from_json() -> None:
    trace = parse_trace("t.json", JSON)

    assert (trace.name, trace.step_seconds, trace.steps, trace.hours) == ("t.json", 300, 3, 0.25)
    assert [zone.available.tolist() for zone in trace.zones] == [[True, False, True], [False, True, True]]
    assert trace.zones[0].usd_per_hour is not None
    assert trace.zones[0].usd_per_hour.tolist() == [0.5, 0.5, 0.5]
    assert trace.zones[1].usd_per_hour is None


def test_reads_the_same_from_csv() -> None:
    trace = parse_trace("t.csv", CSV)

    assert trace.step_seconds == 300
    assert [(zone.name, zone.available.tolist()) for zone in trace.zones] == [
        ("a", [True, False]),
        ("b", [False, True]),
    ]
    assert trace.zones[1].usd_per_hour is not None
    assert trace.zones[1].usd_per_hour.tolist() == [0.75, 0.25]


def test_reads_the_form_that_cant_be_late_published() -> None:
    trace = parse_trace("us-west-2c_v100_1.json", PUBLISHED)

    assert trace.step_seconds == 600
    assert trace.zones[0].available.tolist() == [True, True, False, True]


def test_counts_as_available_only_where_enough_instances_are_to_be_had() -> None:
    assert parse_trace("t.json", PUBLISHED, instances=4).zones[0].available.tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.json", "{", "t.json:1: is no JSON"),
        ("t.json", "[1, 0]", 't.json: must be an object with "step_seconds" and "zones"'),
        (
            "t.json",
            '{"step_seconds": 0, "zones": {"a": {"available": [1]}}}',
            "step_seconds = 0: must be a finite number",
        ),
        ("t.json", '{"metadata": {}, "data": [1]}', "metadata.gap_seconds = None: must be a finite number above 0"),
        ("t.json", '{"metadata": {"gap_seconds": 1}, "data": [1, 0.5]}', "data[1] = 0.5: must be a whole number"),
        ("t.json", '{"metadata": {"gap_seconds": 1}, "data": [true]}', "data[0] = True: must be a whole number"),
        ("t.json", '{"metadata": {"gap_seconds": 1}, "data": [-1]}', "data[0] = -1: must be a whole number"),
        ("t.json", '{"metadata": {"gap_seconds": NaN}, "data": [1]}', "metadata.gap_seconds = nan"),
        ("t.json", '{"step_seconds": 1, "zones": {}}', "zones must be an object with a zone or more"),
        ("t.json", '{"step_seconds": 1, "zones": {"a": {"open": [1]}}}', "zones.a must be an object with available"),
        (
            "t.json",
            '{"step_seconds": 1, "zones": {"a": {"available": [1], "usd_per_hour": [0]}}}',
            "zones.a.usd_per_hour[0] = 0: must be US dollars an hour",
        ),
        (
            "t.json",
            '{"step_seconds": 1, "zones": {"a": {"available": [1]}, "b": {"available": [1, 0]}}}',
            "its lists have 1, 2 steps; all must have as many",
        ),
        ("t.csv", "when,zone,available\n", "t.csv:1: must have the columns seconds, zone, available"),
        ("t.csv", "", "t.csv:1: must have the columns"),
        ("t.csv", "seconds,zone,available\n0,a,1\n300,a,2.5\n", "t.csv:3: available = '2.5': must be a whole number"),
        ("t.csv", "seconds,zone,available\n-1,a,1\n", "t.csv:2: seconds = '-1': must be seconds since the start"),
        ("t.csv", "seconds,zone,available\n0,a\n", "t.csv:2: has another number of cells than the first line"),
        ("t.csv", "seconds,zone,available\n0,a,1\n0,a,1\n", "t.csv:3: seconds = 0: zone a has it twice"),
        ("t.csv", "seconds,zone,available\n0,a,1\n", "must have two steps or more"),
        ("t.csv", "seconds,zone,available\n0,a,1\n300,a,1\n500,a,1\n", "seconds = 500: must be 600"),
        ("t.csv", "seconds,zone,available\n0,a,1\n300,a,1\n0,b,1\n", "zone b has no row for seconds = 300"),
        (
            "t.csv",
            "seconds,zone,available,usd_per_hour\n0,a,1,nan\n",
            "t.csv:2: usd_per_hour = 'nan': must be US dollars",
        ),
    ],
)
def test_says_where_a_trace_is_wrong_and_what_would_be_valid(name: str, text: str, message: str) -> None:
    with pytest.raises(PlanningError) as error:
        parse_trace(name, text)

    assert message in str(error.value)


def test_names_ten_problems_and_how_many_more_there_are() -> None:
    text = json.dumps({"metadata": {"gap_seconds": 1}, "data": [-1] * 25})

    with pytest.raises(PlanningError) as error:
        parse_trace("t.json", text)

    assert len(str(error.value).splitlines()) == 11
    assert str(error.value).endswith("t.json: and 15 more problems")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")

    for name in ("missing.json", "binary.json"):
        with pytest.raises(PlanningError, match=f"{name}: cannot be read as a trace"):
            read_trace(tmp_path / name)
