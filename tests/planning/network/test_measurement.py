"""What a probe's result says: the best level, where it saturates, latencies, and its document."""

import json
from dataclasses import replace
from typing import Any

import pytest

from planning.errors import PlanningError
from planning.network.measurement import Level, ProbeResult, path_of, read_probe


def level(direction: str, streams: int, speed: float) -> Level:
    return Level(direction=direction, streams=streams, objects=streams, megabytes_per_second=speed)  # type: ignore[arg-type]


RESULT = ProbeResult(
    uri="s3://bucket/x",
    taken_at="2026-11-25T12:00:00+00:00",
    object_bytes=4_000_000,
    levels=(
        level("write", 1, 50), level("read", 1, 80),
        level("write", 8, 300), level("read", 8, 620),
        level("write", 16, 310), level("read", 16, 600),
        level("write", 32, 290), level("read", 32, 640),
    ),
    first_byte_ms=tuple(float(value) for value in range(1, 21)),
    bytes_written=10,
    bytes_read=20,
)  # fmt: skip


def test_the_best_level_and_the_fewest_connections_that_come_close() -> None:
    assert (RESULT.best("read").streams, RESULT.saturating_streams("read")) == (32, 8)
    assert (RESULT.best("write").streams, RESULT.saturating_streams("write")) == (16, 8)


@pytest.mark.parametrize(("share", "value"), [(0.5, 10), (0.95, 19), (1.0, 20), (0.0, 1)])
def test_percentiles_are_of_the_nearest_rank(share: float, value: float) -> None:
    assert RESULT.first_byte_percentile_ms(share) == value


def test_a_path_takes_the_best_throughput_and_the_quickest_answer() -> None:
    path = path_of(RESULT, "read")
    assert path.bandwidth_gbps == pytest.approx(5.12)
    assert path.round_trip_ms == 1.0
    assert path.source == "measured: read of s3://bucket/x over 32 at once, at 2026-11-25T12:00:00+00:00"


def test_the_document_is_read_back_as_it_was() -> None:
    document = json.loads(json.dumps(RESULT.document()))
    assert read_probe(document, "file") == RESULT
    assert document["summary"]["read"] == {"megabytes_per_second": 640, "saturating_streams": 8}
    assert (document["summary"]["first_byte_p50_ms"], document["summary"]["first_byte_p95_ms"]) == (10, 19)


def test_a_direction_that_was_not_measured_is_refused() -> None:
    with pytest.raises(PlanningError, match="has measured no write"):
        path_of(replace(RESULT, levels=RESULT.levels[1:2]), "write")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "other"}, "is no result of 'yard data probe --json'"),
        ({"levels": []}, "levels and first_byte_ms: must have entries"),
        ({"levels": 7}, "lacks"),
        ({"levels": [{"direction": "up", "streams": 1, "objects": 1, "megabytes_per_second": 1}]}, "direction = 'up'"),
        ({"levels": [{"direction": "read", "streams": 1}]}, "lacks 'objects'"),
        ({"first_byte_ms": [-1]}, "first_byte_ms = -1"),
        ({"first_byte_ms": ["1"]}, "first_byte_ms = '1'"),
        ({"object_bytes": 0}, "object_bytes = 0"),
    ],
)
def test_other_documents_are_refused_with_their_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanningError) as error:
        read_probe(RESULT.document() | changes, "probe.json")
    assert str(error.value).startswith("probe.json: ")
    assert message in str(error.value)


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(PlanningError, match=r"probe\.json: is no result"):
        read_probe([1, 2], "probe.json")
