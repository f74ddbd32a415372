"""What this subpackage asks of a set of examples, and how it goes through one without holding it twice."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

BATCH = 512
"""Examples that are turned into float32 and computed at a time."""


class Examples(Protocol):
    """Raw examples with their labels."""

    @property
    def inputs(self) -> NDArray[Any]:
        """uint8 or float32 of shape (count, *input_shape)."""

    @property
    def labels(self) -> NDArray[Any]:
        """Whole numbers of shape (count,): positions in the list of labels."""


def batches_of(inputs: NDArray[Any], size: int = BATCH) -> Iterator[NDArray[np.float32]]:
    """The inputs as a model takes them: float32, at most ``size`` at a time, in their order."""
    for start in range(0, len(inputs), size):
        yield np.ascontiguousarray(inputs[start : start + size], dtype=np.float32)
