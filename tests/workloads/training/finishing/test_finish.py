"""All that is done with a trained model, from the weights to what is published."""

import json
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from tests.workloads.training.finishing.conftest import Trained
from tests.workloads.training.finishing.nets import IMAGE, LABELS, Some, Templates
from trainyard_training.choices import Report, Variants
from trainyard_training.failures import ModelRefusedError
from trainyard_training.finishing import variants as variants_module
from trainyard_training.finishing.assembly import Finished, finish
from trainyard_training.finishing.export import run_onnx, tensors_of
from trainyard_training.finishing.tuning import tune_on

pytestmark = pytest.mark.xdist_group("finishing")
Name = Literal["float32", "float16", "int8_dynamic", "int8_static", "pruned_unstructured", "pruned_structured"]
ALL: tuple[Name, ...] = (
    "float32",
    "float16",
    "int8_dynamic",
    "int8_static",
    "pruned_unstructured",
    "pruned_structured",
)
HISTORY = [{"step": 25, "loss": 1.5}, {"step": 50, "loss": 0.7, "test_accuracy": 0.9}]


def finish_one(
    each: Trained, variants: Variants | None = None, report: Report | None = None, **options: Any
) -> tuple[Finished, list[str]]:
    said: list[str] = []
    finished = finish(
        each.model,
        each.sample,
        each.test,
        labels=each.labels,
        input_shape=each.input_shape,
        history=HISTORY,
        variants=variants or Variants(),
        report=report or Report(),
        say=said.append,
        **options,
    )
    return finished, said


def accuracy(each: Trained, model: bytes) -> float:
    return float(np.mean(run_onnx(model, each.test.inputs).argmax(axis=1) == each.test.labels))


@pytest.mark.parametrize("name", ["convolutions", "rows"])
def test_by_default_the_model_as_trained_is_exported_with_pictures(trained: dict[str, Trained], name: str) -> None:
    each = trained[name]
    finished, said = finish_one(each)
    assert set(finished.artifacts) == {
        "model.onnx",
        "variants.md",
        "confusion_matrix.png",
        "training_curve.png",
        "saliency.png",
    }
    assert finished.chosen == "float32"
    assert finished.metrics["test_accuracy"] == accuracy(each, finished.artifacts["model.onnx"]) > 0.9
    assert all(np.isfinite(value) for value in finished.metrics.values())
    report = json.loads(json.dumps(finished.report, allow_nan=False))
    assert report["test_accuracy"] == finished.metrics["test_accuracy"]
    assert np.sum(report["confusion_matrix"]) == len(each.test.labels)
    assert [scores["label"] for scores in report["classes"]] == list(each.labels)
    assert report["variants"]["chosen"] == "float32"
    assert len(said) == 1
    assert said[0].startswith("exported to ONNX: ")
    again, _ = finish_one(each)
    assert {name: again.artifacts[name] for name in finished.artifacts if name != "variants.md"} == {
        name: content for name, content in finished.artifacts.items() if name != "variants.md"
    }


def test_all_variants_are_made_measured_and_one_is_chosen(trained: dict[str, Trained]) -> None:
    each = trained["convolutions"]
    finished, said = finish_one(
        each,
        Variants(names=ALL, choose="smallest", accuracy_loss=0.03, publish=("float32", "int8_static", "float16")),
        Report(pictures=False),
        tune=tune_on(each.train, steps=60, learning_rate=0.005),
    )
    rows = {row.name: row for row in finished.variants}
    assert tuple(rows) == ALL
    assert not finished.not_made
    assert finished.published == {name: f"model.{name}.onnx" for name in ("float32", "float16", "int8_static")} | {
        finished.chosen: "model.onnx"
    }
    assert set(finished.artifacts) == {*finished.published.values(), "variants.md"}
    for name, artifact in finished.published.items():
        assert len(finished.artifacts[artifact]) == rows[name].bytes
        assert accuracy(each, finished.artifacts[artifact]) == rows[name].test_accuracy
    trained_row, chosen = rows["float32"], rows[finished.chosen]
    assert trained_row.same_answers == 1
    for row in rows.values():
        assert row.latency_ms > 0
        assert row.batch_latency_ms > 0
        assert row.test_accuracy > 0.8
    # Zeros are worth something to a compressor only; channels that are gone are gone.
    assert rows["pruned_unstructured"].bytes == pytest.approx(trained_row.bytes, rel=0.02)
    assert rows["pruned_unstructured"].compressed_bytes < 0.8 * trained_row.compressed_bytes
    assert rows["pruned_unstructured"].zero_weights == pytest.approx(0.5, abs=0.01)
    assert rows["pruned_structured"].bytes < 0.5 * trained_row.bytes
    assert len(finished.artifacts["model.onnx"]) == chosen.bytes < 0.6 * trained_row.bytes
    assert accuracy(each, finished.artifacts["model.onnx"]) == chosen.test_accuracy == finished.metrics["test_accuracy"]
    assert chosen.test_accuracy >= trained_row.test_accuracy - 0.03
    assert said[-2] == f"chosen: {finished.chosen}"
    assert said[-1].startswith("published: model.onnx, model.f")
    assert f"| **{finished.chosen}** |" in finished.artifacts["variants.md"].decode()


