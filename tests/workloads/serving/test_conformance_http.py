"""Every endpoint of KServe v2 over HTTP, and Triton's extensions of it, against the running service.

The protocol: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol, and
https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/customization_guide/inference_protocols.html.
"""

import gzip
import json
from typing import Any

import numpy as np
import pytest

from tests.workloads.serving.service_process import LABELS, Answer, Service, expected_logits, some_images, wait_for

pytestmark = pytest.mark.xdist_group("triton-service")

MODEL = "/v2/models/digits"
VERSION = f"{MODEL}/versions/1"
IMAGES = some_images(32).astype(np.float32)
LOGITS = expected_logits(IMAGES)
TENSOR = {"name": "image", "datatype": "FP32", "shape": [32, 1, 8, 8]}
DATA = IMAGES.ravel().tolist()
CLOSED = "This API is restricted"


def infer(service: Service, changes: dict[str, Any], *, path: str = MODEL, **others: Any) -> Answer:
    """Ask with a tensor in JSON, some of whose fields are others; those that are None are left out."""
    tensor = {name: value for name, value in {**TENSOR, "data": DATA, **changes}.items() if value is not None}
    return service.ask("POST", f"{path}/infer", json.dumps({"inputs": [tensor], **others}))


def infer_binary(
    service: Service, body: bytes = IMAGES.tobytes(), *, size: int = IMAGES.nbytes, length: str = "", **others: Any
) -> Answer:
    """Ask with a tensor as bytes behind the JSON, whose length a header tells."""
    header = json.dumps({"inputs": [{**TENSOR, "parameters": {"binary_data_size": size}}], **others}).encode()
    headers = {"Inference-Header-Content-Length": length or str(len(header))}
    return service.ask("POST", f"{MODEL}/infer", header + body, headers)


def error_of(answer: Answer, status: int) -> str:
    """The message of an answer that is an error, as the protocol has it."""
    assert answer.status == status, answer
    assert list(answer.json()) == ["error"]
    return str(answer.json()["error"])


@pytest.mark.parametrize(
    "path", ["/v2/health/live", "/v2/health/ready", f"{MODEL}/ready", f"{VERSION}/ready"], ids=lambda path: path[3:]
)
def test_health(service: Service, path: str) -> None:
    assert service.ask("GET", path).status == 200


@pytest.mark.parametrize("path", ["/v2/models/letters/ready", f"{MODEL}/versions/2/ready"])
def test_what_is_not_there_is_not_ready(service: Service, path: str) -> None:
    assert error_of(service.ask("GET", path), 400) == "Model version not ready"


def test_metadata_of_the_server(service: Service) -> None:
    metadata = service.ask("GET", "/v2").json()
    assert metadata["name"] == "digits"
    assert metadata["version"]
    assert {"classification", "binary_tensor_data", "model_configuration", "statistics"} <= set(metadata["extensions"])


