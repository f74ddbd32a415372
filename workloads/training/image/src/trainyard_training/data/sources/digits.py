"""scikit-learn's handwritten digits: 1,797 real 8 x 8 scans, which ship inside the package.

They are the test part of UCI's Optical Recognition of Handwritten Digits, https://doi.org/10.24432/C50P49.
"""

import numpy as np

from trainyard_training.data.examples import Examples
from trainyard_training.data.sources.source import Source, by_label

_TEST_SHARE = 0.2
_LARGEST_PIXEL = 16


def read_digits(seed: int) -> Source:
    """All digits; the seed decides which are the test split, which has each label in the same proportion."""
    # Imported here since it takes seconds and a bad specification should be told at once.
    from sklearn.datasets import load_digits as load

    digits = load()
    images = digits.images.astype(np.uint8)[:, np.newaxis]
    everything = Examples(inputs=images, labels=digits.target.astype(np.uint8))
    train, test = [], []
    for members in by_label(everything.labels, np.random.default_rng(seed)):
        held_out = round(len(members) * _TEST_SHARE)
        test.append(members[:held_out])
        train.append(members[held_out:])
    return Source(
        description="scikit-learn load_digits (UCI Optical Recognition of Handwritten Digits, test part)",
        train=everything.at(np.concatenate(train)),
        test=everything.at(np.concatenate(test)),
        labels=tuple("0123456789"),
        largest_value=_LARGEST_PIXEL,
    )
