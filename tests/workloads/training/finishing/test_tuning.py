"""A short training: it learns, the same every time, and leaves the model in the mode it was in."""

import copy

import pytest
import torch
from torch import nn

from tests.workloads.training.finishing.conftest import Trained
from tests.workloads.training.finishing.nets import Rows
from trainyard_training.finishing.evaluation import evaluate
from trainyard_training.finishing.export import run_torch
from trainyard_training.finishing.tuning import tune_on

pytestmark = pytest.mark.xdist_group("finishing")


@pytest.mark.parametrize("is_training", [True, False])
def test_it_learns_and_repeats_itself(trained: dict[str, Trained], is_training: bool) -> None:
    each = trained["rows"]
    torch.manual_seed(3)
    model: nn.Module = Rows().train(is_training)
    same = copy.deepcopy(model)
    tune = tune_on(each.sample, steps=30, learning_rate=0.01)
    before = evaluate(run_torch(model, each.test.inputs), each.test.labels, each.labels)
    tune(model)
    tune(same)
    after = evaluate(run_torch(model, each.test.inputs), each.test.labels, each.labels)
    assert after.loss < before.loss / 2
    assert model.training is is_training
    assert all(torch.equal(ours, other) for ours, other in zip(model.parameters(), same.parameters(), strict=True))
