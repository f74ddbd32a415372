"""A load test as a document and as a picture, and what is said of its cost."""

import json
import struct
from typing import Any

import pytest

from planning.capacity.closed_loop import Bounds, Load
from planning.capacity.ladder import Ending
from planning.capacity.measurement import Step
from planning.capacity.picture import draw
from planning.capacity.replicas import Need, Offer
from planning.capacity.report import LoadTest, curve_of, document
from tests.planning.capacity.steps import step
from tests.planning.fleet.books import kind, price

BOUNDS = Bounds(seconds=2.0, warmup_seconds=0.5, most_seconds=60.0, most_requests=1000)
NEED = Need(target_rps=1000.0, headroom=0.5, gpus=1)
STEPS = (step(1, 100), step(2, 200), step(4, 400), step(8, 410, p99_ms=50), step(16, 405, is_whole=False))


def load_test(
    *loads: tuple[Step, ...], need: Need | None = NEED, offer: Offer | None = None, is_here: bool = True
) -> LoadTest:
    ending: Ending = "flat"
    return LoadTest(
        model="digits",
        batch_size=1,
        taken_at="2026-11-26T10:00:00+00:00",
        bounds=BOUNDS,
        p99_limit_ms=None,
        need=need,
        offer=offer,
        is_here=is_here,
        curves=tuple(
            curve_of(
                protocol,
                "127.0.0.1:8000",
                Load(steps=steps, ending=ending, sent=5000, said={"HTTP 503": "full"}),
                p99_limit_ms=None,
                need=need,
                offer=offer,
            )
            for protocol, steps in zip(("http", "grpc"), loads, strict=False)
        ),
    )


def written(test: LoadTest) -> Any:
    return json.loads(json.dumps(document(test), allow_nan=False))


def test_the_document_says_knee_need_and_why_it_ended() -> None:
    alpha = kind("alpha", gpus=2)
    found = written(load_test(STEPS, offer=Offer(alpha, price(alpha, 3.0))))
    (curve,) = found["curves"]
    assert (curve["knee"]["concurrency"], curve["knee"]["basis"], curve["ended"]) == (4, "bend", "flat")
    assert curve["needed"] == {"replicas": 5, "gpus": 5, "instances": 3, "usd_per_hour": 9.0}
    assert [each["is_whole"] for each in curve["steps"]] == [True, True, True, True, False]
    assert (curve["steps"][3]["p99_ms"], curve["errors_said"]) == (50.0, {"HTTP 503": "full"})
    assert found["instance"]["source"]
    assert any("alpha in us-east-1, on_demand, is taken to be as fast" in note for note in found["notes"])


@pytest.mark.parametrize(("is_here", "usd", "said"), [(True, 0.0, "costs nothing here"), (False, None, "is unknown")])
def test_without_an_instance_only_this_machine_costs_nothing(is_here: bool, usd: float | None, said: str) -> None:
    found = written(load_test(STEPS, is_here=is_here))
    assert found["curves"][0]["needed"]["usd_per_hour"] == usd
    assert any(said in note for note in found["notes"])
    assert any("own machine" in note for note in found["notes"]) == is_here


def test_what_was_not_found_is_null() -> None:
    silent = Step(concurrency=1, seconds=2.0, answered=0, latencies_ms=(), errors={"timeout": 3})
    found = written(load_test((silent,), need=None))
    (curve,) = found["curves"]
    assert (curve["knee"], curve["needed"], found["need"], found["instance"]) == (None, None, None, None)
    assert (curve["steps"][0]["p99_ms"], curve["steps"][0]["errors"]) == (None, {"timeout": 3})
    assert any("p99 is the slowest one" in note for note in found["notes"])


@pytest.mark.parametrize("loads", [(STEPS, STEPS[:2]), (STEPS[:1],), (STEPS[-1:],), ((),), ()])
def test_it_is_drawn_whatever_was_measured(loads: tuple[tuple[Step, ...], ...]) -> None:
    drawn = draw(load_test(*loads))
    assert drawn.startswith(b"\x89PNG")
    assert struct.unpack(">II", drawn[16:24]) == (960, 840)
    assert draw(load_test(*loads)) == drawn