@pytest.mark.parametrize("path", [MODEL, VERSION])
def test_metadata_of_the_model(service: Service, path: str) -> None:
    metadata = service.ask("GET", path).json()
    assert (metadata["name"], metadata["versions"], metadata["platform"]) == ("digits", ["1"], "python")
    assert metadata["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}]
    assert metadata["outputs"] == [{"name": "logits", "datatype": "FP32", "shape": [-1, 10]}]


@pytest.mark.parametrize("part", ["", "/config", "/stats"])
@pytest.mark.parametrize(
    ("path", "what"), [("/v2/models/letters", "'letters'"), (f"{MODEL}/versions/2", "'digits' version 2")]
)
def test_an_unknown_model_or_version(service: Service, path: str, what: str, part: str) -> None:
    status = 400 if part == "/stats" else 404
    assert what.partition(" ")[0] in error_of(service.ask("GET", path + part), status)
    assert what in error_of(infer(service, {}, path=path), 404)


@pytest.mark.parametrize("path", [MODEL, VERSION])
def test_inference_in_json(service: Service, path: str) -> None:
    answer = infer(service, {}, path=path, id="4711", outputs=[{"name": "logits"}])
    document = answer.json()
    assert answer.status == 200
    assert (document["model_name"], document["model_version"], document["id"]) == ("digits", "1", "4711")
    (output,) = document["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("logits", "FP32", [32, 10])
    np.testing.assert_allclose(np.reshape(output["data"], (32, 10)), LOGITS, rtol=1e-5, atol=1e-4)


def test_inference_in_json_with_nested_arrays(service: Service) -> None:
    (output,) = infer(service, {"data": IMAGES.tolist()}).json()["outputs"]
    np.testing.assert_allclose(np.reshape(output["data"], (32, 10)), LOGITS, rtol=1e-5, atol=1e-4)


def test_inference_with_binary_tensors_both_ways(service: Service) -> None:
    answer = infer_binary(service, outputs=[{"name": "logits", "parameters": {"binary_data": True}}])
    end = int(answer.headers["Inference-Header-Content-Length"])
    (output,) = json.loads(answer.body[:end])["outputs"]
    assert output["parameters"] == {"binary_data_size": LOGITS.nbytes}
    found = np.frombuffer(answer.body[end:], np.float32).reshape(output["shape"])
    np.testing.assert_allclose(found, LOGITS, rtol=1e-5, atol=1e-4)


def test_a_compressed_request(service: Service) -> None:
    body = gzip.compress(json.dumps({"inputs": [{**TENSOR, "data": DATA}]}).encode())
    assert service.ask("POST", f"{MODEL}/infer", body, {"Content-Encoding": "gzip"}).status == 200


def test_classification(service: Service) -> None:
    wanted = [{"name": "logits", "parameters": {"classification": 2}}]
    (output,) = infer(service, {}, outputs=wanted).json()["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [32, 2])
    best = LOGITS.argsort(axis=1)[:, ::-1][:, :2].ravel()
    assert [text.split(":")[1:] for text in output["data"]] == [[str(each), LABELS[each]] for each in best]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"datatype": "INT64", "data": [1] * len(DATA)}, "data-type is 'INT64', but model 'digits' expects 'FP32'"),
        ({"datatype": "FLOAT"}, "invalid datatype for input image"),
        ({"shape": [64, 1, 8, 4]}, "unexpected shape for input 'image'"),
        ({"shape": [32, 64]}, "unexpected shape for input 'image'"),
        ({"name": "picture"}, "unexpected inference input 'picture'"),
        ({"data": None}, "Input must set only one of the following fields: 'data'"),
    ],
    ids=["type", "unknown type", "shape", "rank", "name", "no data"],
)
def test_a_wrong_tensor(service: Service, changes: dict[str, Any], message: str) -> None:
    assert message in error_of(infer(service, changes), 400)


def test_a_missing_or_unknown_part(service: Service) -> None:
    none = service.ask("POST", f"{MODEL}/infer", '{"inputs": []}')
    assert "missing required input(s) ['image']" in error_of(none, 400)
    unknown = infer(service, {}, outputs=[{"name": "labels"}])
    assert error_of(unknown, 400) == "unexpected inference output 'labels' for model 'digits'"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "failed to parse the request JSON buffer"),
        ("[]", "Unable to parse 'inputs'"),
        (json.dumps({"inputs": [{**TENSOR, "data": ["x"] * len(DATA)}]}), "Unable to parse 'data'"),
        (json.dumps({"inputs": [{**TENSOR, "data": DATA[:-1]}]}), "Shape does not match true shape of 'data' field"),
        (json.dumps({"inputs": [{**TENSOR, "shape": [-1, 1, 8, 8], "data": DATA}]}), "Unable to parse 'shape'"),
    ],
    ids=["cut off", "an array", "text", "too few numbers", "negative size"],
)
def test_triton_takes_json_of_another_form_for_an_error_of_its_own(service: Service, body: str, message: str) -> None:
    assert message in error_of(service.ask("POST", f"{MODEL}/infer", body), 500)


@pytest.mark.parametrize(
    ("length", "message"),
    [
        ("-1", "inference header size should be in range"),
        ("1000000", "inference header size should be in range"),
        ("99999999999999999999", "inference header size should be in range"),
        ("x", "input byte size mismatch"),
    ],
)
def test_a_wrong_length_of_the_json_before_binary_tensors(service: Service, length: str, message: str) -> None:
    assert message in error_of(infer_binary(service, length=length), 400)


