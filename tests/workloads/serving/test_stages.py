"""Fetching apart from serving, as the containers of a pod do it, behind the front that a pod has in front of it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from infra.service_settings import AuthenticationSettings
from tests.infra.kubernetes.service.authorities import running_issuer
from tests.infra.kubernetes.service.front_process import (
    FrontFiles,
    front_for,
    running_front,
    without_envoy,
)
from tests.workloads.serving.service_process import (
    expected_logits,
    files_with_the_model,
    release,
    run_to_its_end,
    running_service,
    service_document,
    service_environment,
    some_images,
)
from trainyard_serving.__main__ import main
from trainyard_serving.exit_status import ExitStatus
from trainyard_serving.triton import SHARED_MEMORY

pytestmark = pytest.mark.xdist_group("triton-stages")


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory."""
    folder = Path(tempfile.mkdtemp(dir=SHARED_MEMORY, prefix="trainyard-test-"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(bool(without_envoy()), reason=str(without_envoy()))
def test_what_one_process_fetches_another_serves_to_whom_the_front_knows(
    model_cloud: Any, triton_environment: Path, memory: Path, tmp_path: Path
) -> None:
    cloud, manifest_uri = model_cloud
    document = service_document(
        manifest_uri,
        cloud.key_uri,
        memory / "work",
        runtime_dir=str(tmp_path / "runtime"),
        releases=[release(manifest_uri, 1, 100), release(manifest_uri, 2, 0)],
    )

    # The one that fetches has credentials and no server.
    fetching = {"PATH": os.environ["PATH"], **cloud.environment}
    assert run_to_its_end(document, tmp_path, fetching, "--fetch-only")[0] == ExitStatus.DONE
    fetched = {path: path.read_bytes() for path in (memory / "work").rglob("*") if path.is_file()}
    assert {str(path.relative_to(memory / "work")) for path in fetched} == {
        f"{version}/{name}" for version in (1, 2) for name in ("model.onnx", "manifest.json")
    }
    assert files_with_the_model(tmp_path) == []

    # The one that serves has a server and no credentials.
    serving = service_environment({}, triton_environment)
    images = some_images(3).astype(np.float32)
    with (
        running_service(document, tmp_path, serving, "--serve-fetched") as service,
        running_issuer(tmp_path / "issuer") as issuer,
        running_front(
            front_for(
                AuthenticationSettings(jwks_ca_config_map="issuer-ca"),
                issuer=issuer.url,
                files=FrontFiles(jwks_ca=str(issuer.ca_folder)),
            ),
            tmp_path / "front",
            http=service.document["http_port"],
            grpc=service.document["grpc_port"],
            server_metrics=service.document["metrics_port"],
        ) as front,
    ):
        address = f"localhost:{front.ports.clients}"
        for module in (tritonclient.http, tritonclient.grpc):
            request = module.InferInput("image", images.shape, "FP32")
            request.set_data_from_numpy(images)
            with module.InferenceServerClient(address) as client:
                for version in ("", "2"):
                    answer = client.infer(
                        "digits", [request], version, headers={"authorization": f"Bearer {issuer.token()}"}
                    )
                    np.testing.assert_allclose(answer.as_numpy("logits"), expected_logits(images), rtol=1e-5, atol=1e-4)
                with pytest.raises(InferenceServerException):
                    client.infer("digits", [request])
                # Triton itself would answer.
                with pytest.raises(InferenceServerException):
                    client.get_inference_statistics(headers={"authorization": f"Bearer {issuer.token()}"})
        assert front.ask("/v2/health/ready", port=front.ports.health).status == 200
        assert b"nv_inference_request_success" in front.ask("/metrics", port=front.ports.metrics).body
        known = Path(f"/proc/{service.process.pid}/environ").read_text()
        assert "TRAINYARD_TRITON_VENV" in known
        assert "AWS_" not in known
    assert {path: path.read_bytes() for path in (memory / "work").rglob("*") if path.is_file()} == fetched
    assert files_with_the_model(tmp_path) == []


def test_the_decrypted_model_goes_to_no_disk(model_cloud: Any, tmp_path: Path) -> None:
    cloud, manifest_uri = model_cloud
    document = service_document(manifest_uri, cloud.key_uri, Path("/proc/service"))
    code, output = run_to_its_end(document, tmp_path, {**cloud.environment}, "--fetch-only")
    assert code == ExitStatus.NOT_IN_MEMORY
    assert "error: /proc/service is not in memory" in output
    assert "fetching" not in output


def test_nothing_is_served_before_it_was_fetched(
    object_cloud: Any, triton_environment: Path, memory: Path, tmp_path: Path
) -> None:
    document = service_document("s3://b/m/manifest.json", object_cloud.key_uri, memory)
    code, output = run_to_its_end(document, tmp_path, service_environment({}, triton_environment), "--serve-fetched")
    assert code == ExitStatus.NOT_FETCHED
    assert f"error: there is no {memory / '1' / 'manifest.json'}: the model has to be fetched there first" in output
    assert list(memory.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["--fetch-only"], ["--fetch-only", "--serve-fetched", "x.json"], ["--fetch", "x.json"], ["x.json", "y.json"]],
)
def test_an_unknown_way_of_starting_it_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == ExitStatus.BAD_SPECIFICATION
    told = capsys.readouterr().err
    assert told == "usage: python -m trainyard_serving [--fetch-only|--serve-fetched] SERVICE.json | --bundle ...\n"
