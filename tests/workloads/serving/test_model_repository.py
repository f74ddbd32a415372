"""The model's configuration, read back by protobuf's own parser, and the folder that is written."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import model_config_pb2

from tests.workloads.serving.service_process import LABELS, SIGNATURE
from trainyard_artifacts.manifest import ModelSignature, TensorSignature
from trainyard_serving.model_repository import (
    TRITON_TYPES,
    ModelFolder,
    UnservableModelError,
    encode_text_format,
    labels_text,
    model_configuration,
    replace_model_folders,
    write_model_repository,
)

GOLDEN = Path(__file__).parent / "config.pbtxt"


def parse(text: str) -> Any:
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def configuration(model: ModelSignature, **asked: Any) -> str:
    others = {"name": "digits", "max_batch_size": 64, "queue_delay_microseconds": 500, "max_queue_size": 256}
    return model_configuration(model, **{**others, "queue_timeout_microseconds": 10_000_000, **asked})


def tensors() -> st.SearchStrategy[TensorSignature]:
    sizes = st.none() | st.integers(1, 2**40)
    return st.builds(
        TensorSignature,
        name=st.text(min_size=1),
        dtype=st.sampled_from(sorted(TRITON_TYPES)),
        shape=st.lists(sizes, min_size=1, max_size=5).map(lambda dimensions: (None, *dimensions)),
    )


@given(
    model=st.builds(ModelSignature, input=tensors(), output=tensors(), labels=st.just(("a", "b"))),
    name=st.text(min_size=1),
    max_batch_size=st.integers(1, 65_536),
    queue_delay_microseconds=st.integers(0, 10_000_000),
    max_queue_size=st.integers(0, 1_000_000),
    queue_timeout_microseconds=st.integers(0, 3_600_000_000),
    device=st.sampled_from(["cpu", "gpu"]),
    instances=st.integers(1, 64),
    cached=st.booleans(),
)
def test_the_configuration_says_what_was_asked(model: ModelSignature, **asked: Any) -> None:
    parsed = parse(model_configuration(model, **asked))
    assert parsed.name == asked["name"]
    assert parsed.backend == "python"
    assert parsed.max_batch_size == asked["max_batch_size"]
    for tensor, (found,) in ((model.input, parsed.input), (model.output, parsed.output)):
        assert found.name == tensor.name
        assert model_config_pb2.DataType.Name(found.data_type) == TRITON_TYPES[tensor.dtype]
        assert list(found.dims) == [-1 if size is None else size for size in tensor.shape[1:]]
    preferred = list(parsed.dynamic_batching.preferred_batch_size)
    assert preferred == sorted(set(preferred))
    assert preferred[-1] == asked["max_batch_size"]
    assert preferred[0] >= 1
    assert parsed.dynamic_batching.max_queue_delay_microseconds == asked["queue_delay_microseconds"]
    bounded = asked["max_queue_size"] > 0 or asked["queue_timeout_microseconds"] > 0
    assert parsed.dynamic_batching.HasField("default_queue_policy") == bounded
    policy = parsed.dynamic_batching.default_queue_policy
    assert policy.max_queue_size == asked["max_queue_size"]
    assert policy.default_timeout_microseconds == asked["queue_timeout_microseconds"]
    assert policy.timeout_action == model_config_pb2.ModelQueuePolicy.REJECT
    assert policy.allow_timeout_override == bounded
    assert parsed.response_cache.enable == asked["cached"]
    assert parsed.version_policy.HasField("all")
    (group,) = parsed.instance_group
    assert group.count == asked["instances"]
    assert model_config_pb2.ModelInstanceGroup.Kind.Name(group.kind) == f"KIND_{asked['device'].upper()}"


@given(model=st.builds(ModelSignature, input=tensors(), output=tensors(), labels=st.just(())), most=st.integers(1, 64))
def test_the_model_runs_alone_and_in_a_full_batch_before_it_is_ready(model: ModelSignature, most: int) -> None:
    parsed = parse(configuration(model, max_batch_size=most))
    if None in model.input.shape[1:]:
        # Which size it takes is not known.
        assert not parsed.model_warmup
        return
    assert [each.batch_size for each in parsed.model_warmup] == sorted({1, most})
    assert len({each.name for each in parsed.model_warmup}) == len(parsed.model_warmup)
    for each in parsed.model_warmup:
        ((name, tensor),) = each.inputs.items()
        assert name == model.input.name
        assert tensor.zero_data
        assert (tensor.data_type, list(tensor.dims)) == (parsed.input[0].data_type, list(parsed.input[0].dims))


@given(st.text())
def test_any_text_survives_the_text_format(text: str) -> None:
    assert parse(encode_text_format({"name": text})).name == text


def test_the_configuration_reads_as_expected() -> None:
    text = configuration(SIGNATURE)
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


@pytest.mark.parametrize(
    ("dtype", "shape", "message"),
    [
        ("bool", (None, 3), r"tensor 'x' has dtype 'bool'; the service can pass on float16"),
        ("float32", (1, 3), r"tensor 'x' has shape \[1, 3\]; expected null"),
        ("float32", (None,), r"tensor 'x' has shape \[None\]"),
        ("float32", (None, 0), r"sizes must be at least 1"),
    ],
)
def test_a_model_that_cannot_be_served(dtype: str, shape: Any, message: str) -> None:
    model = SIGNATURE.model_copy(update={"output": TensorSignature(name="x", dtype=dtype, shape=shape)})
    with pytest.raises(UnservableModelError, match=message):
        configuration(model)


def test_the_repository_is_written_for_its_owner_and_replaced(tmp_path: Path) -> None:
    directory = tmp_path / "repository"
    (directory / "old" / "1").mkdir(parents=True)
    folder = ModelFolder(
        "x",
        {"1/model.py": "y", "labels.txt": labels_text([*LABELS, "two\nlines"])},
        {"1/model.onnx": "/proc/self/fd/3"},
    )
    write_model_repository(directory, {"digits": folder})
    written = {str(path.relative_to(directory)) for path in directory.rglob("*")}
    assert written == {
        "digits", "digits/1", "digits/1/model.onnx", "digits/1/model.py", "digits/config.pbtxt", "digits/labels.txt",
    }  # fmt: skip
    modes = {stat.S_IMODE(path.lstat().st_mode) for path in directory.rglob("*") if not path.is_symlink()}
    assert modes == {0o700, 0o600}
    assert (directory / "digits/labels.txt").read_text().splitlines() == [*LABELS, "two lines"]
    assert str((directory / "digits/1/model.onnx").readlink()) == "/proc/self/fd/3"


def test_one_folder_is_replaced_and_others_stay(tmp_path: Path) -> None:
    directory = tmp_path / "repository"
    write_model_repository(directory, {"a": ModelFolder("1", {"1/model.py": ""}), "b": ModelFolder("1")})
    replace_model_folders(directory, {"a": ModelFolder("2")})
    assert {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == {
        "repository/a/config.pbtxt": "2",
        "repository/b/config.pbtxt": "1",
    }
    assert list(tmp_path.iterdir()) == [directory]
