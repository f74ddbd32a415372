"""What `yard releases` makes of figures: differences, the table, and what it refuses before anything is asked."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.releases import releases
from cli.releases_measured import Measured, Plan
from cli.releases_picture import draw
from cli.releases_report import Report, differences, differs, document, status_of, unknown_versions
from cli.releases_served import Model, Release, understand_releases
from cli.releases_tables import print_report
from planning.capacity.measurement import Step
from planning.errors import PlanningError
from trainyard_serving.predict import LabelledImages

EXAMPLES = 360
URI = "s3://models/digits/abc/manifest.json"
STEP = Step(concurrency=1, seconds=2.0, answered=8, latencies_ms=(1.0, 2.0, 3.0, 40.0), errors={})


def measured(correct: int | None, said: float | None, version: int = 1, **changes: Any) -> Measured:
    """A release with so many right answers, whose manifest says such an accuracy."""
    examples = LabelledImages(np.zeros((EXAMPLES, 1, 1, 1), np.uint8), np.zeros(EXAMPLES, np.int64))
    known: dict[str, Any] = {
        "release": Release(version=version, run="abc", variant="", percent=100, manifest_uri=URI),
        "model": Model(variant="float32", bytes=2048, accuracy=said, latency_ms=0.5, examples=examples),
        "correct": correct,
        "single": STEP,
        "full": STEP,
        "batch_size": 16,
    }
    return Measured(**known | changes)


def report(*measured_releases: Measured, **changes: Any) -> Report:
    known: dict[str, Any] = {
        "model": "digits",
        "protocol": "http",
        "address": "127.0.0.1:8000",
        "is_here": True,
        "taken_at": "2026-01-02T03:04:05+00:00",
        "plan": Plan(seconds=2.0, warmup_seconds=0.0, timeout_seconds=10.0, clients=2),
        "tolerance": 0.0,
        "releases": measured_releases,
        "unknown_versions": (),
    }
    return Report(**known | changes)


@given(right=st.integers(0, EXAMPLES), other=st.integers(0, EXAMPLES))
def test_one_answer_more_or_less_is_a_difference_unless_it_is_allowed(right: int, other: int) -> None:
    found = measured(right, other / EXAMPLES)
    assert differs(found, 0.0) == (right != other)
    assert not differs(found, abs(right - other) / EXAMPLES)
    assert not differs(measured(right, None), 0.0)
    assert not differs(measured(None, other / EXAMPLES), 0.0)


def test_the_exit_status_tells_a_difference_and_first_of_all_a_failure() -> None:
    same, other = measured(EXAMPLES, 1.0), measured(EXAMPLES - 1, 1.0, version=2)
    failed = measured(None, 1.0, failure="timeout: no answer in time")
    assert status_of(report(same)) == ExitStatus.SUCCESS
    assert status_of(report(same, other)) == ExitStatus.CHANGES
    assert status_of(report(same, other, tolerance=0.01)) == ExitStatus.SUCCESS
    assert status_of(report(same, unknown_versions=(7,))) == ExitStatus.CHANGES
    assert status_of(report(other, failed)) == ExitStatus.ERROR
    assert differences(report(other, unknown_versions=(7,))) == [
        "version 2 has accuracy 0.9972 through the server, and its manifest says 1.0000",
        "version 7 is served, and is none of the stack's releases",
    ]


def test_the_service_s_own_version_is_none_that_is_unknown() -> None:
    assert unknown_versions([measured(1, 1.0)], frozenset({1, 3, 2, 1_000_000})) == (2, 3)


def test_people_read_a_line_for_each_version(capsys: pytest.CaptureFixture[str]) -> None:
    failed = measured(None, None, version=2, failure="HTTP 400: no such version", single=None, full=None)
    print_report(report(measured(EXAMPLES - 36, 1.0), failed))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "digits through http at 127.0.0.1:8000"
    assert "1 abc float32 100% 2.0 0.9000 1.0000 2.00 40.00 40.00 0.50 64 differs" in lines
    assert "2 abc float32 100% 2.0 - - - - - 0.50 - failed" in lines
    assert "Failed: version 2: HTTP 400: no such version" in lines


def test_the_document_and_the_picture_hold_what_was_not_measured_too() -> None:
    unmeasured = measured(None, None, version=2, failure="timeout", single=None, full=None, batch_size=None)
    model = dataclasses.replace(unmeasured.model, latency_ms=None, variant="")
    both = report(measured(300, 1.0), dataclasses.replace(unmeasured, model=model))
    first, second = document(both)["releases"]
    assert (first["latency"]["p95_ms"], first["full_batches"]["examples_per_second"]) == (40.0, 64.0)
    assert (second["accuracy"], second["latency"]["p50_ms"], second["failure"]) == (None, None, "timeout")
    assert draw(both, ".svg").startswith(b"<?xml")
    assert draw(both, ".png").startswith(b"\x89PNG")


def test_releases_are_read_from_the_stack_s_outputs() -> None:
    told = [
        {"version": 2.0, "run": "def", "variant": "int8_static", "percent": 10.0},
        {"version": 1.0, "run": "abc", "percent": 90.0, "manifest_uri": "s3://other/manifest.json"},
    ]
    first, second = understand_releases(told, URI, "abc", "local")
    assert (first.version, first.variant, first.percent) == (1, "", 90)
    assert (first.manifest_uri, second.manifest_uri) == (
        "s3://other/manifest.json",
        "s3://models/digits/def/manifest.json",
    )
    (only,) = understand_releases(None, URI, "abc", "local")
    assert (only.version, only.run, only.percent, only.manifest_uri) == (1, "abc", 100, URI)


@pytest.mark.parametrize("told", [[], "1", [1], [{"version": 1}], [{"version": "a", "run": "b", "percent": 1}]])
def test_an_output_that_is_no_list_of_releases_is_named(told: object) -> None:
    with pytest.raises(CommandError, match="the output releases of stack local is no list of version, run, variant"):
        understand_releases(told, URI, "abc", "local")


def test_every_bad_option_is_told_at_once_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(PlanningError) as refused:
        releases(
            directory=tmp_path,
            tolerance=2,
            seconds=0,
            warmup=-1,
            timeout=float("nan"),
            clients=65,
            picture=tmp_path / "a.gif",
            ca=tmp_path / "none.pem",
        )
    told = [line.partition(" = ")[0] for line in str(refused.value).splitlines()]
    assert sorted(told) == [
        "--accuracy-tolerance",
        "--ca",
        "--clients",
        "--picture",
        "--seconds",
        "--timeout",
        "--warmup",
    ]
