"""Private training: the budget is kept, samples and noise are what the accounting assumes, and a resumed run is one."""

import contextlib
import io
import itertools
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.workloads.conftest import ObjectCloud
from tests.workloads.training.conftest import TrainingJob, make_job
from tests.workloads.training.groups import run_group
from tests.workloads.training.test_specification import VALID
from trainyard_artifacts.fetch import fetch_manifest, read_artifact
from trainyard_artifacts.manifest import Manifest
from trainyard_artifacts.specification import SpecificationError
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.checkpoints import RunState
from trainyard_training.choices import Privacy
from trainyard_training.data.batches import Batches
from trainyard_training.data.dataset import open_dataset
from trainyard_training.dataset import write_missing
from trainyard_training.exit_status import ExitStatus
from trainyard_training.privacy import PoissonSampling, prepare_privacy
from trainyard_training.privacy.accounting import Budget, plan_budget
from trainyard_training.privacy.secret import SecretRandom
from trainyard_training.specification import TrainingSpecification
from trainyard_training.workers import Workers, join_workers

pytestmark = pytest.mark.xdist_group("privacy")

EPSILON, DELTA = 20.0, 1e-4
PRIVACY = {"target_epsilon": EPSILON, "delta": DELTA, "clip_norm": 0.5}
SECRET = "5e" * 32
STEPS = 44


@dataclass(frozen=True)
class FinishedRun:
    job: TrainingJob
    output: str

    @property
    def manifest_uri(self) -> str:
        return f"{self.job.specification.models_uri}/manifest.json"

    @property
    def manifest(self) -> Manifest:
        return fetch_manifest(self.manifest_uri, self.job.origin)

    def read(self, name: str) -> bytes:
        return read_artifact(self.manifest_uri, self.manifest, name)


def run_to_the_end(job: TrainingJob) -> FinishedRun:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert job.run_here() is ExitStatus.DONE
    return FinishedRun(job, output.getvalue())


