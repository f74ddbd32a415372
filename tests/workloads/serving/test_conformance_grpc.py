"""Every call of KServe v2 over gRPC, and Triton's extensions of it, against the running service.

The calls are read from the protocol's own description: one that is neither open nor closed here fails a test.
"""

import socket
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import psutil
import pytest
from tritonclient.grpc import service_pb2 as protocol
from tritonclient.grpc import service_pb2_grpc

from tests.workloads.serving.service_process import LABELS, Service, expected_logits, some_images, wait_for

pytestmark = pytest.mark.xdist_group("triton-service")

IMAGES = some_images(32).astype(np.float32)
LOGITS = expected_logits(IMAGES)
CLOSED = {
    "SystemSharedMemoryStatus": protocol.SystemSharedMemoryStatusRequest(),
    "SystemSharedMemoryRegister": protocol.SystemSharedMemoryRegisterRequest(name="mine", key="/x", byte_size=8),
    "SystemSharedMemoryUnregister": protocol.SystemSharedMemoryUnregisterRequest(),
    "CudaSharedMemoryStatus": protocol.CudaSharedMemoryStatusRequest(),
    "CudaSharedMemoryRegister": protocol.CudaSharedMemoryRegisterRequest(name="mine", byte_size=8),
    "CudaSharedMemoryUnregister": protocol.CudaSharedMemoryUnregisterRequest(),
    "TraceSetting": protocol.TraceSettingRequest(),
    "LogSettings": protocol.LogSettingsRequest(),
}
REFUSED = {
    "RepositoryModelLoad": protocol.RepositoryModelLoadRequest(model_name="digits"),
    "RepositoryModelUnload": protocol.RepositoryModelUnloadRequest(model_name="digits"),
}
OPEN = {
    "ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer", "ModelStreamInfer",
    "ModelConfig", "ModelStatistics", "RepositoryIndex",
}  # fmt: skip


@pytest.fixture
def stub(service: Service) -> Iterator[Any]:
    with grpc.insecure_channel(service.grpc) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def request(**changes: Any) -> Any:
    """A right request for inference, but for the changes: fields of it or of its only tensor."""
    tensor = {"name": "image", "datatype": "FP32", "shape": list(IMAGES.shape)}
    of_tensor = {name: changes.pop(name) for name in ("name", "datatype", "shape", "contents") if name in changes}
    whole = {"model_name": "digits", "raw_input_contents": [IMAGES.tobytes()]} | changes
    return protocol.ModelInferRequest(inputs=[{**tensor, **of_tensor}], **whole)


def refusal_of(call: Any, message: Any) -> tuple[str, str]:
    """The code and the text that a call is answered with."""
    with pytest.raises(grpc.RpcError) as refused:
        call(message, timeout=30)
    return refused.value.code().name, refused.value.details()


def test_every_call_is_here() -> None:
    methods = protocol.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods
    assert {method.name for method in methods} == {*OPEN, *CLOSED, *REFUSED}


def test_health(stub: Any) -> None:
    assert stub.ServerLive(protocol.ServerLiveRequest()).live
    assert stub.ServerReady(protocol.ServerReadyRequest()).ready
    for name, version, ready in (
        ("digits", "", True),
        ("digits", "1", True),
        ("digits", "2", False),
        ("letters", "", False),
    ):
        assert stub.ModelReady(protocol.ModelReadyRequest(name=name, version=version)).ready is ready


def test_metadata_and_configuration(stub: Any) -> None:
    assert stub.ServerMetadata(protocol.ServerMetadataRequest()).name == "digits"
    for version in ("", "1"):
        metadata = stub.ModelMetadata(protocol.ModelMetadataRequest(name="digits", version=version))
        assert list(metadata.versions) == ["1"]
        (given,), (answered,) = metadata.inputs, metadata.outputs
        assert (given.name, given.datatype, list(given.shape)) == ("image", "FP32", [-1, 1, 8, 8])
        assert (answered.name, answered.datatype, list(answered.shape)) == ("logits", "FP32", [-1, 10])
        configuration = stub.ModelConfig(protocol.ModelConfigRequest(name="digits", version=version)).config
        assert configuration.max_batch_size == 64
    (indexed,) = stub.RepositoryIndex(protocol.RepositoryIndexRequest()).models
    assert (indexed.name, indexed.version, indexed.state) == ("digits", "1", "READY")


@pytest.mark.parametrize("version", ["", "1"])
@pytest.mark.parametrize("raw", [True, False])
def test_inference(stub: Any, version: str, raw: bool) -> None:
    typed = {"raw_input_contents": [], "contents": {"fp32_contents": IMAGES.ravel().tolist()}}
    answer = stub.ModelInfer(request(model_version=version, id="4711", **({} if raw else typed)))
    assert (answer.model_name, answer.model_version, answer.id) == ("digits", "1", "4711")
    found = np.frombuffer(answer.raw_output_contents[0], np.float32).reshape(list(answer.outputs[0].shape))
    np.testing.assert_allclose(found, LOGITS, rtol=1e-5, atol=1e-4)


