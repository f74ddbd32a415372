"""The settings of what runs the model on GPUs: what they can be, and which do not go together.

Source: ONNX Runtime, "TensorRT Execution Provider"; TensorRT, "Explicit Quantization".
"""

from collections.abc import Mapping
from typing import Literal

Accelerator = Literal["none", "tensorrt"]
Precision = Literal["fp32", "fp16", "int8"]
STATIC_VARIANT = "int8_static"
"""The variant whose file tells the range of each tensor, which int8 needs."""


def accelerator_problem(accelerator: Accelerator, *, on_cluster: bool, gpu: bool | None) -> str | None:
    """Why there cannot be this accelerator, in words that follow `KEY = VALUE: `; None where there can.

    :param on_cluster: Whether the service runs in a cluster.
    :param gpu: Whether its pods have a GPU or a slice of one; None where that is not known.
    """
    if accelerator == "none":
        return None
    if not on_cluster:
        return "must be none on one machine, where the server runs on CPUs; tensorrt is for pods with GPUs"
    if gpu is False:
        return "must be none where pods.gpus is 0 and pods.mig_profile is empty; tensorrt is for pods with GPUs"
    return None


def precision_problem(precision: Precision, accelerator: Accelerator, variants: Mapping[int, str]) -> str | None:
    """Why the releases cannot be served in this precision, as `accelerator_problem`.

    Which variant a run has chosen is known when it has been trained; the service then refuses what does not fit.

    :param variants: The variant that each release names, by its version; empty for the one that its run has chosen.
    """
    if accelerator == "none":
        told = "must be fp32 where accelerator is none: the model's own file says what it is computed in"
        return told if precision != "fp32" else None
    if precision == "int8" and (others := [version for version, name in variants.items() if name != STATIC_VARIANT]):
        return (
            f"must be fp32 or fp16 unless every release has the variant {STATIC_VARIANT}, which alone tells the ranges "
            f"of its tensors; others have {_versions(others)}"
        )
    if precision != "int8" and (static := [version for version, name in variants.items() if name == STATIC_VARIANT]):
        return f"must be int8 for releases of the variant {STATIC_VARIANT}: {_versions(static)}"
    return None


def _versions(numbers: list[int]) -> str:
    return f"version{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
