"""The model as Triton's Python backend runs it: ONNX Runtime on the ``model.onnx`` beside this file.

Loaded by the backend's own process, which has the packages of the Triton environment and none of this project's.
Requests that Triton batched together become one run. Tensors are handed over by DLPack and never as numpy arrays: the
backend's own conversion is built against numpy 1 and silently answers empty tensors with numpy 2.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as backend

_CPU = "CPUExecutionProvider"
_GPU = "CUDAExecutionProvider"

# Waits for a byte from the backend's process or for its end, and on the latter asks the server to end, too. The server
# is known by a descriptor: its number could be another process's by then.
_GUARD = """
import contextlib, signal, sys
if not sys.stdin.buffer.read(1):
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(int(sys.argv[1]), signal.SIGTERM)
"""


class TritonPythonModel:
    """What the backend looks for; the names of its methods are the backend's."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the model and compare it with its configuration; an error here keeps the server from becoming ready."""
        configuration = json.loads(args["model_config"])
        self._input = configuration["input"][0]
        self._output = configuration["output"][0]
        path = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        options = onnxruntime.SessionOptions()
        # Threads that spin while they wait would take the processor from the server's own.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # By itself it counts the machine's CPUs, of which a container may use a few only; 0 leaves it to that.
        options.intra_op_num_threads = int(os.environ.get("TRAINYARD_THREADS", "0"))
        self._session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=_providers(args))
        _require_same_names("inputs", [each.name for each in self._session.get_inputs()], self._input["name"])
        _require_same_names("outputs", [each.name for each in self._session.get_outputs()], self._output["name"])
        self._guard = _start_guard()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request, all that fit the model from one run of it."""
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

    def finalize(self) -> None:
        """Let the guard go: this end is one that the server asked for."""
        self._guard.communicate(b".")

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


def _start_guard() -> "subprocess.Popen[bytes]":
    """Start the process that ends the server if this one is killed.

    The server does not start its backend again. It would go on to say that it is ready, and fail every request; ended,
    it is noticed and started anew by whoever started it.
    """
    if sys.platform != "linux":
        raise RuntimeError("tritonserver runs on Linux only")
    server = os.pidfd_open(os.getppid())
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARD, str(server)],
            stdin=subprocess.PIPE,
            pass_fds=(server,),
            start_new_session=True,
        )
    finally:
        os.close(server)


def _providers(args: dict[str, str]) -> list[Any]:
    if args["model_instance_kind"] != "GPU":
        return [_CPU]
    if _GPU not in onnxruntime.get_available_providers():
        raise RuntimeError(f"the service asks for GPUs, but this onnxruntime {onnxruntime.__version__} has no {_GPU}")
    return [(_GPU, {"device_id": args["model_instance_device_id"]}), _CPU]


def _require_same_names(what: str, found: list[str], expected: str) -> None:
    if found != [expected]:
        raise RuntimeError(f"model.onnx has the {what} {found}, the configuration says {[expected]}")
