"""Makes the variants of a trained model that a job asks for, and measures each."""

import copy
import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from trainyard_training.data.examples import Examples
from trainyard_training.failures import ModelRefusedError
from trainyard_training.finishing import pruning, quantization
from trainyard_training.finishing.examples import batches_of
from trainyard_training.finishing.export import (
    INPUT_NAME,
    OUTPUT_NAME,
    export_onnx,
    require_equal,
    run_onnx,
    run_torch,
    tensors_of,
)
from trainyard_training.finishing.failures import VariantError
from trainyard_training.finishing.runtime import first_line, median_milliseconds, open_session
from trainyard_training.finishing.table import LATENCY_BATCH, TRAINED, Measured, NotMade

_QUANTIZED: dict[str, Callable[[bytes, NDArray[Any]], bytes]] = {
    "float16": lambda model, _calibration: quantization.halve(model),
    "int8_dynamic": lambda model, _calibration: quantization.quantize_dynamic(model),
    "int8_static": quantization.quantize_static,
}

# A CPU takes a hundred times longer for them than in float32.
_CHECKED_IN_FLOAT16 = 16


@dataclass(frozen=True)
class Variant:
    """One variant of the model, as it could be published."""

    measured: Measured
    model: bytes = field(repr=False)
    """ONNX."""
    logits: NDArray[np.float32] = field(repr=False)
    """Of the test split, (count, labels), as onnxruntime computes them."""


@dataclass(frozen=True)
class AllVariants:
    """Those that were made, the model as trained first, and those that could not be."""

    made: tuple[Variant, ...]
    not_made: tuple[NotMade, ...]
    largest_difference: float
    """Between a logit of the exported model and one of the model in PyTorch, as trained."""

    @property
    def rows(self) -> tuple[Measured, ...]:
        """The table's rows."""
        return tuple(variant.measured for variant in self.made)


def make_variants(
    model: nn.Module,
    train_sample: Examples,
    test: Examples,
    *,
    input_shape: tuple[int, ...],
    names: Sequence[str],
    pruned_share: float,
    tune: pruning.Tune | None = None,
) -> AllVariants:
    """Export the model as trained and the variants; one that cannot be made does not keep the others from it.

    :param model: On the CPU; it is left as it is.
    :param train_sample: To learn the ranges of static quantisation from.
    :param test: At least one example, to compare and measure on.
    :param names: Of the variants, as in the job's ``variants.names``.
    :param pruned_share: Of weights or channels, that pruning takes away.
    :param tune: Trains a pruned model a little more, in place.

    Raises:
        ModelRefusedError: the model as trained cannot be exported, or its export computes something else.
    """
    trained_onnx = export_onnx(model, input_shape)
    exact = run_torch(model, test.inputs)
    logits = run_onnx(trained_onnx, test.inputs)
    difference = require_equal(logits, exact)
    zeros = pruning.zero_share(model)
    called = tensors_of(trained_onnx)
    answers = logits.argmax(axis=1)

    def measured(name: str, onnx_file: bytes, found: NDArray[np.float32], zero_weights: float) -> Variant:
        if tensors_of(onnx_file) != called:
            raise VariantError(f"is called otherwise than the model as trained: {tensors_of(onnx_file)}, not {called}")
        one, many = _latencies(onnx_file, test.inputs)
        row = Measured(
            name=name,
            bytes=len(onnx_file),
            compressed_bytes=len(gzip.compress(onnx_file, mtime=0)),
            test_accuracy=float(np.mean(found.argmax(axis=1) == test.labels)),
            same_answers=float(np.mean(found.argmax(axis=1) == answers)),
            latency_ms=one,
            batch_latency_ms=many,
            zero_weights=zero_weights,
        )
        return Variant(row, onnx_file, found)

    def make(name: str) -> Variant:
        if name == "float16":
            # Found out in PyTorch: onnxruntime computes float16 in float32 on most CPUs, and in float16 elsewhere.
            _finite(_computed_in_float16(model, test.inputs[:_CHECKED_IN_FLOAT16]))
        if name in _QUANTIZED:
            onnx_file = _QUANTIZED[name](trained_onnx, train_sample.inputs)
            return measured(name, onnx_file, _finite(run_onnx(onnx_file, test.inputs)), zeros)
        pruned = (
            pruning.prune_weights(model, pruned_share, tune)
            if name == "pruned_unstructured"
            else pruning.prune_channels(model, input_shape, pruned_share, tune)
        )
        onnx_file = export_onnx(pruned, input_shape)
        found = run_onnx(onnx_file, test.inputs)
        require_equal(found, run_torch(pruned, test.inputs))
        return measured(name, onnx_file, found, pruning.zero_share(pruned))

    made, not_made = [measured(TRAINED, trained_onnx, logits, zeros)], []
    for name in dict.fromkeys(names):
        if name == TRAINED:
            continue
        try:
            made.append(make(name))
        except (VariantError, ModelRefusedError) as error:
            not_made.append(NotMade(name, str(error)))
        except Exception as error:  # What a converter cannot do, it says in an error of any kind.
            not_made.append(NotMade(name, first_line(error)))
    return AllVariants(tuple(made), tuple(not_made), difference)


@torch.no_grad()
def _computed_in_float16(model: nn.Module, inputs: NDArray[Any]) -> NDArray[np.float32]:
    halved = copy.deepcopy(model).half().eval()
    result: NDArray[np.float32] = halved(torch.from_numpy(inputs).half()).float().numpy()
    return result


def _finite(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(logits).all():
        raise VariantError("gives logits that are not finite numbers: the model's values exceed the format's range")
    return logits


def _latencies(model: bytes, inputs: NDArray[Any]) -> tuple[float, float]:
    """Of one example and of a batch, in milliseconds."""
    session = open_session(model)
    # Repeated where the test split is smaller than a batch.
    batch = next(batches_of(np.resize(inputs[:LATENCY_BATCH], (LATENCY_BATCH, *inputs.shape[1:]))))
    one = batch[:1]
    return (
        median_milliseconds(lambda: session.run([OUTPUT_NAME], {INPUT_NAME: one})),
        median_milliseconds(lambda: session.run([OUTPUT_NAME], {INPUT_NAME: batch})),
    )
