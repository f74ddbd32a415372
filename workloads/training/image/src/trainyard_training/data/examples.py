"""Examples with their labels, and how they are stored."""

import io
import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Inputs = NDArray[np.uint8] | NDArray[np.float32]


class DataError(Exception):
    """Stored data is not what it should be, or not fit for this run. The message names the object."""


@dataclass(frozen=True)
class Examples:
    """Examples with their labels, in the order in which they are stored."""

    inputs: Inputs
    """uint8 images of shape (count, channels, height, width), or float32 features of shape (count, features)."""
    labels: NDArray[np.uint8]
    """Shape (count,); positions in the index's ``labels``."""

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, positions: NDArray[np.intp]) -> "Examples":
        """Those at the positions, in that order."""
        return Examples(inputs=self.inputs[positions], labels=self.labels[positions])


def encode_examples(examples: Examples) -> bytes:
    """As an uncompressed .npz; equal examples are equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, inputs=examples.inputs, labels=examples.labels)
    return buffer.getvalue()


def decode_examples(data: bytes, what: str) -> Examples:
    """Read an .npz; ``what`` names it in errors.

    Raises:
        DataError: it holds anything but images or features with as many uint8 labels.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            inputs, labels = arrays["inputs"], arrays["labels"]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{what} is not a shard of examples: {error}") from None
    kind = (inputs.dtype, inputs.ndim)
    fits = kind in ((np.dtype(np.uint8), 4), (np.dtype(np.float32), 2))
    if not fits or labels.dtype != np.uint8 or labels.shape != inputs.shape[:1]:
        raise DataError(f"{what} holds inputs {inputs.dtype}{inputs.shape} and labels {labels.dtype}{labels.shape}")
    return Examples(inputs=inputs, labels=labels)


def concatenated(parts: list[Examples]) -> Examples:
    """All parts as one."""
    return Examples(
        inputs=np.concatenate([part.inputs for part in parts]), labels=np.concatenate([part.labels for part in parts])
    )
