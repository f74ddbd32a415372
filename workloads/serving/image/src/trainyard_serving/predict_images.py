"""The client for image files: sends them as they are, and gets labels and confidences back.

Uses ``tritonclient``, and of the service only ``NAME-image`` (see ``image_models``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainyard_serving.image_models import CONFIDENCE_OUTPUT, IMAGE_INPUT, LABEL_OUTPUT, image_model_name
from trainyard_serving.predict import PredictionError, Protocol

_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Guess:
    """What an image may show."""

    label: str
    confidence: float
    """Between 0 and 1."""


def predict_images(
    address: str,
    model_name: str,
    files: Sequence[bytes],
    *,
    protocol: Protocol = "http",
    top_k: int = 1,
    token: str = "",
    timeout_seconds: float = _TIMEOUT_SECONDS,
) -> list[list[Guess]]:
    """Ask what each image shows: the ``top_k`` guesses of each, the most likely first.

    Each is a request of its own: one that is large leaves the others their share of what a request may have.

    Args:
        address: ``HOST:PORT`` of the protocol.
        model_name: what the service calls the model itself.
        files: the bytes of JPEG, PNG or WebP files; at least one.
        protocol: which of KServe v2's two.
        top_k: from 1 to as many as the model has labels.
        token: shown to the service's front with each request; empty where it asks for none. A secret.
        timeout_seconds: for each request.

    Raises:
        PredictionError: there is no image, the service does not answer, takes no images, or refuses one of these.
    """
    from tritonclient.utils import InferenceServerException

    where = f"{image_model_name(model_name)} at {address} ({protocol})"
    if not files:
        raise PredictionError(f"{where}: there are no images to ask about")
    guesses: list[list[Guess]] = []
    options: dict[str, Any] = {"headers": {"authorization": f"Bearer {token}"}} if token else {}
    try:
        if protocol == "http":
            import tritonclient.http as triton_client

            client = triton_client.InferenceServerClient(
                address, connection_timeout=timeout_seconds, network_timeout=timeout_seconds
            )
        else:
            import tritonclient.grpc as triton_client

            client = triton_client.InferenceServerClient(address)
            options["client_timeout"] = timeout_seconds
        with client:
            for file in files:
                request = triton_client.InferInput(IMAGE_INPUT, [1, 1], "BYTES")
                request.set_data_from_numpy(np.array([[file]], dtype=np.object_))
                answer = client.infer(image_model_name(model_name), [request], parameters={"top_k": top_k}, **options)
                labels, confidences = (answer.as_numpy(each)[0] for each in (LABEL_OUTPUT, CONFIDENCE_OUTPUT))
                guesses.append(
                    [Guess(label.decode(), float(share)) for label, share in zip(labels, confidences, strict=True)]
                )
    except InferenceServerException as error:
        if error.status() in ("401", "StatusCode.UNAUTHENTICATED"):
            raise PredictionError(f"{where}: it {'does not take the token' if token else 'asks for a token'}") from None
        told = " ".join(error.message().split())
        raise PredictionError(f"{where}: image {len(guesses) + 1} of {len(files)}: {told}") from None
    except (OSError, ValueError) as error:
        raise PredictionError(f"{where}: {error}") from None
    return guesses
