"""How this subpackage goes through a set of examples without holding it twice."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

BATCH = 512
"""Examples that are turned into float32 and computed at a time."""


def batches_of(inputs: NDArray[Any], size: int = BATCH) -> Iterator[NDArray[np.float32]]:
    """The inputs as a model takes them: float32, at most ``size`` at a time, in their order."""
    for start in range(0, len(inputs), size):
        yield np.ascontiguousarray(inputs[start : start + size], dtype=np.float32)
