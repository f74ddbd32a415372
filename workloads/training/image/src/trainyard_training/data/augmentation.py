"""Changes to images on their way to the model. All take and give uint8 images (count, channels, height, width)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Augmentation = Callable[[Images, np.random.Generator], Images]

_PADDING = 4


def nothing(images: Images, _random: np.random.Generator) -> Images:
    """The images as they are."""
    return images


def shift(images: Images, random: np.random.Generator) -> Images:
    """Move half of the images by -1, 0 or 1 pixel in both directions; what comes in from outside is 0."""
    count, channels, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    moves = random.integers(-1, 2, size=(2, count, 1)) * random.integers(0, 2, size=(count, 1))
    places: list[list[int]] = (1 + moves[..., 0]).T.tolist()
    shifted = np.empty((count, channels, height, width), np.uint8)
    for number, (row, column) in enumerate(places):
        shifted[number] = padded[number, :, row : row + height, column : column + width]
    return shifted


def crop_flip(images: Images, random: np.random.Generator) -> Images:
    """A random crop of each image padded by 4 pixels of 0, half of them mirrored: He et al., arXiv:1512.03385, 4.2."""
    count, channels, height, width = images.shape
    padding = (_PADDING, _PADDING)
    padded = np.pad(images, ((0, 0), (0, 0), padding, padding))
    mirrored = padded[..., ::-1]
    corners: list[list[int]] = random.integers(0, 2 * _PADDING + 1, size=(count, 2)).tolist()
    flips: list[int] = list(map(int, random.integers(0, 2, size=(count,)).tolist()))
    cropped = np.empty((count, channels, height, width), np.uint8)
    # A copy of each image is several times faster than NumPy's indexing by arrays of rows and columns.
    for number, ((row, column), flip) in enumerate(zip(corners, flips, strict=True)):
        from_ = mirrored if flip else padded
        cropped[number] = from_[number, :, row : row + height, column : column + width]
    return cropped


AUGMENTATIONS: dict[str, Augmentation] = {"none": nothing, "shift": shift, "crop_flip": crop_flip}
"""By their name in the specification."""
