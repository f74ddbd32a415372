"""The trained model as ONNX, and the proof that it computes what PyTorch computes."""

import copy
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from trainyard_training.failures import ModelRefusedError
from trainyard_training.model import INPUT_NAME, OUTPUT_NAME, DigitClassifier

TOLERANCE = 1e-4
"""Largest absolute difference between two logits, which are of the order of 10, that counts as the same."""

_OPSET = 17


def export_onnx(model: DigitClassifier, image_shape: tuple[int, int]) -> bytes:
    """The model as an ONNX file with a dynamic batch dimension."""
    on_cpu = copy.deepcopy(model).cpu().eval()
    with tempfile.TemporaryDirectory(prefix="trainyard-") as directory, warnings.catch_warnings():
        # The exporter by tracing takes half a second and needs no further package, where the one on torch.export takes
        # eight; the network has no control flow that tracing could miss, and the result is compared number by number.
        path = Path(directory, "model.onnx")
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            on_cpu,
            (torch.zeros(1, 1, *image_shape),),
            path,
            dynamo=False,
            opset_version=_OPSET,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamic_axes={INPUT_NAME: {0: "batch"}, OUTPUT_NAME: {0: "batch"}},
        )
        return path.read_bytes()


def run_onnx(model: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits that onnxruntime computes for images (count, height, width)."""
    # Read when the library is loaded: training data's shapes and timings are nobody else's business.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (logits,) = session.run([OUTPUT_NAME], {INPUT_NAME: images[:, np.newaxis].astype(np.float32)})
    result: NDArray[np.float32] = logits
    return result


def require_equal(exported: NDArray[np.float32], trained: NDArray[np.float32]) -> float:
    """The largest absolute difference between the two models' logits.

    Raises:
        ModelRefusedError: it is above the tolerance, or a logit is not a finite number.
    """
    if exported.shape != trained.shape:
        raise ModelRefusedError(f"the exported model gives logits of shape {exported.shape}, expected {trained.shape}")
    difference = float(np.max(np.abs(exported - trained), initial=0.0))
    if not difference <= TOLERANCE:  # Written so that NaN is refused, too.
        raise ModelRefusedError(
            f"the exported model differs from the trained one by {difference:.3g} in a logit, allowed is {TOLERANCE:g};"
            " nothing was published"
        )
    return difference
