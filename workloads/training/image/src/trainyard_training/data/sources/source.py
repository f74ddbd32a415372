"""What every source gives to the loader."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainyard_training.data.examples import Examples


@dataclass(frozen=True)
class Source:
    """A data set before it is cut into shards."""

    description: str
    """What the examples are and where they come from."""
    train: Examples
    test: Examples
    labels: tuple[str, ...]
    largest_value: int | None
    """Values are whole numbers from 0 to this; None: any number, of the order of 1."""


def by_label(labels: NDArray[np.uint8], random: np.random.Generator) -> list[NDArray[np.intp]]:
    """The positions of each label, shuffled."""
    return [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
