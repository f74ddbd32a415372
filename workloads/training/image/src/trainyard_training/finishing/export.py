"""The trained model as ONNX, and the proof that it computes what PyTorch computes."""

import copy
import io
import warnings
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from trainyard_training.failures import ModelRefusedError
from trainyard_training.finishing.examples import batches_of
from trainyard_training.finishing.runtime import first_line, open_session

INPUT_NAME = "input"
OUTPUT_NAME = "logits"

TOLERANCE = 1e-4
"""Largest absolute difference between two logits that counts as the same, where logits are of the order of 10."""

_RELATIVE_TOLERANCE = TOLERANCE / 10
_OPSET = 17


def export_onnx(model: nn.Module, input_shape: tuple[int, ...]) -> bytes:
    """The model as an ONNX file: float32 (batch, *input_shape) to logits (batch, labels), for any batch.

    Raises:
        ModelRefusedError: an operation of the model has no counterpart in ONNX.
    """
    on_cpu = copy.deepcopy(model).cpu().eval()
    exported = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter by tracing takes half a second and needs no further package, where the one on torch.export takes
        # eight. What tracing could miss, and PyTorch's own layers warn of, shows when the result is compared number by
        # number.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        try:
            torch.onnx.export(
                on_cpu,
                (torch.zeros(2, *input_shape),),
                exported,
                dynamo=False,
                opset_version=_OPSET,
                input_names=[INPUT_NAME],
                output_names=[OUTPUT_NAME],
                dynamic_axes={INPUT_NAME: {0: "batch"}, OUTPUT_NAME: {0: "batch"}},
            )
        except Exception as error:
            raise ModelRefusedError(
                f"the model cannot be exported to ONNX: {first_line(error)}; nothing was published"
            ) from error
    return exported.getvalue()


@torch.no_grad()
def run_torch(model: nn.Module, inputs: NDArray[Any]) -> NDArray[np.float32]:
    """Logits that PyTorch computes on the CPU for raw inputs (count, *input_shape)."""
    was_training = model.training
    model.eval()
    try:
        parts = [model(torch.from_numpy(batch)).numpy() for batch in batches_of(inputs)]
    finally:
        model.train(was_training)
    result: NDArray[np.float32] = np.concatenate(parts)
    return result


def run_onnx(model: bytes, inputs: NDArray[Any]) -> NDArray[np.float32]:
    """Logits that onnxruntime computes for raw inputs (count, *input_shape).

    Raises:
        ModelRefusedError: it cannot, such as where the model takes batches of one size only.
    """
    try:
        session = open_session(model)
        parts = [session.run([OUTPUT_NAME], {INPUT_NAME: batch})[0] for batch in batches_of(inputs)]
    except Exception as error:  # The library's own, which have no common class.
        raise ModelRefusedError(
            f"the exported model cannot be run by onnxruntime: {first_line(error)}; nothing was published"
        ) from error
    result: NDArray[np.float32] = np.concatenate(parts)
    return result


def tensors_of(model: bytes) -> tuple[tuple[str, str, tuple[int | None, ...]], ...]:
    """How an ONNX file is called: name, type and shape of every input and output; None is a size that is left open."""
    graph = onnx.load_from_string(model).graph
    return tuple(
        (
            tensor.name,
            onnx.TensorProto.DataType.Name(tensor.type.tensor_type.elem_type),
            tuple(size.dim_value or None for size in tensor.type.tensor_type.shape.dim),
        )
        for tensor in (*graph.input, *graph.output)
    )


def require_equal(exported: NDArray[np.float32], trained: NDArray[np.float32]) -> float:
    """The largest absolute difference between the two models' logits.

    Two libraries add in different orders, so larger logits may differ by more: by the tolerance for every 10.

    Raises:
        ModelRefusedError: it is above the tolerance, or a logit is not a finite number.
    """
    if exported.shape != trained.shape:
        raise ModelRefusedError(f"the exported model gives logits of shape {exported.shape}, expected {trained.shape}")
    difference = float(np.max(np.abs(exported - trained), initial=0.0))
    allowed = max(TOLERANCE, _RELATIVE_TOLERANCE * float(np.max(np.abs(trained), initial=0.0)))
    if not (difference <= allowed and np.isfinite(allowed)):  # Written so that NaN is refused, too.
        raise ModelRefusedError(
            f"the exported model differs from the trained one by {difference:.3g} in a logit, allowed is {allowed:g};"
            " nothing was published"
        )
    return difference
