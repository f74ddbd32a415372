"""Whether an ONNX file takes and answers what its manifest says: names, types and shapes of its tensors.

The service is configured from the manifest. A model that disagrees with it would be loaded and then fail every request,
so it is refused by the process that fetches it, before anything of it is written.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trainyard_artifacts.manifest import ModelSignature, TensorSignature
from trainyard_serving.model_repository import UnservableModelError

# ONNX Runtime's names of element types, https://onnxruntime.ai/docs/api/python/api_summary.html, to NumPy's. Others,
# such as "tensor(string)" and "seq(map(int64,tensor(float)))", are told as they are: no manifest has them.
_NUMPY_NAMES = {"tensor(float)": "float32", "tensor(double)": "float64"} | {
    f"tensor({name})": name
    for name in ("float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
}
_SILENT_BUT_FOR_ERRORS = 3


@dataclass(frozen=True)
class ModelTensor:
    """An input or output as the ONNX file has it."""

    name: str
    dtype: str
    """NumPy's name of the type, or ONNX Runtime's where NumPy has none."""
    shape: tuple[int | None, ...]
    """None where the file leaves the size open."""


def require_signature(model: bytes, signature: ModelSignature) -> None:
    """Compare an ONNX file with the signature in its manifest.

    A size that the file leaves open may be a fixed one in the manifest, as Triton's own backend for ONNX has it: the
    model takes more than the manifest says. The other way round it takes less.

    Raises:
        UnservableModelError: they disagree, and all disagreements are told; or ONNX Runtime cannot load the file.
    """
    inputs, outputs = read_tensors(model)
    problems = [*_differences("input", inputs, signature.input), *_differences("output", outputs, signature.output)]
    if problems:
        raise UnservableModelError(f"model.onnx is not what its manifest says: {'; '.join(problems)}")


def read_tensors(model: bytes) -> tuple[tuple[ModelTensor, ...], tuple[ModelTensor, ...]]:
    """The inputs and the outputs of an ONNX file.

    Raises:
        UnservableModelError: ONNX Runtime cannot load it.
    """
    # It would send usage data to its maker, and is asked not to before it is imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Nothing is run here, so nothing is made faster.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT_BUT_FOR_ERRORS
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The library's own, which have no common class.
        raise UnservableModelError(f"ONNX Runtime cannot load model.onnx: {' '.join(str(error).split())}") from None
    return tuple(map(_tensor, session.get_inputs())), tuple(map(_tensor, session.get_outputs()))


def _tensor(node: Any) -> ModelTensor:
    sizes = tuple(size if isinstance(size, int) else None for size in node.shape)
    return ModelTensor(node.name, _NUMPY_NAMES.get(node.type, node.type), sizes)


def _differences(kind: str, found: Sequence[ModelTensor], expected: TensorSignature) -> list[str]:
    if [each.name for each in found] != [expected.name]:
        names = ", ".join(repr(each.name) for each in found) or "none"
        return [f"its {kind}s are {names}, the manifest has {expected.name!r}"]
    (tensor,) = found
    if tensor.dtype == expected.dtype and _covers(tensor.shape, expected.shape):
        return []
    return [f"{kind} {tensor.name!r} is {_described(tensor)}, the manifest says {_described(expected)}"]


def _covers(shape: tuple[int | None, ...], expected: tuple[int | None, ...]) -> bool:
    return len(shape) == len(expected) and all(
        size is None or size == wanted for size, wanted in zip(shape, expected, strict=True)
    )


def _described(tensor: ModelTensor | TensorSignature) -> str:
    # As clients see shapes in the protocol's metadata.
    return f"{tensor.dtype} {[-1 if size is None else size for size in tensor.shape]}"
