"""Overload for three seconds instead of a minute, with the real server and the real front: what the harness counts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench.errors import BenchError
from bench.results import Result
from bench.serving_client import Answer
from bench.serving_model import LABELS, MODEL_FILE, Choice, Served, manifest_of, some_images
from bench.serving_overload import Measured, Plan, measure, missing, results_of
from bench.serving_overload_clients import Questions, Tally, judged_error, judged_http
from bench.serving_overload_service import Cores, fronted_service
from trainyard_artifacts.manifest import MANIFEST_NAME, encode_manifest

pytestmark = pytest.mark.xdist_group("serving-overload")

LIMIT = 2
SHORT = Plan(seconds=3, clients=(2 * LIMIT,), capacity_seconds=0.5, concurrent_requests=LIMIT)


def small_model(folder: Path) -> Served:
    """One matrix, as the benchmark's models are served."""
    choice = Choice("matrix", (1, 8, 8), 16)
    weights = np.random.default_rng(5).normal(size=(64, LABELS)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["input"], ["pixels"]),
            helper.make_node("MatMul", ["pixels", "weights"], ["logits"]),
        ],
        "matrix",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", LABELS])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    exported = bytes(onnx.ModelProto.SerializeToString(model))
    folder.mkdir()
    (folder / MODEL_FILE).write_bytes(exported)
    (folder / MANIFEST_NAME).write_bytes(encode_manifest(manifest_of(choice, exported)))
    images = some_images(choice)
    return Served(choice, folder, images, images.reshape(-1, 64) @ weights)


def measured(**changes: Any) -> Measured:
    """Ten a second before and afterwards; 1,000 requests in ten seconds, of which 100 are answered; with changes."""
    calm = Tally(seconds=10.0, lasted=10.0, sent=100, right=[100.0] * 100)
    busy = Tally(seconds=9.0, lasted=10.0, sent=1_000, right=[400.0] * 100, refused=[5.0] * 900, late=[0.1])
    made = {
        "before": calm,
        "overload": busy,
        "after": calm,
        "answered": 100,
        "cpu_before": 20.0,
        "cpu_overload": 21.0,
        "ready_again_seconds": 0.5,
        "memory_before": 90.0,
        "memory": (100.0, 101.0, 101.0, 100.0),
    }
    return Measured(**(made | changes))


def by_name(results: list[Result]) -> dict[str, Result]:
    return {each.name.removeprefix("overload/"): each for each in results}


def test_every_request_is_answered_rightly_or_refused_clearly_and_the_service_goes_on(tmp_path: Path) -> None:
    if reason := missing():
        pytest.skip(reason)
    served = small_model(tmp_path / "model")
    steps: list[str] = []
    before = set(psutil.Process().children(recursive=True))
    # Few at once, and each waits for others in vain: so the capacity is small, and ten times as much is not too much
    # for the machine.
    with fronted_service(
        served.folder,
        tmp_path / "service",
        Cores(None, None, None),
        concurrent_requests=LIMIT,
        queue_delay_microseconds=100_000,
    ) as service:
        found = measure(service, served, SHORT, steps.append)
        assert service.is_ready()
        assert service.counts().failed == 0
        below = set(psutil.Process().children(recursive=True)) - before
    assert len(below) > 2
    assert not any(process.is_running() for process in below)
    assert len(steps) == 3
    overload = found.overload
    assert overload.other == {}
    assert overload.right
    assert len(overload.refused) > len(overload.right)
    assert len(overload.right) + len(overload.refused) == overload.sent == len(overload.late)
    assert found.answered == len(overload.right)
    assert found.before.right
    assert found.after.right
    assert len(found.memory) > 2
    results = by_name(results_of(SHORT, found, {}))
    assert results["other"].value == 0


