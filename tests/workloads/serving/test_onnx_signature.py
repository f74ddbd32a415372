"""Names, types and shapes in an ONNX file against those in its manifest."""

from typing import Any

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from tests.workloads.serving.service_process import SIGNATURE, tiny_model
from trainyard_artifacts.manifest import ModelSignature, TensorSignature
from trainyard_serving.model_repository import TRITON_TYPES, UnservableModelError
from trainyard_serving.onnx_signature import ModelTensor, read_tensors, require_signature

Shape = tuple[int | None, ...]

OF_ONNX = {"float16": TensorProto.FLOAT16, "float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE} | {
    name: getattr(TensorProto, name.upper()) for name in TRITON_TYPES if "int" in name
}
SIZES = st.lists(st.none() | st.integers(1, 9), max_size=3).map(lambda sizes: (None, *sizes))


def model_of(dtype: str, shape: Shape) -> bytes:
    """A model that answers what it is given."""
    sizes = [f"open_{position}" if size is None else size for position, size in enumerate(shape)]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["given"], ["answered"])],
        "same",
        *([helper.make_tensor_value_info(name, OF_ONNX[dtype], sizes)] for name in ("given", "answered")),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(onnx.ModelProto.SerializeToString(model))


def signature_of(dtype: str, shape: Shape, other_output: dict[str, Any] | None = None) -> ModelSignature:
    output = {"name": "answered", "dtype": dtype, "shape": shape} | (other_output or {})
    return ModelSignature(
        input=TensorSignature(name="given", dtype=dtype, shape=shape), output=TensorSignature(**output), labels=()
    )


@settings(max_examples=25)
@given(dtype=st.sampled_from(sorted(TRITON_TYPES)), shape=SIZES)
def test_the_file_is_read_as_it_was_written(dtype: str, shape: Shape) -> None:
    model = model_of(dtype, shape)
    assert read_tensors(model) == ((ModelTensor("given", dtype, shape),), (ModelTensor("answered", dtype, shape),))
    require_signature(model, signature_of(dtype, shape))


@settings(max_examples=25)
@given(shape=SIZES, told=SIZES)
def test_a_size_that_the_file_leaves_open_may_be_told_and_no_other(shape: Shape, told: Shape) -> None:
    covered = len(shape) == len(told) and all(
        size in (None, expected) for size, expected in zip(shape, told, strict=True)
    )
    model, signature = model_of("float32", shape), signature_of("float32", told)
    if covered:
        require_signature(model, signature)
    else:
        with pytest.raises(UnservableModelError) as refused:
            require_signature(model, signature)
        in_file, in_manifest = ([-1 if size is None else size for size in each] for each in (shape, told))
        for tensor in ("input 'given'", "output 'answered'"):
            assert f"{tensor} is float32 {in_file}, the manifest says float32 {in_manifest}" in str(refused.value)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"name": "result"}, r"its outputs are 'answered', the manifest has 'result'$"),
        ({"dtype": "float16"}, r"output 'answered' is float32 \[-1, 3\], the manifest says float16 \[-1, 3\]$"),
    ],
)
def test_another_name_or_type(other: dict[str, Any], message: str) -> None:
    with pytest.raises(UnservableModelError, match=message):
        require_signature(model_of("float32", (None, 3)), signature_of("float32", (None, 3), other))


def test_the_published_model_is_what_its_manifest_says() -> None:
    require_signature(tiny_model(), SIGNATURE)
