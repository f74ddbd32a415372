"""Taking away what a trained network needs least, one weight at a time or one channel at a time."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from trainyard_training.finishing.failures import VariantError

Tune = Callable[[nn.Module], None]
"""Trains a model that has lost something a little more, in place."""

_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


def prune_weights(model: nn.Module, share: float, tune: Tune | None = None) -> nn.Module:
    """A copy in which the share of all convolutions' and linear layers' weights that is nearest to 0 is 0.

    Magnitude pruning over the whole network (Han et al., arXiv:1506.02626). The tensors keep their shapes: the file
    gets smaller only where it is compressed, and the model no faster where zeros are multiplied like other numbers.

    :param share: Between 0 and 1, of each of the layers' weights together; biases stay.

    Raises:
        VariantError: there is no such layer.
    """
    pruned = copy.deepcopy(model)
    layers = [(layer, "weight") for layer in _layers_of(pruned)]
    prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=share)
    if tune is not None:
        tune(pruned)  # Before the masks go, which keep the zeros.
    for layer, name in layers:
        prune.remove(layer, name)
    return pruned


def prune_channels(model: nn.Module, input_shape: tuple[int, ...], share: float, tune: Tune | None = None) -> nn.Module:
    """A copy without the share of every layer's channels or neurons whose weights have the smallest L2 norm.

    Layers that are coupled (by a shortcut, a normalisation, or because one reads what the other writes) lose the same
    channels (Fang et al., DepGraph, arXiv:2301.12900), so that the model is really smaller, and dense. The inputs and
    the last layer's outputs stay, and so does a layer that is so narrow that it would lose all.

    :param share: Between 0 and 1.

    Raises:
        VariantError: nothing can be taken away.
    """
    import torch_pruning

    pruned = copy.deepcopy(model).eval()
    _layers_of(pruned)
    example = torch.zeros(2, *input_shape)
    labels = pruned(example).shape
    pruner = torch_pruning.pruner.BasePruner(
        pruned,
        example,
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=share,
        ignored_layers=[_last_layer(pruned, example)],
    )
    pruner.step()
    if pruned(example).shape != labels or _count(pruned) >= _count(model):
        raise VariantError(
            f"a share of {share:g} takes no channel away: every layer would lose all of its own, or gives the model's"
            " outputs"
        )
    pruned.train(model.training)
    if tune is not None:
        tune(pruned)
    return pruned


def zero_share(model: nn.Module) -> float:
    """Share of the weights of convolutions and linear layers that are exactly 0; 0 without such layers."""
    weights = [layer.weight.detach() for layer in model.modules() if isinstance(layer, _LAYERS)]
    zeros = sum(int((weight == 0).sum()) for weight in weights)
    return zeros / max(1, sum(weight.numel() for weight in weights))


def _layers_of(model: nn.Module) -> list[nn.Module]:
    layers = [layer for layer in model.modules() if isinstance(layer, _LAYERS)]
    if not layers:
        raise VariantError("the model has no convolution and no linear layer to prune")
    return layers


def _last_layer(model: nn.Module, example: Tensor) -> nn.Module:
    """The convolution or linear layer that is computed last."""
    computed: list[nn.Module] = []
    hooks = [
        layer.register_forward_hook(lambda module, _inputs, _output: computed.append(module))
        for layer in _layers_of(model)
    ]
    try:
        model(example)
    finally:
        for hook in hooks:
            hook.remove()
    return computed[-1]


def _count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