def test_what_is_lost_is_counted_whoever_saw_it() -> None:
    good = by_name(results_of(Plan(concurrent_requests=1), measured(), {"cores": 2}))
    assert all(each.met for each in good.values()), good
    assert good["accepted-p99"].compared_with is not None
    assert good["accepted-p99"].compared_with.value == 400
    assert good["accepted"].ratio == 1
    assert good["accepted-cpu"].ratio == 1.05
    assert good["memory"].machine["counts"]["right"] == 100
    unseen = by_name(results_of(Plan(), measured(answered=103), {}))["other"]
    assert (unseen.value, unseen.met) == (0.003, False)
    cut = measured()
    cut.overload.other["HTTP: ServerDisconnectedError"] += 2
    seen = by_name(results_of(Plan(), cut, {}))["other"]
    assert (seen.value, seen.met) == (0.002, False)
    assert seen.machine["counts"]["other"] == {"HTTP: ServerDisconnectedError": 2}
    grown = by_name(results_of(Plan(), measured(memory=(100.0, 101.0, 130.0, 140.0)), {}))["memory"]
    assert (grown.value, grown.met) == (140, False)


@pytest.mark.parametrize(
    ("right", "refused", "message"),
    [
        ([1.0] * 3, [], "none of 3 requests was refused; it was no overload"),
        ([], [1.0] * 3, "none of 3 requests was answered rightly"),
    ],
)
def test_without_a_refusal_or_an_answer_there_is_nothing_to_tell(
    right: list[float], refused: list[float], message: str
) -> None:
    found = Tally(seconds=1.0, lasted=1.0, sent=3, right=right, refused=refused, late=[0.1])
    with pytest.raises(BenchError, match=message):
        results_of(Plan(), measured(overload=found), {})


@pytest.mark.parametrize(
    ("status", "headers", "body", "clear"),
    [
        (503, {"Retry-After": "1"}, b"upstream connect error", True),
        (429, {"retry-after": "1"}, b"", True),
        (503, {}, b'{"error":"Exceeds maximum queue size"}', True),
        (503, {}, b'{"error":"something else"}', False),
        (503, {}, b"no JSON", False),
        (500, {"Retry-After": "1"}, b"", False),
        (504, {}, b"upstream request timeout", False),
    ],
)
def test_what_counts_as_a_clear_refusal_over_http(
    status: int, headers: dict[str, str], body: bytes, clear: bool
) -> None:
    nothing = np.zeros((1, 1, 1, 1), np.float32)
    found = judged_http(Questions("", "", nothing, nothing, {}), Answer(0, status, body, headers))
    assert found == (None if clear else f"HTTP {status}: {body.decode()}")


@pytest.mark.parametrize(
    ("code", "details", "clear"),
    [
        ("UNAVAILABLE", "upstream connect error or disconnect/reset before headers. reset reason: overflow", True),
        ("UNAVAILABLE", "[request id: 1] Exceeds maximum queue size", True),
        ("RESOURCE_EXHAUSTED", "", True),
        ("UNAVAILABLE", "Socket closed", False),
        ("INTERNAL", "overflow", False),
        ("DEADLINE_EXCEEDED", "Deadline Exceeded", False),
    ],
)
def test_what_counts_as_a_clear_refusal_over_grpc(code: str, details: str, clear: bool) -> None:
    assert judged_error(code, details) == (None if clear else f"gRPC {code}: {details}")


def test_an_answer_that_is_wrong_is_none_that_counts() -> None:
    logits = np.zeros((1, LABELS), np.float32)
    questions = Questions("", "", np.zeros((1, 1, 1, 1), np.float32), logits, {})
    answers = {}
    for name, value in (("right", 0.0), ("wrong", 1.0)):
        tensor = np.full((1, LABELS), value, np.float32).tobytes()
        output = {"name": "logits", "datatype": "FP32", "shape": [1, LABELS]}
        header = json.dumps({"outputs": [{**output, "parameters": {"binary_data_size": len(tensor)}}]}).encode()
        headers = {"Inference-Header-Content-Length": str(len(header))}
        answers[name] = judged_http(questions, Answer(0, 200, header + tensor, headers))
    assert answers == {"right": "", "wrong": "an answer that is wrong"}
