"""The running service over KServe v2, as clients see it: metadata, inference, batching, errors, metrics, `predict`."""

import concurrent.futures
import sys
from typing import Any

import grpc
import numpy as np
import psutil
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from tests.workloads.serving.conftest import QUEUE_DELAY_MICROSECONDS
from tests.workloads.serving.service_process import (
    LABELS,
    Service,
    expected_logits,
    files_with_the_model,
    some_images,
    wait_for,
)
from trainyard_serving.predict import LabelledImages, PredictionError, accuracy, predict

pytestmark = pytest.mark.xdist_group("triton-service")

PROTOCOLS = ("http", "grpc")


def connect(service: Service, protocol: str) -> Any:
    if protocol == "http":
        return tritonclient.http.InferenceServerClient(service.http, concurrency=16)
    return tritonclient.grpc.InferenceServerClient(service.grpc)


def infer(client: Any, images: np.ndarray[Any, Any], name: str = "image", model: str = "digits") -> Any:
    module = tritonclient.http if isinstance(client, tritonclient.http.InferenceServerClient) else tritonclient.grpc
    request = module.InferInput(name, images.shape, np_to_triton_dtype(images.dtype))
    request.set_data_from_numpy(images)
    return client.infer(model, [request]).as_numpy("logits")


def settled_statistics(client: Any) -> dict[str, Any]:
    """The model's statistics once they stay the same: the server counts a request after it has answered it."""
    found: list[dict[str, Any]] = [{}]

    def settled() -> bool:
        found.append(client.get_inference_statistics("digits", as_json=True)["model_stats"][0])
        return len(found) > 6 and found[-1] == found[-6]

    wait_for(settled, "the statistics to stay the same")
    return found[-1]


def as_input(count: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return some_images(count, seed).astype(np.float32)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_server_and_model_are_live_and_ready(service: Service, protocol: str) -> None:
    client = connect(service, protocol)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("digits")
    assert not client.is_model_ready("letters")


def test_metadata_and_configuration_are_the_manifests(service: Service) -> None:
    client = connect(service, "http")
    metadata = client.get_model_metadata("digits")
    assert metadata["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}]
    assert metadata["outputs"] == [{"name": "logits", "datatype": "FP32", "shape": [-1, 10]}]
    configuration = client.get_model_config("digits")
    assert configuration["max_batch_size"] == 64
    assert configuration["dynamic_batching"]["preferred_batch_size"] == [32, 64]
    assert configuration["dynamic_batching"]["max_queue_delay_microseconds"] == QUEUE_DELAY_MICROSECONDS


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("count", [1, 7, 64])
def test_answers_are_the_models(service: Service, protocol: str, count: int) -> None:
    images = as_input(count, seed=count)
    answer = infer(connect(service, protocol), images)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, expected_logits(images), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("images", "name", "message"),
    [
        (np.zeros((65, 1, 8, 8), np.float32), "image", r"batch-size must be <= 64"),
        (np.zeros((1, 1, 9, 8), np.float32), "image", r"unexpected shape for input 'image'.*Expected \[-1,1,8,8\]"),
        (np.zeros((1, 8, 8), np.float32), "image", r"unexpected shape for input 'image'"),
        (np.zeros((1, 1, 8, 8), np.uint8), "image", r"data-type.*'UINT8'.*'FP32'"),
        (np.zeros((1, 1, 8, 8), np.float32), "picture", r"'picture'"),
        (
            np.zeros((0, 1, 8, 8), np.float32),
            "image",
            r"input byte size mismatch for input .image.*Expected 256, got 0",
        ),
    ],
    ids=["too many", "wrong size", "no channel", "wrong type", "wrong name", "none"],
)
def test_bad_requests_are_refused_and_the_service_goes_on(
    service: Service, protocol: str, images: np.ndarray[Any, Any], name: str, message: str
) -> None:
    client = connect(service, protocol)
    with pytest.raises(InferenceServerException, match=message):
        infer(client, images, name)
    good = as_input(32)
    np.testing.assert_allclose(infer(client, good), expected_logits(good), rtol=1e-5, atol=1e-4)


def test_concurrent_requests_are_batched_and_each_gets_its_own_answer(service: Service) -> None:
    client = connect(service, "grpc")
    before = settled_statistics(client)
    requests = [as_input(1 + seed % 3, seed) for seed in range(16)]
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda images: infer(client, images), requests))
    for images, answer in zip(requests, answers, strict=True):
        np.testing.assert_allclose(answer, expected_logits(images), rtol=1e-5, atol=1e-4)
    after = settled_statistics(client)
    images_sent = int(after["inference_count"]) - int(before["inference_count"])
    executions = int(after["execution_count"]) - int(before["execution_count"])
    assert images_sent == sum(map(len, requests))
    assert executions < len(requests)


