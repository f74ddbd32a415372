"""Pruning: which weights and channels go, and that what is left is a smaller model."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.workloads.training.finishing.conftest import Trained
from tests.workloads.training.finishing.nets import Convolutions, Templates
from trainyard_training.finishing import pruning
from trainyard_training.finishing.export import export_onnx, require_equal, run_onnx, run_torch
from trainyard_training.finishing.failures import VariantError
from trainyard_training.finishing.tuning import tune_on

pytestmark = pytest.mark.xdist_group("finishing")
NETS = ("convolutions", "residual", "rows")


def weights_of(model: nn.Module) -> torch.Tensor:
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    return torch.cat([layer.weight.detach().flatten() for layer in layers])


def accuracy(each: Trained, model: nn.Module) -> float:
    return float(np.mean(run_torch(model, each.test.inputs).argmax(axis=1) == each.test.labels))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", NETS)
def test_the_smallest_weights_of_the_whole_network_go(trained: dict[str, Trained], name: str, share: float) -> None:
    model = trained[name].model
    before = {key: value.clone() for key, value in model.state_dict().items()}
    pruned = pruning.prune_weights(model, share)
    was, now = weights_of(model), weights_of(pruned)
    gone = now == 0
    assert pruning.zero_share(pruned) == pytest.approx(share, abs=1 / len(was))
    assert was[gone].abs().max() <= was[~gone].abs().min()
    assert torch.equal(was[~gone], now[~gone])
    assert pruned.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.75])
@pytest.mark.parametrize("name", NETS)
def test_without_channels_the_model_is_smaller_and_exported_right(
    trained: dict[str, Trained], name: str, share: float
) -> None:
    each = trained[name]
    before = {key: value.clone() for key, value in each.model.state_dict().items()}
    pruned = pruning.prune_channels(each.model, each.input_shape, share)
    exported, inputs = export_onnx(pruned, each.input_shape), each.test.inputs[:50]
    require_equal(run_onnx(exported, inputs), run_torch(pruned, inputs))
    assert run_torch(pruned, inputs).shape == (50, len(each.labels))
    assert len(exported) < len(export_onnx(each.model, each.input_shape))
    left = len(weights_of(pruned)) / len(weights_of(each.model))
    # A channel less is a row less here and a column less there.
    assert left < 1 - 0.4 * share
    assert all(torch.equal(value, before[key]) for key, value in each.model.state_dict().items())


def test_channels_that_do_nothing_are_the_first_to_go() -> None:
    torch.manual_seed(2)
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    idle = [1, 4, 6, 7]
    with torch.no_grad():
        model[0].weight[idle] = 0
        model[0].bias[idle] = 0
        model[3].weight.reshape(10, 8, 36)[:, idle] = 0
    images = np.random.default_rng(0).integers(0, 17, (20, 1, 8, 8)).astype(np.uint8)
    pruned = pruning.prune_channels(model, (1, 8, 8), 0.5)
    assert pruned[0].weight.shape == (4, 1, 3, 3)
    assert run_torch(pruned, images) == pytest.approx(run_torch(model, images), abs=1e-4)


def test_a_short_training_makes_up_for_the_loss_and_leaves_zeros_alone(trained: dict[str, Trained]) -> None:
    each = trained["convolutions"]
    tune = tune_on(each.train, steps=60, learning_rate=0.005)
    bare = pruning.prune_channels(each.model, each.input_shape, 0.6)
    tuned = pruning.prune_channels(each.model, each.input_shape, 0.6, tune)
    assert accuracy(each, tuned) > max(accuracy(each, bare) + 0.1, 0.85)
    sparse = pruning.prune_weights(each.model, 0.9, tune)
    assert pruning.zero_share(sparse) == pytest.approx(0.9, abs=0.001)
    assert accuracy(each, sparse) > accuracy(each, pruning.prune_weights(each.model, 0.9))


@pytest.mark.parametrize(
    ("model", "share", "said"),
    [
        (Templates(), 0.5, "no convolution and no linear layer"),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), 0.5, "a share of 0.5 takes no channel away"),
        (Convolutions(), 0.99, "a share of 0.99 takes no channel away"),
    ],
)
def test_a_model_without_channels_to_spare_is_refused(model: nn.Module, share: float, said: str) -> None:
    with pytest.raises(VariantError, match=said):
        pruning.prune_channels(model, (1, 8, 8), share)
