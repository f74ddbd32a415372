"""Quantised models: smaller, called as before, and of the same opinion."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.workloads.training.finishing.conftest import Trained
from tests.workloads.training.finishing.nets import IMAGE, Templates
from trainyard_training.finishing.export import INPUT_NAME, OUTPUT_NAME, export_onnx, run_onnx
from trainyard_training.finishing.failures import VariantError
from trainyard_training.finishing.quantization import halve, quantize_dynamic, quantize_static

pytestmark = pytest.mark.xdist_group("finishing")


def operations(model: bytes) -> set[str]:
    return {node.op_type for node in onnx.load_from_string(model).graph.node}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["convolutions", "residual", "rows"])
def test_each_format_is_smaller_and_gives_the_same_answers(
    trained: dict[str, Trained], name: str, temporary: Path, caplog: pytest.LogCaptureFixture
) -> None:
    each = trained[name]
    model = export_onnx(each.model, each.input_shape)
    answers = run_onnx(model, each.test.inputs).argmax(axis=1)
    made = {
        "float16": halve(model),
        "dynamic": quantize_dynamic(model),
        "static": quantize_static(model, each.sample.inputs),
    }
    for variant, smaller in made.items():
        assert len(smaller) < len(model), variant
        logits = run_onnx(smaller, each.test.inputs)
        assert logits.dtype == np.float32
        assert np.mean(logits.argmax(axis=1) == answers) > 0.96, variant
        graph = onnx.load_from_string(smaller).graph
        assert [value.name for value in (*graph.input, *graph.output)] == [INPUT_NAME, OUTPUT_NAME]
    assert operations(made["dynamic"]) >= {"DynamicQuantizeLinear", "MatMulInteger"}
    assert operations(made["static"]) >= {"QuantizeLinear", "DequantizeLinear"}
    assert "Gemm" not in operations(made["dynamic"])
    assert not list(temporary.iterdir())
    assert not caplog.records


def test_static_ranges_are_those_of_the_examples(trained: dict[str, Trained]) -> None:
    each = trained["convolutions"]
    model = export_onnx(each.model, each.input_shape)
    same = [quantize_static(model, each.sample.inputs) for _ in range(2)]
    assert same[0] == same[1]
    assert quantize_static(model, each.sample.inputs // 4) != same[0]


@pytest.mark.parametrize("quantize", [quantize_dynamic, lambda model: quantize_static(model, np.zeros((1, *IMAGE)))])
def test_a_model_with_nothing_to_compute_in_eight_bits_is_refused(quantize: Callable[[bytes], Any]) -> None:
    with pytest.raises(
        VariantError, match=r"no Conv, ConvTranspose, Gemm, MatMul to compute in 8 bits, only .*ReduceSum"
    ):
        quantize(export_onnx(Templates(), IMAGE))


def test_static_quantisation_needs_examples(trained: dict[str, Trained]) -> None:
    each = trained["rows"]
    with pytest.raises(VariantError, match="no training example"):
        quantize_static(export_onnx(each.model, each.input_shape), each.train.inputs[:0])
