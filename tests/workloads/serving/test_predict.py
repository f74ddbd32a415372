"""The client's own part: reading test images, and errors about a service that is not there."""

import io
import socket
from typing import Any

import numpy as np
import pytest

from tests.workloads.serving.service_process import LABELS, some_images
from trainyard_serving.predict import LabelledImages, Prediction, PredictionError, accuracy, predict


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_test_images_are_read_as_training_writes_them() -> None:
    images, labels = some_images(3), np.array([1, 2, 3], np.uint8)
    found = LabelledImages.decode(npz(inputs=images, labels=labels))
    np.testing.assert_array_equal(found.images, images)
    assert found.labels.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "does not hold inputs and labels"),
        (b"not an archive", "does not hold inputs and labels"),
        (some_images(3).tobytes(), "does not hold inputs and labels"),
        (npz(inputs=some_images(3)), "does not hold inputs and labels"),
        (npz(inputs=np.array([object()]), labels=np.zeros(1)), "does not hold inputs and labels"),
        (npz(inputs=some_images(3), labels=np.zeros(2)), r"labels of shape \(2,\); expected"),
        (npz(inputs=np.zeros((3, 8, 8)), labels=np.zeros(3)), "has float64 inputs"),
    ],
    ids=["empty", "text", "bytes", "no labels", "pickled", "too few labels", "other type"],
)
def test_other_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        LabelledImages.decode(data)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_service_that_is_not_there(protocol: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    images = LabelledImages(some_images(1), np.array([0]))
    with pytest.raises(PredictionError, match=rf"digits at {address} \({protocol}\): ") as refused:
        predict(address, "digits", images, LABELS, protocol=protocol, timeout_seconds=5)
    assert "\n" not in str(refused.value)


def test_accuracy_is_the_share_of_correct_predictions() -> None:
    right, wrong = Prediction("one", 0.9, "one"), Prediction("one", 0.9, "two")
    assert accuracy([right, wrong, right, right]) == 0.75
    assert accuracy([]) == 0.0


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (LabelledImages(some_images(0), np.zeros(0, np.int64)), "there are no images"),
        (LabelledImages(some_images(1), np.array([10])), "labelled 10 to 10, and the model has 10 labels"),
    ],
)
def test_images_that_cannot_be_asked_about(images: LabelledImages, message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        predict("127.0.0.1:1", "digits", images, LABELS)
