"""An image file, as anybody may send it, to the tensor that a model takes.

What was sent is not trusted: three formats are read, by Pillow's own decoders, and what is too long, or would be too
large in memory, is refused before it is decoded.
"""

import functools
import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Each of the formats by its own module: Pillow would load those of all the others to look for one that it lacks.
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

FORMATS = (
    JpegImagePlugin.JpegImageFile.format,
    PngImagePlugin.PngImageFile.format,
    WebPImagePlugin.WebPImageFile.format,
)
LARGEST_BYTES = 10 * 2**20
"""Of one file."""
LARGEST_PIXELS = 25_000_000
"""Width times height: 100 MB in memory, and up to five times as much while colours are converted."""

_LEVELS = 256
_BITS_BELOW = 8
"""Of 16-bit grey, the lower half of each value."""
_SHOWN_CHARACTERS = 120


class ImageRefusedError(ValueError):
    """What was sent is not an image that is taken; the message says why."""


@dataclass(frozen=True)
class ImageForm:
    """The images that a model takes."""

    channels: int
    """1, grey, or 3: red, green and blue."""
    height: int
    width: int
    """In pixels."""
    dtype: str
    """NumPy's name of the type."""
    largest_value: int
    """Values are whole numbers from 0, black, to this."""


def read_image(data: bytes, form: ImageForm) -> NDArray[Any]:
    """The tensor (channels, height, width) of an image file.

    It is turned as its EXIF orientation says, what is transparent lies on black, and colours become grey by ITU-R
    BT.601 where the model has one channel. Another size is scaled to the model's, whatever the ratio of its sides, by a
    bilinear filter that covers all of the source (Pillow's ``BILINEAR``). Levels 0 to 255 become the nearest whole
    number between 0 and ``largest_value``. Of several frames it is the first.

    Raises:
        ImageRefusedError: empty, too long, too many pixels, none of the formats, or damaged.
    """
    # Pillow warns of odd metadata, which would fill the server's log with what strangers send.
    with warnings.catch_warnings(action="ignore"):
        return _read(data, form)


def _read(data: bytes, form: ImageForm) -> NDArray[Any]:
    image = _opened(data)
    try:
        image.load()
        upright = _upright(_eight_bits(image))
        pixels = np.asarray(
            _in_colours(upright, form.channels).resize((form.width, form.height), Image.Resampling.BILINEAR)
        )
    except Exception as error:  # Damaged files raise errors of all kinds, which have no common class.
        raise ImageRefusedError(f"the {image.format} file is damaged: {_shown(error)}") from None
    return np.ascontiguousarray(
        _values(form)[pixels.reshape(form.height, form.width, form.channels).transpose(2, 0, 1)]
    )


@functools.lru_cache
def _values(form: ImageForm) -> NDArray[Any]:
    """The value of each level."""
    return np.rint(np.arange(_LEVELS) * (form.largest_value / (_LEVELS - 1))).astype(form.dtype)


def _opened(data: bytes) -> Image.Image:
    if not data:
        raise ImageRefusedError("it is empty; expected the bytes of a JPEG, PNG or WebP file")
    if len(data) > LARGEST_BYTES:
        raise ImageRefusedError(f"it has {len(data)} bytes; at most {LARGEST_BYTES} are taken")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageRefusedError(f"it has too many pixels; at most {LARGEST_PIXELS} are taken") from None
    except Exception:  # UnidentifiedImageError, and what damaged headers raise.
        raise ImageRefusedError("it is no JPEG, PNG or WebP file") from None
    if image.width * image.height > LARGEST_PIXELS:
        raise ImageRefusedError(f"it has {image.width} x {image.height} pixels; at most {LARGEST_PIXELS} are taken")
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    # Pillow itself would cut off what is above 255, and not what is below 256.
    if not image.mode.startswith("I"):
        return image
    grey = Image.fromarray((np.asarray(image).astype(np.uint32) >> _BITS_BELOW).clip(0, _LEVELS - 1).astype(np.uint8))
    grey.info = {name: value for name, value in image.info.items() if name == "exif"}
    return grey


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # Damaged metadata says nothing of the pixels.
        return image


def _in_colours(image: Image.Image, channels: int) -> Image.Image:
    if image.has_transparency_data:
        # Multiplied with its opacity, a colour is what is seen of it on black.
        image = Image.merge("RGB", image.convert("RGBA").convert("RGBa").split()[:3])
    return image.convert("L" if channels == 1 else "RGB")


def _shown(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:_SHOWN_CHARACTERS]
