"""Triton's model repository: the configuration of a model, computed from its manifest, and the folders of models.

Configuration: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_configuration.html
Folder layout: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_repository.html
"""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from trainyard_artifacts.manifest import ModelSignature, TensorSignature
from trainyard_serving.release import MODEL_FILE as MODEL_FILE

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

EXECUTIONS = "executions"
"""The resource of Triton's rate limiter that each run of a model takes one of."""
LABELS_FILE = "labels.txt"
CONFIGURATION_FILE = "config.pbtxt"


class UnservableModelError(Exception):
    """The manifest describes a model that cannot be served; the message names the tensor and what would be valid."""


@dataclass(frozen=True)
class Word:
    """A value of the text format that is written without quotes: the name of an enumeration's member."""

    text: str


@dataclass(frozen=True)
class ModelFolder:
    """What the folder of one model in a repository holds."""

    configuration: str
    """The text of ``config.pbtxt``."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The text of each file, by its path in the folder: ``1/model.py``, ``labels.txt``."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Where each symbolic link points to, by its path in the folder: ``1/model.onnx``."""


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
    executions_at_once: int = 0,
    optimization: Mapping[str, Value] | None = None,
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
        executions_at_once: models that the server runs at the same time on a device; 0 for any number.
        optimization: the field of that name, for an accelerator.

    Raises:
        UnservableModelError: a type that the model code does not pass on, or a tensor without batch dimension.
    """
    return encode_text_format(
        {
            "name": name,
            "backend": "python",
            "max_batch_size": max_batch_size,
            "input": (tensor_message(model.input),),
            "output": ({**tensor_message(model.output), "label_filename": LABELS_FILE},),
            # By itself Triton would load the highest version only.
            "version_policy": {"all": {}},
            "instance_group": (instance_group(instances, device, executions_at_once),),
            **({"optimization": optimization} if optimization else {}),
            "dynamic_batching": {
                "preferred_batch_size": tuple(sorted({max(max_batch_size // 2, 1), max_batch_size})),
                "max_queue_delay_microseconds": queue_delay_microseconds,
                **queue_policy(max_queue_size, queue_timeout_microseconds),
            },
            "model_warmup": _warm_up(model.input, max_batch_size),
            **({"response_cache": {"enable": True}} if cached else {}),
        }
    )


def encode_text_format(message: Mapping[str, Value]) -> str:
    """A message in protobuf's text format, https://protobuf.dev/reference/protobuf/textformat-spec/."""
    return "\n".join(_lines(message, "")) + "\n"


def write_model_repository(directory: Path, folders: Mapping[str, ModelFolder]) -> None:
    """Write the repository, readable by its owner only; one that is there already is replaced.

    Args:
        directory: the repository.
        folders: the folder of each model, by the model's name.

    Raises:
        OSError: the directory cannot be written.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)
    for name, folder in folders.items():
        _write_folder(directory / name, folder)


def replace_model_folders(directory: Path, folders: Mapping[str, ModelFolder]) -> None:
    """Replace folders in a repository that a server uses: each is there whole, the old one or the new.

    Raises:
        OSError: the directory cannot be written; the folders that come later are the old ones.
    """
    # Beside the repository and not in it: what is in it is a model.
    beside = directory.with_name(f"{directory.name}-{secrets.token_hex(4)}")
    try:
        for name, folder in folders.items():
            _write_folder(beside / "new" / name, folder)
        (beside / "old").mkdir(mode=0o700)
        for name in folders:
            if (directory / name).exists():
                (directory / name).rename(beside / "old" / name)
            (beside / "new" / name).rename(directory / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def labels_text(labels: Sequence[str]) -> str:
    """The text of ``labels.txt``, for Triton's classification extension: a line for each output position."""
    return "".join(f"{' '.join(label.split())}\n" for label in labels)


def model_code(name: str) -> str:
    """The text of a file of ``triton_model``, the code that the Python backend runs."""
    return files("trainyard_serving").joinpath("triton_model", name).read_text(encoding="utf-8")


def tensor_message(tensor: TensorSignature) -> dict[str, Value]:
    """An input or output of a configuration. Raises UnservableModelError as ``model_configuration`` does."""
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


def instance_group(count: int, device: str, executions_at_once: int) -> dict[str, Value]:
    """Which processes run a model; where executions are limited, with what each run takes of the limit.

    Rate limiter: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/rate_limiter.html

    Args:
        count: processes for each device.
        device: ``cpu`` or ``gpu``.
        executions_at_once: as for ``model_configuration``.
    """
    group: dict[str, Value] = {"count": count, "kind": Word(f"KIND_{device.upper()}")}
    if executions_at_once:
        group["rate_limiter"] = {"resources": ({"name": EXECUTIONS, "count": 1},)}
    return group


def queue_policy(largest: int, timeout_microseconds: int) -> dict[str, Value]:
    """What bounds the queue of a model, as a part of ``dynamic_batching``; empty where neither bound is set."""
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
    described = tensor_message(tensor)
    zeros = {"data_type": described["data_type"], "dims": described["dims"], "zero_data": True}
    return tuple(
        {"name": f"zeros_{size}", "batch_size": size, "inputs": {"key": tensor.name, "value": zeros}}
        for size in sorted({1, max_batch_size})
    )


def _lines(message: Mapping[str, Value], indent: str) -> Iterator[str]:
    for name, value in message.items():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Mapping):
                yield f"{indent}{name} {{"
                yield from _lines(each, indent + "  ")
                yield f"{indent}}}"
            else:
                yield f"{indent}{name}: {_scalar(each)}"


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


def _write_folder(directory: Path, folder: ModelFolder) -> None:
    paths = [CONFIGURATION_FILE, *folder.files, *folder.links]
    for each in sorted({directory, *((directory / path).parent for path in paths)}):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, text in {CONFIGURATION_FILE: folder.configuration, **folder.files}.items():
        descriptor = os.open(directory / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            # Writing itself does not tell what was written.
            raise OSError(error.errno, error.strerror, str(directory / path)) from None
    for path, target in folder.links.items():
        (directory / path).symlink_to(target)
