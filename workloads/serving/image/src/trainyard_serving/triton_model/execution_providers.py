"""Which of ONNX Runtime's execution providers run the model, and their options, from the model's configuration.

The configuration says it as for Triton's own backend for ONNX (``optimization.execution_accelerators``), and the names
are translated by the table in its README, https://github.com/triton-inference-server/onnxruntime_backend. The options:
https://onnxruntime.ai/docs/execution-providers/TensorRT-ExecutionProvider.html. No GPU has run this.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"

_PRECISIONS: Mapping[str, Mapping[str, bool]] = {
    "FP32": {"trt_fp16_enable": False, "trt_int8_enable": False},
    "FP16": {"trt_fp16_enable": True, "trt_int8_enable": False},
    "INT8": {"trt_fp16_enable": False, "trt_int8_enable": True},
}
_TRUTHS = {"1": True, "true": True, "0": False, "false": False}
_OPTIONS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "max_workspace_size_bytes": ("trt_max_workspace_size", int),
    "trt_engine_cache_enable": ("trt_engine_cache_enable", _TRUTHS.__getitem__),
    "trt_engine_cache_path": ("trt_engine_cache_path", str),
    "trt_profile_min_shapes": ("trt_profile_min_shapes", str),
    "trt_profile_opt_shapes": ("trt_profile_opt_shapes", str),
    "trt_profile_max_shapes": ("trt_profile_max_shapes", str),
}


def tensorrt_parameters(configuration: Mapping[str, Any]) -> Mapping[str, str] | None:
    """What the configuration, as the backend gives it, says of TensorRT on GPUs; None where it is not asked for."""
    accelerators = configuration.get("optimization", {}).get("execution_accelerators", {})
    for each in accelerators.get("gpu_execution_accelerator", []):
        if each["name"] != "tensorrt":
            raise ValueError(f"the configuration asks for the accelerator {each['name']!r}; there is tensorrt")
        parameters: Mapping[str, str] = each.get("parameters", {})
        return parameters
    return None


def tensorrt_options(parameters: Mapping[str, str], *, device: int, engines: str | None) -> dict[str, Any]:
    """The provider's options.

    Args:
        parameters: what ``tensorrt_parameters`` returned.
        device: the number of the GPU.
        engines: the folder for the engines of this one model; None where they are not kept.

    Raises:
        ValueError: a parameter that is not known, or cannot be read; it is named.
    """
    options: dict[str, Any] = {"device_id": device, **_PRECISIONS["FP32"]}
    for key, text in parameters.items():
        try:
            if key == "precision_mode":
                options |= _PRECISIONS[text]
            else:
                name, read = _OPTIONS[key]
                options[name] = read(text)
        except (KeyError, ValueError):
            raise ValueError(f"the configuration has the parameter {key} = {text!r}, which is not known") from None
    for name in ("trt_engine_cache_enable", "trt_engine_cache_path"):
        options.pop(name, None)
    if engines is not None:
        options |= {
            "trt_engine_cache_enable": True,
            "trt_engine_cache_path": engines,
            "trt_timing_cache_enable": True,
            "trt_timing_cache_path": engines,
        }
    return options


def execution_providers(
    parameters: Mapping[str, str] | None, *, kind: str, device: int, engines: str | None, available: Sequence[str]
) -> list[tuple[str, dict[str, Any]]]:
    """The providers, those first that are asked first; what one cannot run the next does, down to the CPU.

    Args:
        parameters: what ``tensorrt_parameters`` returned.
        kind: of the instance: ``GPU`` or ``CPU``.
        device: the number of its GPU.
        engines: as for ``tensorrt_options``.
        available: what this ONNX Runtime was built with.

    Raises:
        RuntimeError: what is asked for is not among them.
        ValueError: as ``tensorrt_options``.
    """
    wanted = [*([TENSORRT] if parameters is not None else []), *([CUDA] if kind == "GPU" else [])]
    if missing := [name for name in wanted if name not in available]:
        raise RuntimeError(
            f"the service asks for {' and '.join(missing)}, and this onnxruntime has only {', '.join(available)}"
        )
    if kind != "GPU":
        if parameters is not None:
            raise RuntimeError(f"the service asks for {TENSORRT}, which runs on GPUs, and this instance is on a CPU")
        return [(CPU, {})]
    providers: list[tuple[str, dict[str, Any]]] = [(CUDA, {"device_id": device}), (CPU, {})]
    if parameters is not None:
        providers.insert(0, (TENSORRT, tensorrt_options(parameters, device=device, engines=engines)))
    return providers


def require_used(wanted: Sequence[tuple[str, Any]], used: Sequence[str]) -> None:
    """Raise RuntimeError where a session runs without a provider that it was to have.

    ONNX Runtime says so in its log only and goes on with the others, much slower: it is what happens where it was built
    with TensorRT or CUDA and their own libraries are missing.
    """
    if missing := [name for name, _ in wanted if name not in used]:
        raise RuntimeError(
            f"{' and '.join(missing)} could not be used, though this onnxruntime has it (are the libraries of TensorRT"
            f" and CUDA missing?); the session has only {', '.join(used)}"
        )
