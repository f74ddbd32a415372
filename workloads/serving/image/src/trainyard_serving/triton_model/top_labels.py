"""A model's logits to the labels that it holds most likely, and how likely."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class NotFiniteError(ValueError):
    """The model has answered with something that is no number."""


def top_labels(logits: NDArray[Any], labels: Sequence[str], count: int) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """The ``count`` most likely labels of each example, most likely first; of equal ones, the first in the list.

    Args:
        logits: (examples, labels).
        labels: of each position.
        count: from 1 to as many as there are.

    Returns:
        Labels, UTF-8 bytes as objects, and confidences from 0 to 1, the softmax of the logits: both (examples, count).

    Raises:
        NotFiniteError: a logit is infinite or none.
    """
    values = logits.astype(np.float64)
    if not np.isfinite(values).all():
        raise NotFiniteError("the model's answer has values that are not finite")
    exponentials = np.exp(values - values.max(axis=1, keepdims=True))
    confidences = exponentials / exponentials.sum(axis=1, keepdims=True)
    order = np.argsort(-values, axis=1, kind="stable")[:, :count]
    names = np.array([label.encode() for label in labels], dtype=np.object_)
    return names[order], np.take_along_axis(confidences, order, axis=1).astype(np.float32)
