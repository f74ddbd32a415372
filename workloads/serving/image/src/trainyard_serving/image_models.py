"""Images for a model that takes pixels: the models before and behind it, and the ensemble of the three.

A client then sends a JPEG, PNG or WebP file to ``NAME-image`` and gets a label and a confidence; tensors go to ``NAME``
as before. In the server ``NAME-decode`` makes the tensor and ``NAME-label`` names the answer.

Ensembles: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/ensemble_models.html
"""

import json
from collections.abc import Mapping, Sequence

from trainyard_artifacts.manifest import ModelSignature
from trainyard_serving.model_repository import (
    ModelFolder,
    Value,
    Word,
    encode_text_format,
    instance_group,
    model_code,
    queue_policy,
    tensor_message,
)
from trainyard_serving.specification import ServiceSpecification
from trainyard_serving.triton import Triton

IMAGE_INPUT, LABEL_OUTPUT, CONFIDENCE_OUTPUT = "image", "label", "confidence"
"""The tensors of ``NAME-image``."""

_CHANNELS = (1, 3)
_LARGEST_WHOLE = {"int8": 2**7 - 1, "uint8": 2**8 - 1, "int16": 2**15 - 1, "uint16": 2**16 - 1, "float16": 2**11}
"""Up to here the smaller types hold every whole number."""
_VERSION = "1"
# Of the module that pybind11 looks for since 2.12, the first that knows numpy 2.
_KNOWS_NUMPY_2 = b"numpy._core"


def image_model_name(name: str) -> str:
    """What clients call the ensemble of the model called ``name``."""
    return f"{name}-image"


def images_unfit_reason(model: ModelSignature) -> str | None:
    """Why no images can be sent to this model; None where they can."""
    shape, largest = model.input.shape, model.largest_value
    if len(shape) != 4 or shape[1] not in _CHANNELS or None in shape[2:]:  # batch and an image's three
        return f"its input has the shape {list(shape)}, and images are [null, 1 or 3, height, width]"
    if largest is None:
        return "its manifest does not tell the largest value of a pixel (model.largest_value)"
    if largest > _LARGEST_WHOLE.get(model.input.dtype, largest):
        return f"its input has dtype {model.input.dtype!r}, which does not hold all whole numbers up to {largest}"
    if not model.labels or model.output.shape != (None, len(model.labels)):
        return f"its output has the shape {list(model.output.shape)}, and it has {len(model.labels)} labels"
    return None


def images_unavailable_reason(triton: Triton) -> str | None:
    """Why this tritonserver cannot take images, whatever the model; None where it can."""
    if not triton.has_pillow:
        return f"{triton.environment} lacks the package pillow"
    if int(triton.numpy.partition(".")[0]) > 1 and _KNOWS_NUMPY_2 not in triton.stub.read_bytes():
        # It would end with the first text that it is to hand over (triton-inference-server/python_backend, PR 384).
        return f"the Python backend of this tritonserver is built for numpy 1, and there is numpy {triton.numpy}"
    return None


def image_folders(
    specification: ServiceSpecification, models: Sequence[ModelSignature], triton: Triton
) -> Mapping[str, ModelFolder]:
    """What the service's repository holds for images; nothing, and a line in the log, where they cannot be taken.

    Args:
        specification: of the service.
        models: from the manifests of its releases, which take and answer the same.
        triton: what will serve them.
    """
    if not specification.images:
        return {}
    model = models[0]
    largest = {each.largest_value for each in models}
    differ = "its releases differ in the largest value of a pixel" if len(largest) > 1 else None
    if reason := differ or images_unfit_reason(model) or images_unavailable_reason(triton):
        print(f"{specification.service}: no images are taken, only tensors: {reason}", flush=True)
        return {}
    return image_model_folders(
        model,
        name=specification.model_name,
        max_batch_size=specification.max_batch_size,
        queue_delay_microseconds=specification.queue_delay_microseconds,
        max_queue_size=specification.max_queue_size,
        queue_timeout_microseconds=specification.queue_timeout_microseconds,
        instances=specification.instances,
        executions_at_once=specification.executions_at_once,
    )


