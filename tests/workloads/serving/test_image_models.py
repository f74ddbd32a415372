"""The models before and behind the model, and the ensemble: which models have them, and how they are configured."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import model_config_pb2

from tests.workloads.serving.service_process import LABELS, SIGNATURE
from trainyard_artifacts.manifest import ModelSignature, TensorSignature
from trainyard_serving.image_models import image_model_folders, images_unavailable_reason, images_unfit_reason
from trainyard_serving.model_repository import ModelFolder, write_model_repository
from trainyard_serving.triton import find_triton
from trainyard_serving.triton_model.top_labels import NotFiniteError, top_labels

GOLDEN = Path(__file__).parent / "config-image.pbtxt"
IMAGES = SIGNATURE.model_copy(update={"largest_value": 16})


def folders(model: ModelSignature = IMAGES, **changes: Any) -> dict[str, ModelFolder]:
    asked = {"name": "digits", "max_batch_size": 64, "queue_delay_microseconds": 500, "max_queue_size": 0}
    return image_model_folders(model, **{**asked, "queue_timeout_microseconds": 0, **changes})


def parsed(folder: ModelFolder) -> Any:
    return text_format.Parse(folder.configuration, model_config_pb2.ModelConfig())


def tensor(name: str, *shape: int | None, dtype: str = "float32") -> TensorSignature:
    return TensorSignature(name=name, dtype=dtype, shape=(None, *shape))


@given(
    channels=st.sampled_from([1, 3]),
    height=st.integers(1, 2**20),
    dtype=st.sampled_from(["float16", "float32", "uint8", "int64"]),
    names=st.lists(st.text(min_size=1), min_size=3, max_size=3, unique=True),
    labels=st.lists(st.text(), min_size=1, max_size=4),
    max_batch_size=st.integers(1, 65_536),
    queue_delay_microseconds=st.integers(0, 10_000_000),
    max_queue_size=st.integers(0, 1_000_000),
    queue_timeout_microseconds=st.integers(0, 3_600_000_000),
    instances=st.integers(1, 64),
)
def test_each_step_takes_what_the_one_before_it_answers(
    channels: int, height: int, dtype: str, names: list[str], labels: list[str], **asked: Any
) -> None:
    name, input_name, output_name = names
    model = ModelSignature(
        input=tensor(input_name, channels, height, 7, dtype=dtype),
        output=tensor(output_name, len(labels)),
        labels=tuple(labels),
        largest_value=16,
    )
    assert images_unfit_reason(model) is None
    made = folders(model, name=name, **asked)
    decode, label, image = (parsed(made[f"{name}-{each}"]) for each in ("decode", "label", "image"))
    assert [each.name for each in (decode, label, image)] == list(made)
    assert {each.max_batch_size for each in (decode, label, image)} == {asked["max_batch_size"]}
    assert (decode.input[0].data_type, list(decode.input[0].dims)) == (model_config_pb2.TYPE_STRING, [1])
    assert (decode.output[0].name, list(decode.output[0].dims)) == (input_name, [channels, height, 7])
    assert decode.parameters["dtype"].string_value == dtype
    assert decode.parameters["largest_value"].string_value == "16"
    assert (label.input[0].name, list(label.input[0].dims)) == (output_name, [len(labels)])
    assert json.loads(made[label.name].files["labels.json"]) == labels
    assert image.platform == "ensemble"
    assert (image.input, image.output) == (decode.input, label.output)
    assert [each.data_type for each in image.output] == [model_config_pb2.TYPE_STRING, model_config_pb2.TYPE_FP32]
    steps = image.ensemble_scheduling.step
    assert [each.model_name for each in steps] == [decode.name, name, label.name]
    assert {each.model_version for each in steps} == {-1}
    # What each step is given has been made by then, and each name is one that the step's model knows.
    there = {each.name for each in image.input}
    takes_and_answers = [
        ({"image"}, {input_name}),
        ({input_name}, {output_name}),
        ({output_name}, {"label", "confidence"}),
    ]
    for step, (takes, answers) in zip(steps, takes_and_answers, strict=True):
        assert set(step.input_map) == takes
        assert set(step.output_map) == answers
        assert set(step.input_map.values()) <= there
        there |= set(step.output_map.values())
    assert {each.name for each in image.output} <= there
    for each, delay in ((decode, asked["queue_delay_microseconds"]), (label, 0)):
        assert each.HasField("dynamic_batching")
        assert each.dynamic_batching.max_queue_delay_microseconds == delay
        assert not each.response_cache.enable
    assert [decode.instance_group[0].count, label.instance_group[0].count] == [asked["instances"], 1]
    bound = decode.dynamic_batching.default_queue_policy
    assert (bound.max_queue_size, bound.default_timeout_microseconds) == (
        asked["max_queue_size"],
        asked["queue_timeout_microseconds"],
    )
    assert not label.dynamic_batching.HasField("default_queue_policy")


def test_the_configurations_read_as_expected() -> None:
    text = "\n".join(folder.configuration for folder in folders().values())
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_every_file_that_the_code_imports_is_written_beside_it(tmp_path: Path) -> None:
    write_model_repository(tmp_path / "repository", folders())
    written = {str(path.relative_to(tmp_path / "repository")) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {
        "digits-decode/config.pbtxt",
        *(f"digits-decode/1/{name}.py" for name in ("model", "image_tensor", "server_guard")),
        "digits-label/config.pbtxt",
        "digits-label/labels.json",
        *(f"digits-label/1/{name}.py" for name in ("model", "top_labels", "server_guard")),
        "digits-image/config.pbtxt",
        "digits-image/1/ensemble",
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"input": tensor("x", 20)}, r"its input has the shape \[None, 20\], and images are \[null, 1 or 3, height"),
        ({"input": tensor("x", 2, 8, 8)}, r"its input has the shape \[None, 2, 8, 8\]"),
        ({"input": tensor("x", 8, 8, 3)}, r"its input has the shape \[None, 8, 8, 3\]"),
        ({"input": tensor("x", 3, 8, None)}, r"its input has the shape \[None, 3, 8, None\]"),
        ({"largest_value": None}, r"its manifest does not tell the largest value of a pixel"),
        ({"input": tensor("x", 1, 8, 8, dtype="int8"), "largest_value": 255}, r"dtype 'int8', which does not hold all"),
        ({"labels": LABELS[:9]}, r"its output has the shape \[None, 10\], and it has 9 labels"),
        ({"output": tensor("y", 10, 1)}, r"its output has the shape \[None, 10, 1\], and it has 10 labels"),
        ({"labels": ()}, r"and it has 0 labels"),
    ],
)
def test_a_model_of_something_else_takes_no_images(changes: dict[str, Any], reason: str) -> None:
    assert images_unfit_reason(IMAGES) is None
    with pytest.raises(ValueError, match=reason):
        raise ValueError(images_unfit_reason(IMAGES.model_copy(update=changes)))


def test_where_the_environment_lacks_pillow_or_has_another_numpy_no_images_are_taken(
    triton_environment: Path, tmp_path: Path
) -> None:
    triton = find_triton({"TRAINYARD_TRITON_VENV": str(triton_environment)})
    assert images_unavailable_reason(triton) is None
    without = dataclasses.replace(triton, has_pillow=False)
    assert images_unavailable_reason(without) == f"{triton.environment} lacks the package pillow"
    other = dataclasses.replace(triton, numpy="2.4.6", stub=tmp_path / "stub")
    other.stub.write_bytes(b"numpy.core.multiarray")
    assert images_unavailable_reason(other) == (
        "the Python backend of this tritonserver is built for numpy 1, and there is numpy 2.4.6"
    )
    other.stub.write_bytes(b"numpy._core.multiarray")
    assert images_unavailable_reason(other) is None


@given(st.integers(1, 5), st.integers(1, 6), st.data())
def test_the_most_likely_labels_come_first_with_the_softmax_of_their_logits(
    examples: int, labels: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, labels))
    values = st.floats(-(2.0**99), 2.0**99, width=32)
    logits = np.array(data.draw(st.lists(values, min_size=examples * labels, max_size=examples * labels)), np.float32)
    logits = logits.reshape(examples, labels)
    names, confidences = top_labels(logits, [f"äß{each}" for each in range(labels)], count)
    assert names.shape == confidences.shape == (examples, count)
    assert confidences.dtype == np.float32
    for row, found, shares in zip(logits.astype(np.float64), names, confidences, strict=True):
        order = sorted(range(labels), key=lambda position, row=row: (-row[position], position))[:count]
        assert [name.decode() for name in found] == [f"äß{each}" for each in order]
        softmax = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        np.testing.assert_allclose(shares, softmax[order], rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_have_no_labels(value: float) -> None:
    with pytest.raises(NotFiniteError, match="not finite"):
        top_labels(np.array([[0.0, value]]), ["a", "b"], 1)