def test_inference_over_a_stream(stub: Any) -> None:
    answers = list(stub.ModelStreamInfer(iter([request(id="first"), request(name="picture", id="second")])))
    assert sorted(bool(answer.error_message) for answer in answers) == [False, True]
    (right,) = [answer.infer_response for answer in answers if not answer.error_message]
    np.testing.assert_allclose(
        np.frombuffer(right.raw_output_contents[0], np.float32), LOGITS.ravel(), rtol=1e-5, atol=1e-4
    )


def test_classification_and_statistics(stub: Any) -> None:
    wanted = [{"name": "logits", "parameters": {"classification": {"int64_param": 1}}}]
    answer = stub.ModelInfer(request(outputs=wanted))
    assert (answer.outputs[0].datatype, list(answer.outputs[0].shape)) == ("BYTES", [32, 1])
    assert LABELS[int(LOGITS[0].argmax())].encode() in answer.raw_output_contents[0]

    def succeeded() -> int:
        (statistics,) = stub.ModelStatistics(protocol.ModelStatisticsRequest(name="digits")).model_stats
        return int(statistics.inference_stats.success.count)

    # The server counts after it has answered.
    wait_for(lambda: succeeded() >= 1, "a request to be counted")


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"model_name": "letters"}, "NOT_FOUND", "unknown model: 'letters'"),
        ({"model_version": "2"}, "NOT_FOUND", "'digits' version 2 is not found"),
        ({"model_version": "x"}, "INVALID_ARGUMENT", "version should be an integral value"),
        ({"name": "picture"}, "INVALID_ARGUMENT", "unexpected inference input 'picture'"),
        ({"datatype": "INT32"}, "INVALID_ARGUMENT", "data-type is 'INT32', but model 'digits' expects 'FP32'"),
        ({"datatype": "FLOAT"}, "INVALID_ARGUMENT", "data-type is '<invalid>'"),
        ({"shape": [32, 64]}, "INVALID_ARGUMENT", "unexpected shape for input 'image'"),
        ({"shape": [-1, 1, 8, 8]}, "INVALID_ARGUMENT", "input byte size mismatch"),
        ({"shape": [2**31, 1, 8, 8]}, "INVALID_ARGUMENT", "input byte size mismatch"),
        ({"raw_input_contents": []}, "INVALID_ARGUMENT", "unable to find data for input tensor 'image'"),
        ({"raw_input_contents": [b"x"]}, "INVALID_ARGUMENT", "input byte size mismatch"),
        ({"raw_input_contents": [bytes(20 * 2**20)]}, "INVALID_ARGUMENT", f"Expected {IMAGES.nbytes}, got 20971520"),
        ({"contents": {"fp32_contents": [1]}}, "INVALID_ARGUMENT", "contents field must not be specified"),
        ({"outputs": [{"name": "labels"}]}, "INVALID_ARGUMENT", "unexpected inference output 'labels'"),
        # Its batch is 0 when only 32 bits of it are looked at, as the server does; the model does not.
        (
            {"shape": [2**32, 1, 8, 8], "raw_input_contents": [IMAGES[:1].tobytes()]},
            "INVALID_ARGUMENT",
            "image has the shape [1, 8, 8], expected [any number, 1, 8, 8]",
        ),
    ],
)
def test_a_wrong_request(stub: Any, changes: dict[str, Any], code: str, message: str) -> None:
    found, details = refusal_of(stub.ModelInfer, request(**changes))
    assert found == code
    assert message in details


@pytest.mark.parametrize("name", CLOSED)
def test_what_could_do_harm_is_closed(stub: Any, name: str) -> None:
    code, details = refusal_of(getattr(stub, name), CLOSED[name])
    assert (code, details.partition(",")[0]) == ("UNAVAILABLE", "This protocol is restricted")


@pytest.mark.parametrize("name", REFUSED)
def test_models_are_neither_loaded_nor_unloaded(stub: Any, name: str) -> None:
    code, details = refusal_of(getattr(stub, name), REFUSED[name])
    assert code == "UNAVAILABLE"
    assert details.startswith("explicit model load / unload is not allowed")


def test_even_who_reads_the_command_line_cannot_open_what_is_closed(service: Service, stub: Any) -> None:
    command = psutil.Process(service.process.pid).cmdline()
    (setting,) = [argument for argument in command if argument.startswith("--grpc-restricted-protocol=")]
    name, _, key = setting.partition(":")[2].partition("=")
    for value in (key, key.replace("\n", " "), key.replace("\n", "")):
        with pytest.raises((grpc.RpcError, ValueError)):
            stub.LogSettings(protocol.LogSettingsRequest(), metadata=[(f"triton-grpc-protocol-{name}", value)])
    with pytest.raises(ValueError, match="Invalid header value"):
        service.ask("GET", "/v2/logging", headers={name: key})
    for line_end in ("\n", "\r\n", "\r\n ", "\n\t"):
        line = f"{name}: {key.replace(chr(10), line_end)}"
        assert not _answer_to(service, line).startswith(b"HTTP/1.1 200")


def _answer_to(service: Service, header: str) -> bytes:
    with socket.create_connection(("127.0.0.1", service.document["http_port"]), timeout=30) as connection:
        connection.sendall(f"GET /v2/logging HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode())
        return connection.recv(4096)