def image_model_folders(
    model: ModelSignature,
    *,
    name: str,
    max_batch_size: int,
    queue_delay_microseconds: int,
    max_queue_size: int,
    queue_timeout_microseconds: int,
    instances: int = 1,
    executions_at_once: int = 0,
) -> dict[str, ModelFolder]:
    """The folders of ``NAME-decode``, ``NAME-label`` and ``NAME-image``, by their names.

    Each step batches what there is for it. The first waits for more, as the model does: what is decoded together goes
    on together, which saves a quarter of the processor's time. The last does not wait. What is too much is refused
    before it is decoded, or by the model, and never once the model has answered.

    Args:
        model: from the manifest, one that ``images_unfit_reason`` says nothing about.
        name: of the model itself.
        max_batch_size: of one request and of requests batched together.
        queue_delay_microseconds: longest wait of a request for others, at the decoder; the model has its own.
        max_queue_size: requests that wait for the decoder at the most; 0 for any number.
        queue_timeout_microseconds: one that has waited longer for it is refused; 0 for never.
        instances: processes that decode.
        executions_at_once: models that the server runs at the same time on a device, these included; 0 for any number.
    """
    decode, label = f"{name}-decode", f"{name}-label"
    image: Mapping[str, Value] = {"name": IMAGE_INPUT, "data_type": Word("TYPE_STRING"), "dims": (1,)}
    # As many as the request asks for.
    answers: tuple[Mapping[str, Value], ...] = (
        {"name": LABEL_OUTPUT, "data_type": Word("TYPE_STRING"), "dims": (-1,)},
        {"name": CONFIDENCE_OUTPUT, "data_type": Word("TYPE_FP32"), "dims": (-1,)},
    )
    bounds = queue_policy(max_queue_size, queue_timeout_microseconds)
    batching = {"max_queue_delay_microseconds": queue_delay_microseconds, **bounds}
    decode_configuration: Mapping[str, Value] = {
        **_python_model(decode, max_batch_size, instance_group(instances, "cpu", executions_at_once), batching),
        "input": (image,),
        "output": (tensor_message(model.input),),
        "parameters": (_parameter("dtype", model.input.dtype), _parameter("largest_value", str(model.largest_value))),
    }
    label_configuration: Mapping[str, Value] = {
        **_python_model(label, max_batch_size, instance_group(1, "cpu", executions_at_once), {}),
        "input": (tensor_message(model.output),),
        "output": answers,
    }
    steps = (
        _step(decode, {IMAGE_INPUT: IMAGE_INPUT}, {model.input.name: "tensor"}),
        _step(name, {model.input.name: "tensor"}, {model.output.name: "logits"}),
        _step(label, {model.output.name: "logits"}, {each: each for each in (LABEL_OUTPUT, CONFIDENCE_OUTPUT)}),
    )
    ensemble: Mapping[str, Value] = {
        "name": image_model_name(name),
        "platform": "ensemble",
        "max_batch_size": max_batch_size,
        "input": (image,),
        "output": answers,
        "ensemble_scheduling": {"step": steps},
    }
    return {
        decode: ModelFolder(encode_text_format(decode_configuration), _code("decode_model.py", "image_tensor.py")),
        label: ModelFolder(
            encode_text_format(label_configuration),
            {**_code("label_model.py", "top_labels.py"), "labels.json": json.dumps(model.labels)},
        ),
        # It has a version and nothing in it.
        image_model_name(name): ModelFolder(encode_text_format(ensemble), {f"{_VERSION}/ensemble": ""}),
    }


def _python_model(
    name: str, max_batch_size: int, group: Mapping[str, Value], batching: Mapping[str, Value]
) -> dict[str, Value]:
    return {
        "name": name,
        "backend": "python",
        "max_batch_size": max_batch_size,
        "instance_group": (group,),
        "dynamic_batching": batching,
    }


def _step(name: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> Mapping[str, Value]:
    return {
        "model_name": name,
        # As for a client that names none.
        "model_version": -1,
        "input_map": tuple({"key": key, "value": value} for key, value in inputs.items()),
        "output_map": tuple({"key": key, "value": value} for key, value in outputs.items()),
    }


def _parameter(name: str, value: str) -> Mapping[str, Value]:
    return {"key": name, "value": {"string_value": value}}


def _code(model: str, *others: str) -> dict[str, str]:
    return {f"{_VERSION}/model.py": model_code(model)} | {
        f"{_VERSION}/{each}": model_code(each) for each in (*others, "server_guard.py")
    }
