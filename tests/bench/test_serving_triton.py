"""The benchmark's own server, for real: tritonserver serves the model that the benchmark made, and nothing is left."""

from pathlib import Path

import numpy as np
import psutil
import pytest

from bench.serving_client import ask
from bench.serving_images import expected_confidences, image_dialect
from bench.serving_model import CHOICES, make_model
from bench.serving_servers import OURS, OURS_WITH_IMAGES, TRITON_VARIABLE, started, triton_environment
from tests.workloads.serving.service_process import wait_for
from trainyard_serving.triton import triton_unavailable_reason


def test_ours_answers_what_pytorch_computes_in_all_dialects_and_leaves_nothing(tmp_path: Path) -> None:
    environment = triton_environment()
    if reason := triton_unavailable_reason({TRITON_VARIABLE: str(environment)}):
        pytest.skip(f"tritonserver cannot run here: {reason}")
    served = make_model(CHOICES[-1], tmp_path / "model")
    assert len(np.unique(served.logits.round(4), axis=0)) == len(served.images)
    confidences = expected_confidences(served.logits)
    assert confidences.argmax(axis=1).tolist() == served.logits.argmax(axis=1).tolist()
    before = set(psutil.Process().children(recursive=True))
    kind = OURS_WITH_IMAGES
    with started(kind, environment=environment, model=served.folder, work=tmp_path / "work", core=None) as server:
        server.wait_until_ready()
        below = set(psutil.Process().children(recursive=True)) - before
        server.hold()
        # The leash goes on.
        wait_for(lambda: sum(each.status() == psutil.STATUS_STOPPED for each in below) == len(below) - 1, "the hold")
        server.go_on()
        in_files = image_dialect(served.choice.largest_value)
        expected = dict.fromkeys(OURS.dialects, served.logits) | {in_files: confidences}
        for dialect, values in expected.items():
            messages = [dialect.encode(image) for image in served.images]
            rung = ask(server.address, dialect, messages, values, clients=2, seconds=0.05)
            assert len(rung.milliseconds) >= 2
        assert server.memory_mib() > server.memory_mib(without=["classifier-decode"]) + 10 > 20
    assert len(below) > 1
    assert not any(process.is_running() for process in below)
