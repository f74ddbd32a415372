"""Triton's model repository: the configuration of one model, computed from its manifest, and the folder that holds it.

Configuration: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_configuration.html
Folder layout: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_repository.html
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from trainyard_artifacts.manifest import ModelSignature, TensorSignature

TRITON_TYPES: Mapping[str, str] = {
    "float16": "TYPE_FP16",
    "float32": "TYPE_FP32",
    "float64": "TYPE_FP64",
    "int8": "TYPE_INT8",
    "int16": "TYPE_INT16",
    "int32": "TYPE_INT32",
    "int64": "TYPE_INT64",
    "uint8": "TYPE_UINT8",
    "uint16": "TYPE_UINT16",
    "uint32": "TYPE_UINT32",
    "uint64": "TYPE_UINT64",
}
"""NumPy's name of a type to Triton's, for the types that the model in ``triton_model`` passes on."""

LABELS_FILE = "labels.txt"
MODEL_FILE = "model.onnx"
_CODE_FILE = "model.py"
_VERSION = "1"


class UnservableModelError(Exception):
    """The manifest describes a model that cannot be served; the message names the tensor and what would be valid."""


@dataclass(frozen=True)
class Word:
    """A value of the text format that is written without quotes: the name of an enumeration's member."""

    text: str


Value = str | int | bool | Word | tuple["Value", ...] | Mapping[str, "Value"]
"""A field of a message in protobuf's text format. A tuple is a repeated field."""


def model_configuration(
    model: ModelSignature,
    *,
    name: str,
    max_batch_size: int,
    queue_delay_microseconds: int,
    max_queue_size: int,
    queue_timeout_microseconds: int,
    device: str = "cpu",
    instances: int = 1,
    cached: bool = False,
) -> str:
    """The text of ``config.pbtxt``: an ONNX model run by the Python backend, with dynamic batching.

    Preferred batches are the full and the half one: a queue that holds as much goes at once, and what is less waits
    ``queue_delay_microseconds`` for more. Before the server says that it is ready, the model has run on zeros, alone
    and in a full batch; not where the manifest leaves a size open, since which one the model takes is not known.

    Args:
        model: from the manifest; the first dimension of input and output is the batch.
        name: what clients call it, and its folder.
        max_batch_size: of one request and of requests batched together.
        queue_delay_microseconds: longest wait of a request for others.
        max_queue_size: requests that wait at the most, what is more is refused at once; 0 for any number.
        queue_timeout_microseconds: a request that has waited longer is refused; 0 for never. With either bound a
            request may name a shorter time for itself, not a longer one.
        device: ``cpu`` or ``gpu``.
        instances: processes for each device.
        cached: whether the answer to an input that was seen before may come from the server's cache.

    Raises:
        UnservableModelError: a type that the model code does not pass on, or a tensor without batch dimension.
    """
    return encode_text_format(
        {
            "name": name,
            "backend": "python",
            "max_batch_size": max_batch_size,
            "input": (_tensor(model.input),),
            "output": ({**_tensor(model.output), "label_filename": LABELS_FILE},),
            "instance_group": ({"count": instances, "kind": Word(f"KIND_{device.upper()}")},),
            "dynamic_batching": {
                "preferred_batch_size": tuple(sorted({max(max_batch_size // 2, 1), max_batch_size})),
                "max_queue_delay_microseconds": queue_delay_microseconds,
                **_queue_policy(max_queue_size, queue_timeout_microseconds),
            },
            "model_warmup": _warm_up(model.input, max_batch_size),
            **({"response_cache": {"enable": True}} if cached else {}),
        }
    )


def encode_text_format(message: Mapping[str, Value]) -> str:
    """A message in protobuf's text format, https://protobuf.dev/reference/protobuf/textformat-spec/."""
    return "\n".join(_lines(message, "")) + "\n"


def write_model_repository(
    directory: Path, *, name: str, configuration: str, labels: tuple[str, ...], model_path: str
) -> None:
    """Write the repository, readable by its owner only; one that is there already is replaced.

    Args:
        directory: the repository; the model's folder in it is called ``name``.
        name: as in ``configuration``.
        configuration: what ``model_configuration`` returned.
        labels: of each output position, for Triton's classification extension.
        model_path: where the server's processes find the ONNX file. The repository only points to it.

    Raises:
        OSError: the directory cannot be written.
    """
    shutil.rmtree(directory, ignore_errors=True)
    version = directory / name / _VERSION
    for folder in (directory, directory / name, version):
        folder.mkdir(mode=0o700, parents=True)
    _write(directory / name / "config.pbtxt", configuration)
    _write(directory / name / LABELS_FILE, "".join(f"{' '.join(label.split())}\n" for label in labels))
    _write(version / _CODE_FILE, files("trainyard_serving").joinpath("triton_model", _CODE_FILE).read_text())
    (version / MODEL_FILE).symlink_to(model_path)


def _tensor(tensor: TensorSignature) -> dict[str, Value]:
    triton_type = TRITON_TYPES.get(tensor.dtype)
    if triton_type is None:
        raise UnservableModelError(
            f"tensor {tensor.name!r} has dtype {tensor.dtype!r}; the service can pass on {', '.join(TRITON_TYPES)}"
        )
    if len(tensor.shape) < 2 or tensor.shape[0] is not None:
        raise UnservableModelError(
            f"tensor {tensor.name!r} has shape {list(tensor.shape)}; expected null (the batch), then other dimensions"
        )
    if any(size is not None and size < 1 for size in tensor.shape):
        raise UnservableModelError(f"tensor {tensor.name!r} has shape {list(tensor.shape)}; sizes must be at least 1")
    dimensions = tuple(-1 if size is None else size for size in tensor.shape[1:])
    return {"name": tensor.name, "data_type": Word(triton_type), "dims": dimensions}


def _queue_policy(largest: int, timeout_microseconds: int) -> dict[str, Value]:
    # A policy of any kind slows the batcher down (docs/serving.md), so there is none where nothing is bounded.
    if not (largest or timeout_microseconds):
        return {}
    return {
        "default_queue_policy": {
            "timeout_action": Word("REJECT"),
            "default_timeout_microseconds": timeout_microseconds,
            "allow_timeout_override": True,
            "max_queue_size": largest,
        }
    }


def _warm_up(tensor: TensorSignature, max_batch_size: int) -> tuple[Mapping[str, Value], ...]:
    if None in tensor.shape[1:]:
        return ()
    described = _tensor(tensor)
    zeros = {"data_type": described["data_type"], "dims": described["dims"], "zero_data": True}
    return tuple(
        {"name": f"zeros_{size}", "batch_size": size, "inputs": {"key": tensor.name, "value": zeros}}
        for size in sorted({1, max_batch_size})
    )


def _lines(message: Mapping[str, Value], indent: str) -> Iterator[str]:
    for field, value in message.items():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Mapping):
                yield f"{indent}{field} {{"
                yield from _lines(each, indent + "  ")
                yield f"{indent}}}"
            else:
                yield f"{indent}{field}: {_scalar(each)}"


def _scalar(value: Value) -> str:
    if isinstance(value, Word):
        return value.text
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{_escaped(value)}"'
    return str(value)


def _escaped(text: str) -> str:
    # Octal, since a hexadecimal escape goes on for as long as hexadecimal digits follow.
    plain = range(0x20, 0x7F)
    return "".join(chr(byte) if byte in plain and chr(byte) not in '"\\' else f"\\{byte:03o}" for byte in text.encode())


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
