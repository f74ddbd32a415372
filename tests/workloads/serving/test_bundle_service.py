"""A bundle from a stack to a machine without a cloud: written by `yard`, served by the real Triton, as in the cloud."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http

from cli.exit_status import ExitStatus
from tests.cli.yard import make_project, yard
from tests.workloads.conftest import REGION
from tests.workloads.serving.bundle_files import Keys
from tests.workloads.serving.service_process import (
    PORT_ATTEMPTS,
    Service,
    end,
    expected_logits,
    files_with_the_model,
    free_ports,
    service_environment,
    some_images,
    stop,
    wait_for,
)
from trainyard_serving.bundle_keys import public_path

pytestmark = pytest.mark.xdist_group("bundle")

SHARES = {1: 90, 2: 10}
"""Percent of the requests without a version, by version: a canary. Both are of the one run that is published."""
PROGRAM = """
import pulumi

for name, value in {outputs!r}.items():
    pulumi.export(name, pulumi.Output.secret(value) if "secret" in name else value)
"""


@pytest.fixture
def project(model_cloud: Any, tmp_path: Path) -> Path:
    """A project whose stack serves the published model as two versions."""
    cloud, manifest_uri = model_cloud
    outputs = {
        "manifest_uri": manifest_uri,
        "job": "digits",
        "run": "0123456789ab",
        "encryption_key_uri": cloud.key_uri,
        "endpoint_url": cloud.endpoint,
        "region": REGION,
        "serving_access_key_id": cloud.environment["AWS_ACCESS_KEY_ID"],
        "serving_secret_access_key": cloud.environment["AWS_SECRET_ACCESS_KEY"],
        "releases": [
            {"version": version, "run": "0123456789ab", "variant": "", "percent": percent, "manifest_uri": manifest_uri}
            for version, percent in SHARES.items()
        ],
    }
    folder = make_project(tmp_path / "project", PROGRAM.format(outputs=outputs))
    deployed = yard("up", "--yes", "-C", str(folder))
    assert deployed.code == ExitStatus.SUCCESS, deployed.err
    return folder


@contextmanager
def serving_from(bundle: Path, keys: Keys, folder: Path, environment: dict[str, str]) -> Iterator[Service]:
    """A service of the bundle, from its readiness on; a port lost to a race is chosen again."""
    for attempt in range(PORT_ATTEMPTS):
        document = {"work_dir": str(folder / "work"), **free_ports()}
        log = folder / f"edge-{attempt}.log"
        keys_of_it = ["--signer", str(public_path(keys.signing)), "--private-key", str(keys.machine)]
        settings = [part for name, value in document.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        command = [sys.executable, "-m", "trainyard_serving", "--bundle", str(bundle), *keys_of_it, *settings]
        with log.open("wb") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        service = Service(process, document, log)
        try:
            wait_for(lambda: service.is_ready() or process.poll() is not None, f"{log} to tell of readiness", 60)  # noqa: B023
            if process.poll() is None:
                yield service
                return
        finally:
            end(service)
        if attempt + 1 == PORT_ATTEMPTS or "in use" not in log.read_text():
            raise AssertionError(f"the service ended with {process.returncode}:\n{log.read_text()}")


def test_what_yard_writes_of_a_stack_is_served_without_a_cloud(
    project: Path, triton_environment: Path, tmp_path: Path
) -> None:
    keys = Keys.made_in(tmp_path)
    bundle = tmp_path / "digits.tar"
    command = ["--recipient", str(public_path(keys.machine)), "--signing-key", str(keys.signing), "-C", str(project)]
    written = yard("bundle", "write", str(bundle), *command)
    assert written.code == ExitStatus.SUCCESS, written.err
    assert f"encrypted for {keys.recipient.identity}, signed by {keys.signer.identity}" in written.out
    assert written.out.startswith(f"{bundle}  12 files, ")
    for version, percent in SHARES.items():
        told = f"version {version} (run 0123456789ab), {percent} % of the requests that name no version\n"
        assert told in written.out
    again = yard("bundle", "write", str(bundle), *command)
    assert again.code == ExitStatus.CONFIGURATION
    assert again.err == f"yard: {bundle} is there already: name a new folder, or a new .tar\n"

    environment = service_environment({}, triton_environment)
    assert not [name for name in environment if name.startswith(("AWS_", "GOOGLE_"))]
    images = some_images(5).astype(np.float32)
    with serving_from(bundle, keys, tmp_path, environment) as service:
        for module, address in ((tritonclient.http, service.http), (tritonclient.grpc, service.grpc)):
            request = module.InferInput("image", images.shape, "FP32")
            request.set_data_from_numpy(images)
            with module.InferenceServerClient(address) as client:
                for version in ("", *map(str, SHARES)):
                    answer = client.infer("digits", [request], model_version=version)
                    np.testing.assert_allclose(answer.as_numpy("logits"), expected_logits(images), rtol=1e-5, atol=1e-4)
        assert "version 2: run 0123456789ab of digits" in service.log.read_text()
        assert files_with_the_model(tmp_path) == []
        assert stop(service) == 0
