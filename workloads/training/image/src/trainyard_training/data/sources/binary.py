"""A generator for the binary task: rows of numbers from one of two normal distributions.

Both have the identity as their covariance, and means at a distance of 4. The best that any classifier can do is then
an accuracy of Phi(4 / 2) = 0.977, by the linear one through the middle (Hastie, Tibshirani and Friedman, The Elements
of Statistical Learning, 4.3), so that a training's result can be judged.
"""

import numpy as np
from numpy.typing import NDArray

from trainyard_training.data.examples import Examples
from trainyard_training.data.sources.source import Source, by_label
from trainyard_training.dataset_specification import BinarySource

_DISTANCE = 4.0


def generate_binary(options: BinarySource, seed: int) -> Source:
    """Rows of both kinds, equally many; equal seeds give equal rows."""
    random = np.random.default_rng(seed)
    direction = random.standard_normal(options.features)
    direction *= _DISTANCE / 2 / np.linalg.norm(direction)
    train, test = (_draw(count, direction, random) for count in (options.train_examples, options.test_examples))
    return Source(
        description=f"2 normal distributions in {options.features} dimensions, means {_DISTANCE:g} apart; seed {seed}",
        train=train,
        test=test,
        labels=("no", "yes"),
        largest_value=None,
    )


def _draw(count: int, direction: NDArray[np.float64], random: np.random.Generator) -> Examples:
    labels = np.arange(count, dtype=np.uint8) % 2
    rows = random.standard_normal((count, len(direction)), dtype=np.float32)
    # Rows are many: nothing of their size is made beside them.
    rows[0::2] -= direction.astype(np.float32)
    rows[1::2] += direction.astype(np.float32)
    drawn = Examples(inputs=rows, labels=labels)
    return drawn.at(np.concatenate(by_label(labels, random)))