@pytest.fixture(scope="module")
def finished(
    _object_server: ObjectCloud, dataset_objects: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FinishedRun]:
    """One private run of one worker to its end; its cloud is reachable as long as the module's tests run."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in _object_server.environment.items():
            environment.setenv(name, value)
        job = make_job(
            _object_server,
            dataset_objects,
            tmp_path_factory.mktemp("private"),
            epochs=2,
            checkpoint_every_steps=20,
            # Its noise is secret, so the accuracy is another one in every run.
            target_accuracy=0.3,
            reporting={"every_steps": 20},
            privacy=PRIVACY,
        )
        yield run_to_the_end(job)


def test_a_private_run_learns_and_says_what_it_has_spent(finished: FinishedRun) -> None:
    from opacus.accountants import RDPAccountant

    manifest = finished.manifest
    assert manifest.metrics["test_accuracy"] > 0.3
    spent = manifest.privacy
    assert spent is not None
    accountant = RDPAccountant()
    for _ in range(STEPS):
        accountant.step(noise_multiplier=spent.noise_multiplier, sample_rate=64 / manifest.data.train_examples)
    assert spent.epsilon == pytest.approx(accountant.get_epsilon(delta=DELTA))
    assert 0.95 * EPSILON < spent.epsilon <= EPSILON
    assert (spent.delta, spent.clip_norm) == (DELTA, 0.5)
    assert json.loads(finished.read("report.json"))["privacy"] == spent.model_dump()
    assert f"differential privacy: epsilon at most {EPSILON:g} for delta {DELTA:g}, noise multiplier" in finished.output
    assert f"{STEPS} steps have spent epsilon {spent.epsilon:.4g} for delta {DELTA:g}" in finished.output


def test_what_was_measured_without_noise_is_not_told_in_clear_text(finished: FinishedRun) -> None:
    assert "final_training_loss" not in finished.manifest.metrics


def test_the_published_model_has_the_names_of_an_ordinary_one(finished: FinishedRun) -> None:
    model = finished.read("model.onnx")
    assert b"classify.weight" in model
    assert b"_module" not in model


def test_steps_that_were_lost_are_made_again_as_they_were(finished: FinishedRun) -> None:
    before = {name: finished.read(name) for name in ("model.onnx", "report.json")}
    job = finished.job
    for uri, lost in ((job.specification.checkpoints_uri, r"step-0+4"), (job.specification.models_uri, "")):
        store = ObjectStore(uri)
        for name in [name for name in store.list() if re.match(lost, name)]:
            store.delete(name)
    assert job.checkpoints == [20]
    again = run_to_the_end(job)
    assert "resumed from the checkpoint of step 20" in again.output
    assert again.read("model.onnx") == before["model.onnx"]
    losses, spent = (
        [json.loads(report)[name] for report in (before["report.json"], again.read("report.json"))]
        for name in ("training_loss", "privacy")
    )
    assert losses[0] == losses[1]
    assert spent[0] == spent[1]


def test_two_runs_of_one_job_share_no_secret() -> None:
    first, second = (SecretRandom(SecretRandom.new_secret()).generator("noise", 0).random(4) for _ in range(2))
    assert not np.any(first == second)


def test_each_purpose_step_and_shard_has_random_numbers_of_its_own() -> None:
    random = SecretRandom(SECRET)
    ways = [
        ("sample", 1, 1),
        ("sample", 1, 2),
        ("sample", 2, 1),
        ("augmentation", 1, 1),
        ("noise", 1, 1),
        ("noise", 11),
    ]
    drawn = [tuple(random.generator(*way).random(4)) for way in ways]  # type: ignore[arg-type]
    assert len({number for numbers in drawn for number in numbers}) == 4 * len(ways)
    assert tuple(SecretRandom(SECRET).generator("sample", 2, 1).random(4)) == drawn[2]


def test_the_secret_is_in_no_text(finished: FinishedRun) -> None:
    state = RunState(step=0, made_of={}, log=(), seconds=0, privacy_secret=SECRET)
    assert SECRET not in f"{state!r} {state} {SecretRandom(SECRET)!r}"
    assert json.loads(state.model_dump_json())["privacy_secret"] == SECRET
    assert not re.search(r"[0-9a-f]{64}", finished.output)


def budget(noise_multiplier: float, clip_norm: float = 1.0) -> Budget:
    return Budget(EPSILON, DELTA, clip_norm, sample_rate=0.1, noise_multiplier=noise_multiplier)


def private_change(workers: Workers, inputs: torch.Tensor, labels: torch.Tensor, planned: Budget) -> torch.Tensor:
    """What one step with a rate of 1, on this worker's share of the examples, adds to a model's flat weights."""
    from trainyard_training.privacy.steps import PrivateSteps

    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10))
    before = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    steps = PrivateSteps(
        model,
        torch.optim.SGD(model.parameters(), lr=1.0),
        workers,
        budget=planned,
        random=SecretRandom(SECRET),
        batch_size=8,
    )
    mine = slice(workers.rank, None, workers.count)
    losses = losses_of(model, inputs[mine], labels[mine]) if len(inputs[mine]) else None
    steps.step(losses, 5)
    return nn.utils.parameters_to_vector(model.parameters()).detach() - before


def losses_of(model: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(model(inputs), labels, reduction="none")


def examples(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(9)
    # Some with gradients far above the norm, some far below it.
    sizes = torch.logspace(-2, 2, max(count, 1))[:count].reshape(-1, 1, 1, 1)
    return torch.randn((count, 1, 6, 6), generator=random) * sizes, torch.arange(count) % 10


@pytest.fixture
def alone() -> Iterator[Workers]:
    with join_workers() as workers:
        yield workers


@pytest.mark.parametrize("clip_norm", [0.1, 3.0])
def test_each_examples_gradient_is_clipped_by_itself(alone: Workers, clip_norm: float) -> None:
    inputs, labels = examples(7)
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10))
    total = torch.zeros(sum(parameter.numel() for parameter in model.parameters()))
    norms = []
    for number in range(len(inputs)):
        (loss,) = losses_of(model, inputs[number : number + 1], labels[number : number + 1])
        gradient = torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(model.parameters()))])
        norms.append(float(gradient.norm()))
        total += gradient * min(1.0, clip_norm / norms[-1])
    assert max(norms) > clip_norm
    change = private_change(alone, inputs, labels, budget(0.0, clip_norm))
    torch.testing.assert_close(change, -total / 8, rtol=1e-3, atol=1e-6)
    assert float(change.norm()) <= 7 * clip_norm / 8


def test_the_noise_has_the_strength_that_was_accounted_for(alone: Workers) -> None:
    nobody = examples(0)
    noise = private_change(alone, *nobody, budget(2.0, 0.5)) * 8
    assert float(noise.std()) == pytest.approx(2.0 * 0.5, rel=0.15)
    assert abs(float(noise.mean())) < 5 / math.sqrt(len(noise))
    assert torch.equal(noise, private_change(alone, *nobody, budget(2.0, 0.5)) * 8)


def test_the_step_is_the_same_on_two_workers_and_noised_once(alone: Workers, tmp_path: Path) -> None:
    # Of one example the second worker has none, and takes part all the same.
    batches = [(*examples(7), budget(2.0)), (*examples(1), budget(0.5))]
    expected = [private_change(alone, *batch).tolist() for batch in batches]
    for changes in run_group(tmp_path, 2, private_changes, batches):
        np.testing.assert_allclose(changes, expected, rtol=1e-4, atol=1e-5)


def private_changes(workers: Workers, batches: list[Any]) -> list[list[float]]:
    """Results cross processes as plain numbers."""
    return [private_change(workers, *batch).tolist() for batch in batches]


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 60), min_size=4, max_size=8).map(lambda sizes: sizes[: len(sizes) // 4 * 4]),
    rate=st.floats(0, 1),
    step=st.integers(0, 10**6),
    secret=st.binary(min_size=32, max_size=32),
)
def test_a_sample_is_the_same_however_it_is_shared(sizes: list[int], rate: float, step: int, secret: bytes) -> None:
    found = []
    for streams in (1, 2, 4):
        sampling = PoissonSampling(sizes, streams, rate, SecretRandom(secret.hex()))
        pieces = [piece for stream in range(streams) for piece in sampling.pieces(stream, step)]
        assert sorted(shard for shard, _ in pieces) == list(range(len(sizes)))
        for shard, positions in pieces:
            assert len(set(positions.tolist())) == len(positions)
            assert all(0 <= position < sizes[shard] for position in positions)
        found.append({shard: positions.tolist() for shard, positions in pieces})
    assert found[0] == found[1] == found[2]


@settings(max_examples=10, deadline=None)
@given(rate=st.floats(0.01, 0.99), secret=st.binary(min_size=32, max_size=32))
def test_every_example_is_taken_at_the_rate_by_itself(rate: float, secret: bytes) -> None:
    steps, size = 300, 40
    sampling = PoissonSampling([size, size], 1, rate, SecretRandom(secret.hex()))
    taken = np.zeros((steps, 2 * size))
    for step in range(steps):
        for shard, positions in sampling.pieces(0, step):
            taken[step, shard * size + positions] = 1
    spread = math.sqrt(rate * (1 - rate))
    assert abs(taken.mean() - rate) < 6 * spread / math.sqrt(taken.size)
    assert np.all(abs(taken.mean(axis=0) - rate) < 6 * spread / math.sqrt(steps) + 1 / steps)
    # Sizes of batches vary as those of independent draws do, from batch to batch and by as much.
    assert taken.sum(axis=1).std() == pytest.approx(spread * math.sqrt(2 * size), rel=0.3)


def test_the_loader_gives_what_was_drawn_on_any_number_of_workers(
    dataset_objects: dict[str, bytes], tmp_path: Path
) -> None:
    uri = f"file://{tmp_path}/digits"
    write_missing(ObjectStore(uri), dataset_objects.items())
    changes = {"datasets_uri": uri, "input": {"cache_mib": 0, "augmentation": "none", "streams": 4}}
    job = TrainingSpecification.model_validate(VALID | changes)

    def drawn(workers: int, rate: float, step: int) -> list[list[bytes]]:
        found = []
        for rank in range(workers):
            dataset = open_dataset(job, rank, workers)
            batches = Batches(dataset, job)
            batches.take_by(PoissonSampling(dataset.train_sizes, dataset.streams, rate, SecretRandom(SECRET)))
            batch = batches.at(step)
            assert batch.inputs.shape == (len(batch.labels), 1, 8, 8)
            found.append([image.numpy().tobytes() for image in batch.inputs])
        return found

    for rate in (0.04, 1.0):
        one, two, four = (sorted(itertools.chain(*drawn(workers, rate, 3))) for workers in (1, 2, 4))
        assert one == two == four
    assert len(one) == open_dataset(job, 0, 1).train_examples
    assert drawn(1, 0.0, 0) == [[]]


def test_what_of_model_and_budget_breaks_the_guarantee_is_told_all_at_once() -> None:
    job = TrainingSpecification.model_validate(VALID | {"privacy": PRIVACY | {"delta": 0.01}})
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.BatchNorm1d(4, affine=False), nn.Linear(4, 2))
    with pytest.raises(SpecificationError) as refusal:
        prepare_privacy(job, Workers(0, 1, torch.device("cpu")), model, 1000, 50)
    expected = [
        r"model\.name: 'digits' .* its part '1' \(BatchNorm1d\) normalises",
        r"model\.name: 'digits' .* its part '2' \(BatchNorm1d\) normalises",
        r"privacy\.delta: 0\.01 must be less than 1 / 1000 training examples, which is 0\.001",
    ]
    lines = str(refusal.value).splitlines()
    assert len(lines) == len(expected)
    for pattern, line in zip(expected, lines, strict=True):
        assert re.match(pattern, line), line


def test_a_budget_that_no_noise_keeps_is_refused_with_the_least_that_can_be() -> None:
    def plan(target: float) -> Budget:
        return plan_budget(Privacy(target_epsilon=target, delta=1e-5), batch_size=64, train_examples=1437, steps=STEPS)

    with pytest.raises(SpecificationError, match=r"target_epsilon: 0.05 cannot be kept .* more than 0\.103") as refusal:
        plan(0.05)
    least = float(str(refusal.value).rsplit(" ", 1)[1])
    found = plan(least + 0.01)
    assert found.spent_epsilon(STEPS) <= least + 0.01
    assert found.spent_epsilon(0) == 0


def test_an_impossible_budget_ends_the_run_before_anything_is_stored(
    object_cloud: ObjectCloud,
    dataset_objects: dict[str, bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = make_job(object_cloud, dataset_objects, tmp_path, privacy=PRIVACY | {"delta": 0.5})
    assert job.run_here() is ExitStatus.BAD_SPECIFICATION
    assert "error: privacy.delta: 0.5 must be less than 1 / 1438 training examples" in capsys.readouterr().err
    assert job.checkpoints == []
    assert job.published == ()
