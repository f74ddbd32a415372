"""Pictures: the same numbers are the same bytes, and other numbers are other pictures."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from trainyard_training.finishing import pictures

_RANDOM = np.random.default_rng(0)
_IMAGES = _RANDOM.integers(0, 256, (3, 3, 6, 9)).astype(np.uint8)
_SALIENT = _RANDOM.normal(size=_IMAGES.shape).astype(np.float32)
_HISTORY = [{"step": 25, "loss": 2.0}, {"step": 50, "loss": 1.0, "test_accuracy": 0.5}]
_NAMES = ("a", r"$\frac$", "c $")


def pixels(png: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG"
    return np.asarray(picture.convert("RGB"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("draw", "draw_other"),
    [
        (
            lambda: pictures.draw_confusions([[3, 0, 1], [0, 2, 0], [0, 0, 0]], _NAMES),
            lambda: pictures.draw_confusions([[3, 1, 0], [0, 2, 0], [0, 0, 0]], _NAMES),
        ),
        (lambda: pictures.draw_training(_HISTORY), lambda: pictures.draw_training([{"step": 25, "loss": 2.0}])),
        (
            lambda: pictures.draw_saliency(_IMAGES, _SALIENT, _NAMES, _NAMES),
            lambda: pictures.draw_saliency(_IMAGES, -_SALIENT, _NAMES, _NAMES),
        ),
        (
            lambda: pictures.draw_importance(_SALIENT.reshape(3, -1)),
            lambda: pictures.draw_importance(_SALIENT.reshape(3, -1)[:, :30]),
        ),
    ],
    ids=["confusions", "training", "saliency", "importance"],
)
def test_pictures_tell_their_numbers_and_nothing_else(
    draw: Callable[[], bytes], draw_other: Callable[[], bytes]
) -> None:
    drawn = draw()
    assert drawn == draw()
    assert b"matplotlib" not in drawn
    ours, other = pixels(drawn), pixels(draw_other())
    assert ours.min() < 128 < ours.max()
    assert ours.shape != other.shape or (ours != other).any()


def test_many_labels_have_no_numbers_and_a_picture_of_bounded_size() -> None:
    confusions = np.eye(100, dtype=int).tolist()
    drawn = pixels(pictures.draw_confusions(confusions, [f"label {position}" for position in range(100)]))
    assert drawn.shape == (1200, 1200, 3)


def test_what_speaks_for_the_answer_is_red_and_what_speaks_against_it_is_blue() -> None:
    image = np.zeros((1, 1, 2, 2), np.uint8)
    salient = np.array([[[[1.0, 0.0], [0.0, -1.0]]]], np.float32)
    drawn = pixels(pictures.draw_saliency(image, salient, ["a"], ["a"])).reshape(-1, 3).astype(int)
    pure = {tuple(colour) for colour in drawn}
    assert {(255, 0, 0), (0, 0, 255), (0, 0, 0)} <= pure
    left = [index for index, colour in enumerate(map(tuple, drawn)) if colour == (255, 0, 0)]
    right = [index for index, colour in enumerate(map(tuple, drawn)) if colour == (0, 0, 255)]
    assert left[0] < right[0]  # Above it, as in the image.