def test_none_that_is_below_the_target_is_chosen(trained: dict[str, Trained]) -> None:
    each = trained["rows"]
    asked = Variants(names=("float32", "pruned_structured"), choose="smallest", accuracy_loss=1, pruned_share=0.9)
    free, _ = finish_one(each, asked, Report(pictures=False))
    bound, _ = finish_one(each, asked, Report(pictures=False), least_accuracy=1.0)
    assert (free.chosen, bound.chosen) == ("pruned_structured", "float32")


def as_trained(model: nn.Module, inputs: NDArray[Any]) -> Trained:
    some = Some(inputs, np.arange(len(inputs), dtype=np.uint8) % 10)
    return Trained(model, some, some, inputs.shape[1:], LABELS)


def test_what_cannot_be_made_is_told_with_its_reason_and_ends_nothing() -> None:
    images = np.random.default_rng(0).integers(0, 17, (40, *IMAGE)).astype(np.uint8)
    asked = Variants(names=ALL, publish=("int8_static", "float32"))
    finished, said = finish_one(as_trained(Templates(), images), asked, Report(pictures=False))
    assert finished.published == {"float32": "model.onnx"}
    reasons = {each.name: each.reason for each in finished.not_made}
    assert [row.name for row in finished.variants] + list(reasons) == list(ALL)
    assert "to compute in 8 bits" in reasons["int8_dynamic"]
    assert "to compute in 8 bits" in reasons["int8_static"]
    assert "no convolution and no linear layer" in reasons["pruned_unstructured"]
    assert any(line.startswith("variant int8_dynamic was not made: the model has no ") for line in said)
    table = finished.artifacts["variants.md"].decode()
    assert all(f"- {name}: " in table for name in reasons)


def test_a_variant_whose_numbers_overflow_is_not_made() -> None:
    rows = np.random.default_rng(0).normal(scale=1e6, size=(40, 30)).astype(np.float32)
    model = nn.Sequential(nn.Linear(30, 10))
    with torch.no_grad():
        model[0].weight.mul_(1e-6)
    finished, _ = finish_one(
        as_trained(model, rows), Variants(names=("float32", "float16"), choose="smallest"), Report(pictures=False)
    )
    assert [row.name for row in finished.variants] == [finished.chosen] == ["float32"]
    assert "exceed the format's range" in finished.not_made[0].reason


def test_a_pruned_model_whose_export_computes_something_else_is_not_made(
    trained: dict[str, Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = iter([0, 0.01])
    monkeypatch.setattr(
        variants_module, "run_onnx", lambda model, inputs: run_onnx(model, inputs) + np.float32(next(errors))
    )
    asked = Variants(names=("float32", "pruned_structured"), choose="smallest", accuracy_loss=1)
    finished, _ = finish_one(trained["rows"], asked, Report(pictures=False))
    assert finished.chosen == "float32"
    assert "differs from the trained one by 0.01" in finished.not_made[0].reason


def test_a_variant_that_is_called_otherwise_is_not_made(
    trained: dict[str, Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_trained = [tensors_of] * 2
    monkeypatch.setattr(variants_module, "tensors_of", lambda model: as_trained.pop()(model) if as_trained else ())
    asked = Variants(names=("float32", "float16"), publish=("float16",))
    finished, _ = finish_one(trained["rows"], asked, Report(pictures=False))
    assert set(finished.artifacts) == {"model.onnx", "variants.md"}
    assert "is called otherwise than the model as trained" in finished.not_made[0].reason


def test_an_export_that_computes_something_else_is_refused(
    trained: dict[str, Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variants_module, "run_onnx", lambda model, inputs: run_onnx(model, inputs) + np.float32(0.01))
    with pytest.raises(ModelRefusedError, match=r"differs from the trained one by 0\.01"):
        finish_one(trained["rows"])
