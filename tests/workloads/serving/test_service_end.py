"""How the service ends: SIGTERM with requests in flight, and killed."""

import concurrent.futures
import socket
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tritonclient.grpc

from tests.processes import is_alive
from tests.workloads.serving.service_process import (
    END_SECONDS,
    Service,
    expected_logits,
    files_with_the_model,
    running_service,
    service_document,
    service_environment,
    some_images,
    stop,
    wait_for,
)

pytestmark = pytest.mark.xdist_group("triton-service-end")

QUEUE_DELAY_MICROSECONDS = 2_000_000


def infer(service: Service, count: int) -> np.ndarray[Any, Any]:
    with tritonclient.grpc.InferenceServerClient(service.grpc) as client:
        images = some_images(count).astype(np.float32)
        request = tritonclient.grpc.InferInput("image", images.shape, "FP32")
        request.set_data_from_numpy(images)
        answer: np.ndarray[Any, Any] = client.infer("digits", [request]).as_numpy("logits")
        return answer


def requests_waiting(service: Service) -> float:
    samples = dict(line.rsplit(" ", 1) for line in service.metrics().splitlines() if not line.startswith("#"))
    return float(samples['nv_inference_pending_request_count{model="digits",version="1"}'])


def test_sigterm_answers_what_waits_and_leaves_nothing(
    model_cloud: Any, triton_environment: Path, tmp_path: Path
) -> None:
    cloud, manifest_uri = model_cloud
    document = service_document(
        manifest_uri,
        cloud.key_uri,
        tmp_path / "work",
        queue_delay_microseconds=QUEUE_DELAY_MICROSECONDS,
        drain_seconds=20,
    )
    environment = service_environment(cloud.environment, triton_environment)
    with running_service(document, tmp_path, environment) as service:
        stubs = service.stubs()
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(infer, service, 3)
            wait_for(lambda: requests_waiting(service) == 1, "the request to be in the queue")
            exit_code = stop(service)
            np.testing.assert_allclose(waiting.result(), expected_logits(some_images(3)), rtol=1e-5, atol=1e-4)
        assert exit_code == 0
        assert [stub for stub in stubs if is_alive(stub)] == []
        assert service.shared_memory() == []
        assert files_with_the_model(tmp_path) == []


def test_killed_for_good_it_leaves_no_process_and_no_model(
    model_cloud: Any, triton_environment: Path, tmp_path: Path
) -> None:
    cloud, manifest_uri = model_cloud
    document = service_document(manifest_uri, cloud.key_uri, tmp_path / "work")
    with running_service(document, tmp_path, service_environment(cloud.environment, triton_environment)) as service:
        stubs = service.stubs()
        assert stubs
        service.process.kill()
        service.process.wait()
        gone, alive = psutil.wait_procs(stubs, timeout=30)
        assert alive == []
        assert len(gone) == len(stubs)
        assert files_with_the_model(tmp_path) == []


def test_it_ends_when_its_backend_is_killed_rather_than_fail_every_request(
    model_cloud: Any, triton_environment: Path, tmp_path: Path
) -> None:
    cloud, manifest_uri = model_cloud
    document = service_document(manifest_uri, cloud.key_uri, tmp_path / "work", drain_seconds=10 * END_SECONDS)
    with (
        running_service(document, tmp_path, service_environment(cloud.environment, triton_environment)) as service,
        # It would drain for as long as a client keeps its connection.
        socket.create_connection(("127.0.0.1", service.document["http_port"])),
    ):
        processes = service.stubs()
        (stub,) = [process for process in processes if process.name().startswith("triton_python_b")]
        stub.kill()
        service.process.wait(END_SECONDS)
        _, alive = psutil.wait_procs(processes, timeout=30)
        assert alive == []
        assert files_with_the_model(tmp_path) == []
