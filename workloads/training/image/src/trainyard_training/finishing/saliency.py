"""What a model looks at: how much each pixel or feature of an example speaks for the label that it is given.

Integrated gradients (Sundararajan et al., arXiv:1703.01365) by Captum, from the black image or the row of zeros. It
draws nothing at random, where SmoothGrad averages over noise, so equal models give equal pictures; and what it gives
adds up to the difference between the two logits, so that it can be compared between examples.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

_STEPS = 32
_ROWS_AT_A_TIME = 256


def attributions(model: nn.Module, inputs: NDArray[Any], answers: NDArray[Any]) -> NDArray[np.float32]:
    """How much each input value moves the logit of the example's answer; shape (count, *input_shape), as the inputs.

    :param inputs: Raw inputs (count, *input_shape), at least one.
    :param answers: The label, by position, that is asked about for each; shape (count,).
    """
    from captum.attr import IntegratedGradients

    was_training = model.training
    model.eval()
    try:
        found = IntegratedGradients(model).attribute(
            torch.from_numpy(np.ascontiguousarray(inputs, dtype=np.float32)),
            target=torch.from_numpy(answers.astype(np.int64)),
            n_steps=_STEPS,
            internal_batch_size=_ROWS_AT_A_TIME,
        )
    finally:
        model.train(was_training)
    result: NDArray[np.float32] = found.detach().numpy().astype(np.float32)
    return result


def choose_examples(labels: NDArray[Any], answers: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Positions of examples that are worth a look, at most ``count``, in their order.

    Up to half of them are answered wrongly; the others are the first of each label in turn.
    """
    wrong = np.flatnonzero(labels != answers)[: count // 2]
    right = np.flatnonzero(labels == answers)
    # How many of the same label come before each: the first ones of all labels, then the second ones.
    turns = np.zeros(len(right), dtype=np.int64)
    for label in np.unique(labels[right]):
        same = labels[right] == label
        turns[same] = np.arange(same.sum())
    others = right[np.argsort(turns, kind="stable")][: count - len(wrong)]
    chosen: NDArray[np.int64] = np.sort(np.concatenate([wrong, others])).astype(np.int64)
    return chosen
