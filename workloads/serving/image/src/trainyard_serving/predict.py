"""The client: sends images to the service over KServe v2 and says what it takes them for.

Uses ``tritonclient`` and asks the server itself for the model's inputs and outputs.
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
MOST_IMAGES = 64
"""Images in one request, as many as a service takes by default; where it takes fewer, so few are sent."""


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
    token: str = "",
    timeout_seconds: float = _TIMEOUT_SECONDS,
) -> list[Prediction]:
    """Ask the service about each image, as many to a request as it takes.

    Args:
        address: ``HOST:PORT`` of the protocol.
        model_name: what the service calls the model.
        images: at least one.
        labels: the manifest's list of labels.
        protocol: which of KServe v2's two.
        token: shown to the service's front with each request; empty where it asks for none. A secret.
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
            calls = _Calls(triton_client, client, model_name, token, timeout_seconds if protocol == "grpc" else None)
            logits = _infer(calls, images.images)
    except InferenceServerException as error:
        if error.status() in ("401", "StatusCode.UNAUTHENTICATED"):
            raise PredictionError(f"{where}: it {'does not take the token' if token else 'asks for a token'}") from None
        raise PredictionError(f"{where}: {_line(error)}") from None
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


class _Calls:
    """The calls to one model, each with the token and, over gRPC, its time limit; over HTTP, the connection has one."""

    def __init__(
        self, triton_client: Any, client: Any, model_name: str, token: str, timeout_seconds: float | None
    ) -> None:
        self._library, self._client, self._model_name = triton_client, client, model_name
        self._options: dict[str, Any] = {"headers": {"authorization": f"Bearer {token}"}} if token else {}
        self._as_document: dict[str, Any] = {}
        if timeout_seconds is not None:
            self._options["client_timeout"] = timeout_seconds
            self._as_document["as_json"] = True

    def metadata(self) -> dict[str, Any]:
        """The names, types and shapes of the model's inputs and outputs."""
        found: dict[str, Any] = self._client.get_model_metadata(self._model_name, **self._as_document, **self._options)
        return found

    def infer(self, tensor: dict[str, Any], output: str, batch: NDArray[Any]) -> NDArray[np.float64]:
        """The output for one request's images."""
        request = self._library.InferInput(tensor["name"], batch.shape, tensor["datatype"])
        request.set_data_from_numpy(batch)
        asked = [self._library.InferRequestedOutput(output)]
        answer = self._client.infer(self._model_name, [request], outputs=asked, **self._options)
        found: NDArray[np.float64] = answer.as_numpy(output).astype(np.float64)
        return found


def _infer(calls: _Calls, images: NDArray[Any]) -> NDArray[np.float64]:
    from tritonclient.utils import InferenceServerException

    metadata = calls.metadata()
    tensor, (output, *_) = metadata["inputs"][0], metadata["outputs"]
    # Over gRPC, numbers of 64 bits come as text.
    shape = [int(size) for size in tensor["shape"][1:]]
    if images[0].size != math.prod(shape):
        found = " x ".join(map(str, images.shape[1:]))
        raise ValueError(f"the images are {found}, the model takes {' x '.join(map(str, shape))}")
    arranged = images.astype(_numpy_type(tensor["datatype"])).reshape(len(images), *shape)
    answers: list[NDArray[np.float64]] = []
    start, largest = 0, MOST_IMAGES
    while start < len(arranged):
        batch = arranged[start : start + largest]
        try:
            answers.append(calls.infer(tensor, output["name"], batch))
        except InferenceServerException as error:
            # The front does not let clients read the model's configuration, which alone says how many it takes.
            if len(batch) == 1 or "batch-size must be <=" not in error.message():
                raise
            largest = len(batch) // 2
        else:
            start += len(batch)
    return np.concatenate(answers)


def _line(error: Any) -> str:
    return " ".join(error.message().split())


def _numpy_type(triton_type: str) -> Any:
    from tritonclient.utils import triton_to_np_dtype

    return triton_to_np_dtype(triton_type)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares
