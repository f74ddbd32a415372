"""The strategies on real processes: the same losses on one worker and on two, and from one strategy's shards or all.

The losses are held by a golden file: what a run computes does not change by accident. TRAINYARD_WRITE_GOLDEN=1 writes
it anew.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from tests.workloads.training.groups import run_group
from tests.workloads.training.test_specification import VALID
from trainyard_artifacts.envelope import AlteredError
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.checkpoints import Checkpoints, EncryptedFiles, RunState
from trainyard_training.data.batches import Batches
from trainyard_training.data.dataset import open_dataset
from trainyard_training.dataset import write_missing
from trainyard_training.learner import Learner
from trainyard_training.models import DataShape, build_model
from trainyard_training.specification import TrainingSpecification
from trainyard_training.workers import Workers

pytestmark = pytest.mark.xdist_group("strategies")

GOLDEN = Path(__file__).parent.parent / "golden" / "losses.json"
STEPS = 12
SHARDED: dict[str, Any] = {"strategy": {"kind": "fully_sharded"}}


class ClearEnvelope:
    """Stands in for the key service, which no process here can reach: marks what is "encrypted" with what it is."""

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        return associated_data + b"|" + plaintext

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        if not ciphertext.startswith(associated_data + b"|"):
            raise AlteredError("something else")
        return ciphertext.removeprefix(associated_data + b"|")


@pytest.fixture(scope="module")
def datasets_uri(dataset_objects: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> str:
    uri = f"file://{tmp_path_factory.mktemp('digits')}"
    write_missing(ObjectStore(uri), dataset_objects.items())
    return uri


def learn(workers: Workers, datasets_uri: str, changes: dict[str, Any], checkpoints: str, until: int) -> dict[str, Any]:
    """Resume where there is a checkpoint, make steps up to ``until``, and leave one there."""
    job = TrainingSpecification.model_validate(VALID | {"datasets_uri": datasets_uri} | changes)
    dataset = open_dataset(job, workers.rank, workers.count)
    model = build_model(job.model, DataShape(dataset.index.input_shape, 16, 10), job.seed)
    learner = Learner(model, workers, job, total_steps=50)
    files = EncryptedFiles(ObjectStore(checkpoints), ClearEnvelope(), job="j", run="r")  # type: ignore[arg-type]
    saved = Checkpoints(files, workers, keep=1, stored=lambda step: None, warn=lambda text: None)
    found: list[RunState] = []

    def accept(state: RunState) -> dict[str, Any]:
        found[:] = [state]
        return learner.places()

    saved.restore(accept, lambda tensors: learner.restore(tensors, found[0].step, {}))
    losses = []
    with Batches(dataset, job).iterate(learner.step_number) as batches:
        while learner.step_number < until:
            batch = next(batches)
            loss = learner.step(batch.inputs, batch.labels).loss
            losses.append(workers.sum([float(loss)])[0] / workers.count)
    saved.save(learner.tensors(), RunState(step=learner.step_number, made_of={}, log=(), seconds=0.0))
    saved.wait()
    saved.close()
    test = dataset.read_whole_test()
    weights = learner.whole_weights()
    return {
        "losses": losses,
        "resumed": found[0].step if found else None,
        "rate": learner.learning_rate,
        "logits": learner.predict(test.inputs[:20]),
        "weights": {name: weight.numpy() for name, weight in weights.items() if isinstance(weight, Tensor)},
    }


@pytest.fixture(scope="module")
def alone(datasets_uri: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One process, to compare with."""
    folder = tmp_path_factory.mktemp("alone")
    (found,) = run_group(folder, 1, learn, datasets_uri, {}, f"file://{folder}/c", STEPS)
    return dict(found)


def test_the_losses_are_the_golden_ones(alone: dict[str, Any]) -> None:
    if os.environ.get("TRAINYARD_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(alone["losses"], indent=2) + "\n")
    # Vector units of other processors round differently, which grows from step to step.
    assert alone["losses"] == pytest.approx(json.loads(GOLDEN.read_text()), rel=1e-4)


@pytest.mark.parametrize(
    "changes",
    [{}, SHARDED, {"optimization": {"accumulate_steps": 4}}],
    ids=["data-parallel", "fully-sharded", "accumulated"],
)
def test_two_workers_learn_what_one_learns(
    changes: dict[str, Any], alone: dict[str, Any], datasets_uri: str, tmp_path: Path
) -> None:
    first, second = run_group(tmp_path, 2, learn, datasets_uri, changes, f"file://{tmp_path}/c", STEPS)
    assert first["losses"] == second["losses"]
    assert first["losses"] == pytest.approx(alone["losses"], rel=1e-5)
    np.testing.assert_allclose(first["logits"], alone["logits"], rtol=1e-3, atol=1e-4)
    for name, weight in alone["weights"].items():
        np.testing.assert_allclose(first["weights"][name], weight, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("changes", "before", "after"), [({}, 1, 2), (SHARDED, 2, 1)], ids=["grow", "shrink"])
def test_a_checkpoint_resumes_at_another_number_of_workers(
    changes: dict[str, Any], before: int, after: int, alone: dict[str, Any], datasets_uri: str, tmp_path: Path
) -> None:
    checkpoints = f"file://{tmp_path}/c"
    run_group(tmp_path, before, learn, datasets_uri, changes, checkpoints, 5)
    resumed = run_group(tmp_path, after, learn, datasets_uri, changes, checkpoints, STEPS)[0]
    assert resumed["resumed"] == 5
    assert resumed["losses"] == pytest.approx(alone["losses"][5:], rel=1e-4)
    assert resumed["rate"] == pytest.approx(alone["rate"])


@pytest.mark.parametrize(
    "changes",
    [
        {"computation": {"precision": "bfloat16", "channels_last": True}},
        {"optimization": {"optimizer": "sgd", "schedule": "constant", "clip_norm": 1.0}, "learning_rate": 0.2},
    ],
    ids=["bfloat16", "sgd"],
)
def test_other_ways_to_compute_learn_too(changes: dict[str, Any], datasets_uri: str, tmp_path: Path) -> None:
    (found,) = run_group(tmp_path, 1, learn, datasets_uri, changes, f"file://{tmp_path}/c", 40)
    assert sum(found["losses"][-5:]) < 0.75 * sum(found["losses"][:5])
