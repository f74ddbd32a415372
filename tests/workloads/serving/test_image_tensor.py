"""From an image file to the model's tensor: compared with NumPy and with Pillow used directly, and never a crash."""

import io
import random
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from trainyard_serving.triton_model.image_tensor import (
    LARGEST_BYTES,
    LARGEST_PIXELS,
    ImageForm,
    ImageRefusedError,
    read_image,
)

SMALL = ImageForm(channels=1, height=8, width=8, dtype="float32", largest_value=16)
ORIENTATION = 0x0112
LOSSLESS = st.sampled_from([("PNG", {}), ("WEBP", {"lossless": True, "exact": True})])
FORMS = st.builds(
    ImageForm,
    channels=st.sampled_from([1, 3]),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    dtype=st.sampled_from(["float16", "float32", "float64", "uint8", "int64"]),
    largest_value=st.sampled_from([1, 16, 255]),
)


def levels(*shape: int) -> Any:
    return arrays(np.uint8, shape)


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def scaled(pixels: NDArray[Any], form: ImageForm) -> NDArray[Any]:
    """Levels (height, width) or (height, width, channels) as the model's values (channels, height, width)."""
    values = np.rint(
        pixels.reshape(form.height, form.width, form.channels).astype(np.float64) * form.largest_value / 255
    )
    return np.moveaxis(values, -1, 0).astype(form.dtype)


@given(st.data(), FORMS, LOSSLESS)
@settings(max_examples=60)
def test_an_image_of_the_models_size_keeps_every_pixel(data: Any, form: ImageForm, kind: Any) -> None:
    colours = data.draw(levels(form.height, form.width, 3))
    if form.channels == 1:
        # ITU-R BT.601, in 16 bits behind the point as Pillow has it.
        weights = np.array([19595, 38470, 7471], dtype=np.uint32)
        expected = (colours.astype(np.uint32) @ weights + 0x8000) >> 16
    else:
        expected = colours
    tensor = read_image(file_of(Image.fromarray(colours), kind[0], **kind[1]), form)
    assert (tensor.dtype, tensor.flags["C_CONTIGUOUS"]) == (np.dtype(form.dtype), True)
    np.testing.assert_array_equal(tensor, scaled(expected, form))


@given(st.data(), FORMS, st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"]), st.integers(1, 60))
@settings(max_examples=100)
def test_an_image_of_any_size_and_mode_is_what_pillow_makes_of_it(
    data: Any, form: ImageForm, mode: str, size: int
) -> None:
    bands = {"LA": 2, "RGBA": 4, "CMYK": 4}.get(mode, 3)
    pixels = data.draw(levels(data.draw(st.integers(1, 60)), size, bands))
    made = Image.fromarray(pixels, mode if bands != 3 else "RGB")
    sent = file_of(made.convert(mode), "JPEG" if mode == "CMYK" else "PNG")
    seen = Image.open(io.BytesIO(sent))
    if "A" in mode:
        black = Image.new("RGBA", seen.size, (0, 0, 0, 255))
        seen = Image.alpha_composite(black, seen.convert("RGBA"))
    seen = seen.convert("L" if form.channels == 1 else "RGB")
    expected = scaled(np.asarray(seen.resize((form.width, form.height), Image.Resampling.BILINEAR)), form)
    difference = np.abs(read_image(sent, form).astype(np.float64) - expected.astype(np.float64))
    # Two ways to lay a colour on black differ in how they round it: by one level at the most, in each of two steps.
    assert difference.max() <= (2 if "A" in mode else 0)


@given(levels(3, 5, 3), st.integers(1, 8))
@settings(max_examples=30)
def test_an_image_is_turned_as_its_orientation_says(pixels: NDArray[np.uint8], orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    turned = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: np.rot90(pixels, -1),
        7: pixels[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(pixels),
    }[orientation]
    form = ImageForm(3, *turned.shape[:2], "uint8", 255)
    np.testing.assert_array_equal(read_image(file_of(Image.fromarray(pixels), exif=exif), form), scaled(turned, form))


@given(arrays(np.uint16, (8, 8)))
@settings(max_examples=30)
def test_16_bit_grey_keeps_the_upper_half_of_each_value(pixels: NDArray[np.uint16]) -> None:
    np.testing.assert_array_equal(read_image(file_of(Image.fromarray(pixels)), SMALL), scaled(pixels >> 8, SMALL))


@given(arrays(np.uint8, (8, 8), elements=st.integers(0, 16)))
@settings(max_examples=30)
def test_a_picture_of_an_example_gives_the_example_back(example: NDArray[np.uint8]) -> None:
    picture = Image.fromarray(np.rint(example.astype(np.float64) * 255 / 16).astype(np.uint8))
    np.testing.assert_array_equal(read_image(file_of(picture), SMALL), example[np.newaxis])


@pytest.mark.filterwarnings("error")
def test_broken_metadata_says_nothing_of_the_pixels() -> None:
    picture = Image.fromarray(np.full((8, 8), 255, np.uint8))
    sent = file_of(picture, "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    np.testing.assert_array_equal(read_image(sent, SMALL), np.full((1, 8, 8), 16))


def png_said_to_be(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header says that it is as large as that."""
    sent = bytearray(file_of(Image.new("L", (1, 1))))
    sent[16:24] = width.to_bytes(4) + height.to_bytes(4)
    sent[29:33] = zlib.crc32(sent[12:29]).to_bytes(4)
    return bytes(sent)


REFUSED = {
    "empty": (b"", "it is empty"),
    "text": (b"no image", "it is no JPEG, PNG or WebP file"),
    "gif": (file_of(Image.new("L", (8, 8)), "GIF"), "it is no JPEG, PNG or WebP file"),
    "bmp": (file_of(Image.new("RGB", (8, 8)), "BMP"), "it is no JPEG, PNG or WebP file"),
    "long": (bytes(LARGEST_BYTES + 1), f"it has {LARGEST_BYTES + 1} bytes; at most {LARGEST_BYTES} are taken"),
    "cut png": (file_of(Image.new("L", (99, 99)))[:-30], "the PNG file is damaged: "),
    "cut jpeg": (file_of(Image.new("L", (99, 99)), "JPEG")[:-30], "the JPEG file is damaged: "),
    "large": (png_said_to_be(5_000, 5_001), f"it has 5000 x 5001 pixels; at most {LARGEST_PIXELS} are taken"),
    "huge": (png_said_to_be(2**31 - 1, 2**31 - 1), f"it has too many pixels; at most {LARGEST_PIXELS} are taken"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_says_why(kind: str) -> None:
    sent, message = REFUSED[kind]
    with pytest.raises(ImageRefusedError) as caught:
        read_image(sent, SMALL)
    assert str(caught.value)[:200].startswith(message)


@given(st.sampled_from(["PNG", "JPEG", "WEBP"]), st.integers(0, 2**32), st.integers(1, 8))
@settings(max_examples=150)
def test_a_damaged_file_is_an_image_or_refused_and_nothing_else(kind: str, seed: int, changes: int) -> None:
    chosen = random.Random(seed)
    exif = Image.Exif()
    exif[ORIENTATION] = chosen.randint(1, 8)
    image = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8))
    sent = bytearray(file_of(image, kind, exif=exif))
    for _ in range(changes):
        sent[chosen.randrange(len(sent))] = chosen.randrange(256)
    try:
        tensor = read_image(bytes(sent[: chosen.choice([None, chosen.randrange(len(sent))])]), SMALL)
    except ImageRefusedError:
        return
    assert tensor.shape == (1, 8, 8)
    assert 0 <= tensor.min() <= tensor.max() <= 16
