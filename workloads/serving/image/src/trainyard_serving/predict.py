"""The client: sends images to the service over KServe v2 and says what it takes them for.

Uses ``tritonclient`` and asks the server itself for the model's inputs, outputs and largest batch.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

Protocol = Literal["http", "grpc"]

TEST_EXAMPLES_FILE = "test_examples.npz"
_TIMEOUT_SECONDS = 30.0


class PredictionError(Exception):
    """The service could not be asked, or its answer cannot be used. The message names its address."""


@dataclass(frozen=True)
class LabelledImages:
    """Images with what they show."""

    images: NDArray[np.uint8] | NDArray[np.float32]
    """As the data set has them: uint8 images (count, channels, height, width), or float32 rows (count, features)."""
    labels: NDArray[np.int64]
    """Positions in the model's list of labels."""

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the artifact ``test_examples.npz``.

        Raises:
            PredictionError: it is something else.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                images, labels = arrays["inputs"], arrays["labels"].astype(np.int64)
        except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise PredictionError(f"{TEST_EXAMPLES_FILE} does not hold inputs and labels: {error}") from None
        fits = (str(images.dtype), images.ndim) in (("uint8", 4), ("float32", 2))
        if not fits or labels.shape != images.shape[:1]:
            raise PredictionError(
                f"{TEST_EXAMPLES_FILE} has {images.dtype} inputs of shape {images.shape} and labels of shape"
                f" {labels.shape}; expected uint8 of (count, channels, height, width) or float32 of (count, features),"
                " and (count,)"
            )
        return cls(images, labels)


@dataclass(frozen=True)
class Prediction:
    """What the model takes one image for."""

    label: str
    confidence: float
    """Between 0 and 1: the softmax of the model's logits."""
    expected: str
    """What the image shows."""

    @property
    def correct(self) -> bool:
        """Whether the model is right."""
        return self.label == self.expected


def accuracy(predictions: Sequence[Prediction]) -> float:
    """The share of predictions that are correct, between 0 and 1; 0 for none."""
    return sum(each.correct for each in predictions) / len(predictions) if predictions else 0.0


def predict(
    address: str,
    model_name: str,
    images: LabelledImages,
    labels: Sequence[str],
    *,
    protocol: Protocol = "http",
    timeout_seconds: float = _TIMEOUT_SECONDS,
) -> list[Prediction]:
    """Ask the service about each image, as many to a request as it takes.

    Args:
        address: ``HOST:PORT`` of the protocol.
        model_name: what the service calls the model.
        images: at least one.
        labels: the manifest's list of labels.
        protocol: which of KServe v2's two.
        timeout_seconds: for each request.

    Raises:
        PredictionError: the service does not answer, knows no such model, refuses the images, or has another number of
            outputs than there are labels; there is no image, or one of a label that the model does not have.
    """
    if protocol == "http":
        import tritonclient.http as triton_client
    else:
        import tritonclient.grpc as triton_client
    from tritonclient.utils import InferenceServerException

    where = f"{model_name} at {address} ({protocol})"
    if not len(images.images):
        raise PredictionError(f"{where}: there are no images to ask about")
    lowest, highest = images.labels.min(), images.labels.max()
    if lowest < 0 or highest >= len(labels):
        raise PredictionError(
            f"{where}: images are labelled {lowest} to {highest}, and the model has {len(labels)} labels"
        )
    try:
        with _connect(triton_client, address, protocol, timeout_seconds) as client:
            logits = _infer(triton_client, client, model_name, images.images, protocol, timeout_seconds)
    except InferenceServerException as error:
        raise PredictionError(f"{where}: {' '.join(error.message().split())}") from None
    except (OSError, ValueError) as error:
        raise PredictionError(f"{where}: {error}") from None
    if logits.shape != (len(images.images), len(labels)):
        raise PredictionError(f"{where}: answers of shape {logits.shape} for {len(labels)} labels")
    confidences = _softmax(logits)
    best = confidences.argmax(axis=1)
    return [
        Prediction(labels[found], float(confidences[row, found]), labels[expected])
        for row, (found, expected) in enumerate(zip(best, images.labels, strict=True))
    ]


def _connect(triton_client: Any, address: str, protocol: Protocol, timeout_seconds: float) -> Any:
    if protocol == "grpc":
        return triton_client.InferenceServerClient(address)
    return triton_client.InferenceServerClient(
        address, connection_timeout=timeout_seconds, network_timeout=timeout_seconds
    )


def _infer(
    triton_client: Any, client: Any, model_name: str, images: NDArray[Any], protocol: Protocol, timeout: float
) -> NDArray[np.float64]:
    # Over HTTP the connection has the limit, over gRPC each call.
    limit = {"client_timeout": timeout} if protocol == "grpc" else {}
    as_document = {"as_json": True} if protocol == "grpc" else {}
    metadata = client.get_model_metadata(model_name, **as_document, **limit)
    configuration = client.get_model_config(model_name, **as_document, **limit)
    largest = int(configuration.get("config", configuration)["max_batch_size"])
    tensor, (output, *_) = metadata["inputs"][0], metadata["outputs"]
    # Over gRPC, numbers of 64 bits come as text.
    shape = [int(size) for size in tensor["shape"][1:]]
    if images[0].size != math.prod(shape):
        found = " x ".join(map(str, images.shape[1:]))
        raise ValueError(f"the images are {found}, the model takes {' x '.join(map(str, shape))}")
    arranged = images.astype(_numpy_type(tensor["datatype"])).reshape(len(images), *shape)
    answers = []
    for start in range(0, len(arranged), largest):
        batch = arranged[start : start + largest]
        request = triton_client.InferInput(tensor["name"], batch.shape, tensor["datatype"])
        request.set_data_from_numpy(batch)
        answer = client.infer(
            model_name, [request], outputs=[triton_client.InferRequestedOutput(output["name"])], **limit
        )
        answers.append(answer.as_numpy(output["name"]).astype(np.float64))
    return np.concatenate(answers)


def _numpy_type(triton_type: str) -> Any:
    from tritonclient.utils import triton_to_np_dtype

    return triton_to_np_dtype(triton_type)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares
