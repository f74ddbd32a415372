"""The model behind the model: takes its logits, answers labels and confidences.

A request may have the parameter ``top_k``, how many of each, most likely first; 1 where it has none.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as backend
from server_guard import ServerGuard
from top_labels import NotFiniteError, top_labels

_TOP_K = "top_k"


class TritonPythonModel:
    """What the backend looks for; the names of its methods are the backend's."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the labels."""
        configuration = json.loads(args["model_config"])
        self._input = configuration["input"][0]["name"]
        self._label, self._confidence = (each["name"] for each in configuration["output"])
        self._labels = json.loads((Path(args["model_repository"]) / "labels.json").read_text(encoding="utf-8"))
        self._guard = ServerGuard()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request by itself, since each may ask for another number of labels."""
        return [self._response(request) for request in requests]

    def finalize(self) -> None:
        """Let the guard go: this end is one that the server asked for."""
        self._guard.dismiss()

    def _response(self, request: Any) -> Any:
        count = json.loads(request.parameters() or "{}").get(_TOP_K, 1)
        if type(count) is not int or not 1 <= count <= len(self._labels):
            message = f"the parameter {_TOP_K} is {count!r}, expected a whole number from 1 to {len(self._labels)}"
            return backend.InferenceResponse([], backend.TritonError(message, backend.TritonError.INVALID_ARG))
        logits = np.from_dlpack(backend.get_input_tensor_by_name(request, self._input))
        try:
            labels, confidences = top_labels(logits, self._labels, count)
        except NotFiniteError as error:
            return backend.InferenceResponse([], backend.TritonError(str(error)))
        return backend.InferenceResponse(
            [backend.Tensor(self._label, labels), backend.Tensor(self._confidence, confidences)]
        )
