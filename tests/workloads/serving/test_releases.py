"""Several releases in one service: each answers for its version, and a share of the requests that name none."""

import concurrent.futures
import math
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http

from tests.workloads.serving.service_process import (
    Service,
    expected_logits,
    files_with_the_model,
    publish,
    release,
    running_service,
    service_document,
    service_environment,
    some_images,
    tiny_model,
    wait_for,
)

pytestmark = pytest.mark.xdist_group("triton-releases")

OTHER_RUN = "ba9876543210"
REQUESTS = 300
IMAGES = some_images(1).astype(np.float32)


@pytest.fixture(scope="module")
def releases(
    _object_server: Any, triton_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service of a run, of another whose logits are twice as large, and of a variant of that: three times."""
    cloud = _object_server
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        folder = f"s3://{cloud.models_bucket}/releases/{os.getpid()}"
        one = publish(f"{folder}/one", cloud.key_uri)
        other = publish(
            f"{folder}/other", cloud.key_uri, run=OTHER_RUN, model=tiny_model(2), variants={"int8": tiny_model(3)}
        )
    served = [
        release(one, 1, 70),
        release(other, 2, 30, run=OTHER_RUN),
        release(other, 7, 0, run=OTHER_RUN, variant="int8"),
    ]
    directory = tmp_path_factory.mktemp("releases")
    document = service_document(one, cloud.key_uri, directory / "work", releases=served)
    with running_service(document, directory, service_environment(cloud.environment, triton_environment)) as running:
        yield running


def scale_of(answer: np.ndarray[Any, Any], images: np.ndarray[Any, Any] = IMAGES) -> int:
    """How many times the first run's logits these are."""
    (scale,) = {round(float(ratio)) for ratio in (answer / expected_logits(images)).ravel()}
    np.testing.assert_allclose(answer, scale * expected_logits(images), rtol=1e-4, atol=1e-3)
    return int(scale)


def infer(client: Any, module: Any, version: str = "", images: np.ndarray[Any, Any] = IMAGES) -> Any:
    request = module.InferInput("image", images.shape, "FP32")
    request.set_data_from_numpy(images)
    return client.infer("digits", [request], model_version=version)


def picked(service: Service) -> Counter[str]:
    """Requests that the split has answered, by run."""
    counted: Counter[str] = Counter()
    for line in service.metrics().splitlines():
        if line.startswith("trainyard_split_requests_total{"):
            counted[line.partition('run="')[2].partition('"')[0]] += int(float(line.rpartition(" ")[2]))
    return counted


@pytest.mark.parametrize("module", [tritonclient.http, tritonclient.grpc], ids=["http", "grpc"])
def test_each_version_answers_for_itself(releases: Service, module: Any) -> None:
    address = releases.http if module is tritonclient.http else releases.grpc
    with module.InferenceServerClient(address) as client:
        before = picked(releases)
        for version, scale in (("1", 1), ("2", 2), ("7", 3)):
            answer = infer(client, module, version)
            assert scale_of(answer.as_numpy("logits")) == scale
            assert client.is_model_ready("digits", version)
        assert picked(releases) == before
        assert not client.is_model_ready("digits", "3")


def test_the_others_are_shared_out_by_percent_and_counted(releases: Service) -> None:
    before = picked(releases)

    def ask(count: int) -> Counter[int]:
        with tritonclient.grpc.InferenceServerClient(releases.grpc) as client:
            return Counter(scale_of(infer(client, tritonclient.grpc).as_numpy("logits")) for _ in range(count))

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        answered = sum(threads.map(ask, [REQUESTS // 4] * 4), Counter[int]())
    assert answered.total() == REQUESTS
    assert set(answered) == {1, 2}
    # Of a binomial distribution; six standard deviations away is one in half a billion.
    deviation = math.sqrt(REQUESTS * 0.3 * 0.7)
    assert abs(answered[2] - 0.3 * REQUESTS) < 6 * deviation
    expected = before + Counter({"0123456789ab": answered[1], OTHER_RUN: answered[2]})
    wait_for(lambda: picked(releases) == expected, "all to be counted")


def test_versions_are_listed_and_on_no_disk(releases: Service) -> None:
    with tritonclient.http.InferenceServerClient(releases.http) as client:
        assert client.get_model_metadata("digits")["versions"] == ["1", "2", "7", "1000000"]
        assert "all" in client.get_model_config("digits", "2")["version_policy"]
    assert files_with_the_model(releases.work_dir) == []