def test_a_request_of_another_rank_does_not_fail_those_that_it_is_batched_with(service: Service) -> None:
    def infer_with_a_batch_that_is_taken_for_none() -> str:
        tensor = {"name": "image", "datatype": "FP32", "shape": [2**32, 1, 8, 8]}
        request = service_pb2.ModelInferRequest(
            model_name="digits", inputs=[tensor], raw_input_contents=[as_input(1).tobytes()]
        )
        with grpc.insecure_channel(service.grpc) as channel, pytest.raises(grpc.RpcError) as refused:
            service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request)
        return str(refused.value.details())

    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        wrong = threads.submit(infer_with_a_batch_that_is_taken_for_none)
        right = [threads.submit(infer, connect(service, "grpc"), as_input(1, seed)) for seed in (1, 2)]
    assert wrong.result() == "image has the shape [1, 8, 8], expected [any number, 1, 8, 8]"
    for seed, answer in zip((1, 2), right, strict=True):
        np.testing.assert_allclose(answer.result(), expected_logits(as_input(1, seed)), rtol=1e-5, atol=1e-4)


def test_classification_names_the_labels(service: Service) -> None:
    images = as_input(1, seed=3)
    request = tritonclient.http.InferInput("image", images.shape, "FP32")
    request.set_data_from_numpy(images)
    wanted = tritonclient.http.InferRequestedOutput("logits", class_count=1)
    answer = connect(service, "http").infer("digits", [request], outputs=[wanted]).as_numpy("logits")
    best = int(expected_logits(images)[0].argmax())
    assert answer[0, 0].decode().split(":")[1:] == [str(best), LABELS[best]]


def test_metrics_count_the_inferences(service: Service) -> None:
    infer(connect(service, "http"), as_input(32))

    def sample(name: str) -> float:
        lines = [
            line for line in service.metrics().splitlines() if line.startswith(f'{name}{{model="digits",version="1"}}')
        ]
        return float(lines[0].rsplit(" ", 1)[1]) if lines else 0.0

    # The server counts after it has answered.
    wait_for(lambda: sample("nv_inference_request_success") >= 1, "a request to be counted")
    wait_for(lambda: sample("nv_inference_count") >= 32, "its images to be counted")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_predict_tells_label_confidence_and_accuracy(service: Service, protocol: Any) -> None:
    images = some_images(100)
    logits = expected_logits(images)
    labels = logits.argmax(axis=1)
    labels[:10] = (labels[:10] + 1) % 10
    address = service.http if protocol == "http" else service.grpc
    predictions = predict(address, "digits", LabelledImages(images, labels), LABELS, protocol=protocol)
    assert accuracy(predictions) == pytest.approx(0.9)
    assert [each.label for each in predictions] == [LABELS[row] for row in logits.argmax(axis=1)]
    assert all(0.1 <= each.confidence <= 1 for each in predictions)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_predict_names_what_the_service_refuses(service: Service, protocol: Any) -> None:
    address = service.http if protocol == "http" else service.grpc
    images = LabelledImages(some_images(2), np.array([0, 1]))
    with pytest.raises(PredictionError, match=rf"letters at {address} \({protocol}\): .*unknown model"):
        predict(address, "letters", images, LABELS, protocol=protocol)
    with pytest.raises(PredictionError, match="for 3 labels"):
        predict(address, "digits", images, LABELS[:3], protocol=protocol)
    wide = LabelledImages(np.zeros((2, 9, 9), np.uint8), np.array([0, 1]))
    with pytest.raises(PredictionError, match="the images are 9 x 9, the model takes 1 x 8 x 8"):
        predict(address, "digits", wide, LABELS, protocol=protocol)


def test_the_process_is_tritonserver_listens_on_loopback_only_and_knows_no_credential(service: Service) -> None:
    process = psutil.Process(service.process.pid)
    assert process.name() == "tritonserver"
    listening = [each for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    assert {each.laddr.port for each in listening} >= {
        service.document[name] for name in ("http_port", "grpc_port", "metrics_port")
    }
    assert {each.laddr.ip.removeprefix("::ffff:") for each in listening} == {"127.0.0.1"}
    for each in (process, *service.stubs()):
        assert not [name for name in each.environ() if name.startswith("AWS_")]


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit(2) is Linux's")
def test_a_crash_of_the_server_or_its_model_writes_no_memory_to_a_disk(service: Service) -> None:
    for each in (psutil.Process(service.process.pid), *service.stubs()):
        assert each.rlimit(psutil.RLIMIT_CORE) == (0, 0)


def test_the_model_is_on_no_disk_and_the_repository_is_its_owners(service: Service) -> None:
    assert files_with_the_model(service.work_dir) == []
    paths = [path for path in service.work_dir.rglob("*") if not path.is_symlink()]
    assert paths
    assert [path for path in paths if path.stat().st_mode & 0o077] == []
    (model,) = service.work_dir.rglob("model.onnx")
    assert str(model.readlink()).startswith("/proc/self/fd/")
    assert files_with_the_model(service.log.parent) == []