@pytest.mark.parametrize(
    ("body", "size", "message"),
    [
        (IMAGES.tobytes()[:-1], IMAGES.nbytes, "expecting 1 additional bytes"),
        (IMAGES.tobytes() + b"x", IMAGES.nbytes, "unexpected additional input data"),
        (IMAGES.tobytes(), IMAGES.nbytes - 4, "unexpected additional input data"),
        (IMAGES.tobytes()[:-4], IMAGES.nbytes - 4, "input byte size mismatch"),
        (b"", 2**63, "expecting 9223372036854775808 additional bytes"),
    ],
    ids=["too few", "too many", "fewer told", "fewer than the shape", "overflow"],
)
def test_binary_tensors_of_another_size(service: Service, body: bytes, size: int, message: str) -> None:
    assert message in error_of(infer_binary(service, body, size=size), 400)


def test_an_oversized_request_is_read_and_refused(service: Service) -> None:
    # This version of Triton has no limit of its own; in a cluster the front has one.
    size = 20 * 2**20
    assert f"Expected {IMAGES.nbytes}, got {size}" in error_of(infer_binary(service, bytes(size), size=size), 400)
    assert "failed to parse" in error_of(service.ask("POST", f"{MODEL}/infer", b"x" * size), 500)
    assert infer(service, {}).status == 200


def test_extensions_that_only_tell(service: Service) -> None:
    assert service.ask("GET", f"{VERSION}/config").json()["max_batch_size"] == 64
    infer(service, {})
    for path in (f"{VERSION}/stats", "/v2/models/stats"):
        # The server counts after it has answered.
        wait_for(lambda path=path: _succeeded(service, path) >= 1, "a request to be counted")
    index = service.ask("POST", "/v2/repository/index", "{}").json()
    assert index == [{"name": "digits", "version": "1", "state": "READY"}]


def _succeeded(service: Service, path: str) -> int:
    (statistics,) = service.ask("GET", path).json()["model_stats"]
    return int(statistics["inference_stats"]["success"]["count"])


@pytest.mark.parametrize("action", ["load", "unload"])
def test_models_are_neither_loaded_nor_unloaded(service: Service, action: str) -> None:
    answer = service.ask("POST", f"/v2/repository/models/digits/{action}", "{}")
    assert error_of(answer, 503).startswith("explicit model load / unload is not allowed")
    assert service.ask("GET", f"{MODEL}/ready").status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v2/systemsharedmemory/status", None),
        ("POST", "/v2/systemsharedmemory/region/mine/register", '{"key": "/x", "offset": 0, "byte_size": 8}'),
        ("POST", "/v2/systemsharedmemory/unregister", None),
        ("GET", "/v2/cudasharedmemory/status", None),
        ("POST", "/v2/cudasharedmemory/region/mine/register", '{"raw_handle": {"b64": ""}, "byte_size": 8}'),
        ("GET", "/v2/trace/setting", None),
        ("POST", "/v2/trace/setting", '{"trace_file": "/tmp/trace.json", "trace_level": ["TENSORS"]}'),
        ("POST", f"{MODEL}/trace/setting", '{"trace_level": ["TENSORS"]}'),
        ("GET", "/v2/logging", None),
        ("POST", "/v2/logging", '{"log_file": "/tmp/log", "log_verbose_level": 1}'),
    ],
)
def test_what_could_do_harm_is_closed(service: Service, method: str, path: str, body: str | None) -> None:
    assert CLOSED in error_of(service.ask(method, path, body), 403)


def test_memory_that_nobody_could_register_is_not_used(service: Service) -> None:
    region = {"shared_memory_region": "mine", "shared_memory_byte_size": IMAGES.nbytes}
    answer = infer(service, {"data": None, "parameters": region})
    assert error_of(answer, 404) == "Unable to find shared memory region: 'mine'"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v3", 404), ("GET", "/metrics", 404), ("GET", f"{MODEL}/infer", 405), ("DELETE", "/v2", 405)],
)
def test_what_the_protocol_does_not_have(service: Service, method: str, path: str, status: int) -> None:
    error_of(service.ask(method, path), status)
