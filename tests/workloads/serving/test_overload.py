"""More requests than the service takes: a clear answer at once, right answers for the others, and it serves on."""

import concurrent.futures
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tritonclient.grpc
import tritonclient.http
from onnx import TensorProto, helper, numpy_helper
from tritonclient.utils import InferenceServerException

from tests.workloads.serving.service_process import (
    WEIGHTS,
    Service,
    expected_logits,
    publish,
    running_service,
    service_document,
    service_environment,
    some_images,
    wait_for,
)

pytestmark = pytest.mark.xdist_group("triton-overload")

PROTOCOLS = {"http": tritonclient.http, "grpc": tritonclient.grpc}
LARGEST_BATCH = 8
LONGEST_QUEUE = 3
SIDE = 1200
QUEUE_FULL = "Exceeds maximum queue size"
TOO_LATE = "Request timeout expired"
UNAVAILABLE = {"http": "503", "grpc": "StatusCode.UNAVAILABLE"}


def slow_model() -> bytes:
    """The small model, which multiplies two large matrices of zeros besides, whatever the batch."""
    constants = {
        "weights": WEIGHTS,
        "zero": np.zeros((1, 1), np.float32),
        "sides": np.array([SIDE, SIDE], np.int64),
        "axes": np.array([0, 1, 2, 3], np.int64),
        "one": np.array([1, 1], np.int64),
    }
    nodes = [
        helper.make_node("Flatten", ["image"], ["pixels"]),
        helper.make_node("MatMul", ["pixels", "weights"], ["product"]),
        # It depends on the input, so that it is not computed once for all.
        helper.make_node("ReduceSum", ["image", "axes"], ["sum"]),
        helper.make_node("Reshape", ["sum", "one"], ["sum_2d"]),
        helper.make_node("Mul", ["sum_2d", "zero"], ["nothing"]),
        helper.make_node("Expand", ["nothing", "sides"], ["large"]),
        helper.make_node("MatMul", ["large", "large"], ["work"]),
        helper.make_node("ReduceMax", ["work"], ["most"], axes=[0, 1]),
        helper.make_node("Add", ["product", "most"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(onnx.ModelProto.SerializeToString(model))


@pytest.fixture(scope="module")
def busy_service(
    _object_server: Any, triton_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Fewer images than half a batch wait 8 s for others; three requests may wait. Answers are cached."""
    directory = tmp_path_factory.mktemp("busy")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _object_server.environment.items():
            patch.setenv(name, value)
        uri = publish(
            f"s3://{_object_server.models_bucket}/busy/{directory.name}", _object_server.key_uri, model=slow_model()
        )
    document = service_document(
        uri,
        _object_server.key_uri,
        directory / "work",
        max_batch_size=LARGEST_BATCH,
        queue_delay_microseconds=8_000_000,
        max_queue_size=LONGEST_QUEUE,
        queue_timeout_microseconds=20_000_000,
        response_cache_bytes=1_048_576,
    )
    environment = service_environment(_object_server.environment, triton_environment, TRAINYARD_THREADS="1")
    with running_service(document, directory, environment) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def executed_at_the_start(busy_service: Service) -> dict[str, Any]:
    """The model's statistics before anything was asked."""
    wait_for(lambda: statistics(busy_service)["execution_count"] >= 2, "the warm-up to be counted")
    return statistics(busy_service)


def statistics(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = service.ask("GET", "/v2/models/digits/stats").json()["model_stats"][0]
    return found


def infer(service: Service, protocol: str, images: np.ndarray[Any, Any], **options: Any) -> Any:
    """The logits, or the error that was answered."""
    module, address = PROTOCOLS[protocol], service.http if protocol == "http" else service.grpc
    request = module.InferInput("image", images.shape, "FP32")
    request.set_data_from_numpy(images)
    with module.InferenceServerClient(address) as client:
        try:
            return client.infer("digits", [request], **options).as_numpy("logits")
        except InferenceServerException as error:
            return error


def images_of(count: int, seed: int) -> np.ndarray[Any, Any]:
    return some_images(count, seed).astype(np.float32)


def refused(answer: Any, protocol: str, reason: str) -> bool:
    return (
        isinstance(answer, InferenceServerException)
        and answer.status() == UNAVAILABLE[protocol]
        and answer.message().endswith(reason)
    )


def test_the_model_has_run_alone_and_in_a_full_batch_before_it_is_ready(executed_at_the_start: dict[str, Any]) -> None:
    assert executed_at_the_start["execution_count"] == 2
    assert [each["batch_size"] for each in executed_at_the_start["batch_stats"]] == [1, LARGEST_BATCH]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_full_queue_refuses_at_once_and_loses_nothing(busy_service: Service, protocol: str) -> None:
    def waiting() -> int:
        counts = [line for line in busy_service.metrics().splitlines() if "_pending_request_count{" in line]
        return sum(int(float(line.rsplit(" ", 1)[1])) for line in counts)

    # Images that nobody has asked about yet, or they would be answered from the cache.
    first = 100 * (1 + list(PROTOCOLS).index(protocol))
    with concurrent.futures.ThreadPoolExecutor(LONGEST_QUEUE) as threads:
        images = [images_of(1, seed) for seed in range(first, first + LONGEST_QUEUE)]
        accepted = [threads.submit(infer, busy_service, protocol, each) for each in images]
        wait_for(lambda: waiting() == LONGEST_QUEUE, "the queue to be full")
        answer = infer(busy_service, protocol, images_of(1, 99))
        assert refused(answer, protocol, QUEUE_FULL), answer
        assert not any(each.done() for each in accepted)
        for each, future in zip(images, accepted, strict=True):
            np.testing.assert_allclose(future.result(), expected_logits(each), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_request_that_has_waited_as_long_as_it_said_is_refused(busy_service: Service, protocol: str) -> None:
    answer = infer(busy_service, protocol, images_of(1, 98), timeout=20_000)
    assert refused(answer, protocol, TOO_LATE), answer


def test_ten_times_as_many_as_it_takes_are_all_answered_and_it_serves_on(busy_service: Service) -> None:
    images = [images_of(LARGEST_BATCH, seed) for seed in range(300, 330)]
    with concurrent.futures.ThreadPoolExecutor(len(images)) as threads:
        asked = [
            (each, protocol, threads.submit(infer, busy_service, protocol, each))
            for each, protocol in zip(images, list(PROTOCOLS) * (len(images) // 2), strict=True)
        ]
    right = [future for each, _, future in asked if _is_right(future.result(), each)]
    too_many = [future for _, protocol, future in asked if refused(future.result(), protocol, QUEUE_FULL)]
    assert right
    assert too_many
    assert len(right) + len(too_many) == len(asked), [future.result() for _, _, future in asked]
    assert busy_service.is_ready()
    np.testing.assert_allclose(infer(busy_service, "grpc", images[0]), expected_logits(images[0]), rtol=1e-5, atol=1e-4)


def test_an_answer_that_was_given_before_comes_from_the_cache(busy_service: Service) -> None:
    def hits() -> int:
        return int(statistics(busy_service)["inference_stats"]["cache_hit"]["count"])

    before, images = hits(), images_of(LARGEST_BATCH, 400)
    first, second = infer(busy_service, "http", images), infer(busy_service, "grpc", images)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, expected_logits(images), rtol=1e-5, atol=1e-4)
    # The server counts after it has answered.
    wait_for(lambda: hits() == before + 1, "the second answer to be counted as one from the cache")


def _is_right(answer: Any, images: np.ndarray[Any, Any]) -> bool:
    return isinstance(answer, np.ndarray) and np.allclose(answer, expected_logits(images), rtol=1e-5, atol=1e-4)
