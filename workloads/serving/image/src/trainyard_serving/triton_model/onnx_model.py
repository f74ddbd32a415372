"""An ONNX file in ONNX Runtime, run for requests that Triton has batched together.

Imported by the model code beside it, in the backend's own process, which has the packages of the Triton environment and
none of this project's. Requests become one run of the model. Tensors are handed over by DLPack and never as numpy
arrays: the backend's own conversion is built against numpy 1 and silently answers empty tensors with numpy 2.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as backend
from engine_cache import EngineCache
from execution_providers import execution_providers, require_used, tensorrt_parameters


class OnnxModel:
    """A file, and how the configuration says that it is called."""

    def __init__(self, path: Path, args: dict[str, str]) -> None:
        """Load it, compare it with the configuration, and run it on zeros, alone and in a full batch.

        That it does not run has to be told here: where it fails in the server's own warm-up when a running service is
        to load it, Triton 2.51 crashes. Where the configuration leaves a size open, which one fits is not known.

        Args:
            path: of the ONNX file.
            args: what the backend has given to the model.
        """
        configuration = json.loads(args["model_config"])
        self._input = configuration["input"][0]
        self._output = configuration["output"][0]
        model = path.read_bytes()
        parameters = tensorrt_parameters(configuration)
        providers, engines = _providers(model, parameters, args)
        try:
            self._load(model, providers, int(configuration["max_batch_size"]))
        except BaseException:
            if engines is not None:
                engines.discard()
            raise
        if engines is not None:
            engines.keep()

    def _load(self, model: bytes, providers: list[Any], largest_batch: int) -> None:
        options = onnxruntime.SessionOptions()
        # Threads that spin while they wait would take the processor from the server's own.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # By itself it counts the machine's CPUs, of which a container may use a few only; 0 leaves it to that.
        options.intra_op_num_threads = int(os.environ.get("TRAINYARD_THREADS", "0"))
        self._session = onnxruntime.InferenceSession(model, options, providers=providers)
        require_used(providers, self._session.get_providers())
        _require_same_names("inputs", [each.name for each in self._session.get_inputs()], self._input["name"])
        _require_same_names("outputs", [each.name for each in self._session.get_outputs()], self._output["name"])
        sizes = [int(size) for size in self._input["dims"]]
        if -1 not in sizes:
            kind = backend.triton_string_to_numpy(self._input["data_type"])
            for count in sorted({1, largest_batch}):
                self._run([np.zeros([count, *sizes], kind)])

    def answer(self, requests: list[Any]) -> list[Any]:
        """The response to each request, in their order; from all that fit the model in one run of it."""
        name = self._input["name"]
        try:
            inputs = [np.from_dlpack(backend.get_input_tensor_by_name(request, name)) for request in requests]
            # The server takes a batch of 2**32 for one of none and passes it on; it is not to fail others beside it.
            fitting = [each for each in inputs if self._fits(each)]
            results = iter(self._run(fitting) if fitting else [])
        except Exception as error:
            # An error of its own for each: of one that several share, the backend frees the text with the first.
            message = f"the model could not be run: {error}"
            return [backend.InferenceResponse([], backend.TritonError(message)) for _ in requests]
        return [self._response(next(results)) if self._fits(each) else self._refusal(each) for each in inputs]

    def _fits(self, array: Any) -> bool:
        # Numbers of 64 bits are text in the configuration's JSON.
        sizes = [int(size) for size in self._input["dims"]]
        return array.ndim == len(sizes) + 1 and all(
            size in (-1, found) for size, found in zip(sizes, array.shape[1:], strict=True)
        )

    def _run(self, inputs: list[Any]) -> list[Any]:
        (result,) = self._session.run(
            [self._output["name"]], {self._input["name"]: inputs[0] if len(inputs) == 1 else np.concatenate(inputs)}
        )
        return np.split(result, np.cumsum([len(each) for each in inputs])[:-1])

    def _refusal(self, array: Any) -> Any:
        dims = ", ".join(map(str, ["any number", *self._input["dims"]]))
        message = f"{self._input['name']} has the shape {list(array.shape)}, expected [{dims}]"
        return backend.InferenceResponse([], backend.TritonError(message, backend.TritonError.INVALID_ARG))

    def _response(self, result: Any) -> Any:
        value = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(result))
        return backend.InferenceResponse([backend.Tensor.from_dlpack(self._output["name"], value)])


def _providers(
    model: bytes, parameters: Mapping[str, str] | None, args: dict[str, str]
) -> tuple[list[Any], EngineCache | None]:
    kind, device = args["model_instance_kind"], int(args["model_instance_device_id"])
    available = onnxruntime.get_available_providers()
    # Before there is a folder for engines: what is missing is told first.
    providers = execution_providers(parameters, kind=kind, device=device, engines=None, available=available)
    root = (parameters or {}).get("trt_engine_cache_path")
    if parameters is None or root is None:
        return providers, None
    engines = EngineCache.at(Path(root), model, {**parameters, "onnxruntime": onnxruntime.__version__})
    if engines is None:
        print(f"{args['model_name']}: {root} has no room for the engines of a model of {len(model)} bytes", flush=True)
        return providers, None
    folder = str(engines.folder)
    return execution_providers(parameters, kind=kind, device=device, engines=folder, available=available), engines


def _require_same_names(what: str, found: list[str], expected: str) -> None:
    if found != [expected]:
        raise RuntimeError(f"model.onnx has the {what} {found}, the configuration says {[expected]}")
