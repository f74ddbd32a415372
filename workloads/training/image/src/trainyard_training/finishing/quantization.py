"""An exported model in smaller numbers: int8 with or without examples to learn the ranges from, and float16.

Everything happens in memory and in a temporary folder, which is gone afterwards.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from trainyard_training.finishing.examples import batches_of
from trainyard_training.finishing.export import INPUT_NAME
from trainyard_training.finishing.failures import VariantError
from trainyard_training.finishing.runtime import forbid_telemetry

CALIBRATION_EXAMPLES = 256
"""Of the training examples, at most: ranges settle after a few hundred."""

_CALIBRATION_BATCH = 32
_WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
_NORMALISATIONS = frozenset({"BatchNormalization", "InstanceNormalization", "LayerNormalization"})


def quantize_dynamic(model: bytes) -> bytes:
    """Weights in 8 bits; each batch's activations too, with ranges that are measured while it is computed.

    Raises:
        VariantError: the model has no operation that can be computed so.
    """
    operations = _require_weighted(model)
    from onnxruntime import quantization

    # Convolutions of whole numbers are fast with unsigned weights only, several times slower otherwise; for linear
    # layers signed weights are the more exact ones, with a scale for each output.
    unsigned = "Conv" in operations
    with tempfile.TemporaryDirectory(prefix="trainyard-") as directory:
        quantized = Path(directory, "quantized.onnx")
        quantization.quantize_dynamic(
            _prepared(model, Path(directory)),
            quantized,
            per_channel=not unsigned,
            weight_type=quantization.QuantType.QUInt8 if unsigned else quantization.QuantType.QInt8,
        )
        return quantized.read_bytes()


def quantize_static(model: bytes, calibration: NDArray[Any]) -> bytes:
    """Weights and activations in 8 bits, with fixed ranges: QDQ format, signed, a scale for each output channel.

    :param calibration: Raw inputs (count, *input_shape) to learn the ranges from, at least one; training examples, so
        that the test split stays unseen. At most ``CALIBRATION_EXAMPLES`` are used.

    Raises:
        VariantError: the model has no operation that can be computed so, or there is nothing to learn from.
    """
    _require_weighted(model)
    if not len(calibration):
        raise VariantError("there is no training example to learn the ranges of activations from")
    from onnxruntime import quantization
    from onnxruntime.quantization.registry import QDQRegistry

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._batches: Iterator[NDArray[Any]] = batches_of(calibration[:CALIBRATION_EXAMPLES], _CALIBRATION_BATCH)

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            batch = next(self._batches, None)
            return None if batch is None else {INPUT_NAME: batch}

    with tempfile.TemporaryDirectory(prefix="trainyard-") as directory:
        quantized = Path(directory, "quantized.onnx")
        quantization.quantize_static(
            _prepared(model, Path(directory)),
            quantized,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            # Normalisations divide by small numbers, which eight bits spoil, and have almost no weights.
            op_types_to_quantize=sorted(set(QDQRegistry) - _NORMALISATIONS),
        )
        return quantized.read_bytes()


def halve(model: bytes) -> bytes:
    """Weights and computation in float16; inputs and outputs stay float32, so the model is called as before.

    On CPUs without such operations, which are most, onnxruntime computes in float32 from the halved weights: the file
    is half as large and the model no faster, and values that exceed the range of float16 do not show.
    """
    forbid_telemetry()
    import onnx
    from onnxruntime.transformers import float16

    halved = float16.convert_float_to_float16(onnx.load_from_string(model), keep_io_types=True)
    result: bytes = halved.SerializeToString()
    return result


def _require_weighted(model: bytes) -> set[str]:
    forbid_telemetry()
    import onnx

    operations = {node.op_type for node in onnx.load_from_string(model).graph.node}
    if not operations & _WEIGHTED:
        raise VariantError(
            f"the model has no {', '.join(sorted(_WEIGHTED))} to compute in 8 bits,"
            f" only {', '.join(sorted(operations))}"
        )
    return operations


def _prepared(model: bytes, directory: Path) -> Path:
    """The model with all shapes known and simple operations fused, as quantisation wants it."""
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = directory / "prepared.onnx"
    quant_pre_process(onnx.load_from_string(model), prepared)
    return prepared
