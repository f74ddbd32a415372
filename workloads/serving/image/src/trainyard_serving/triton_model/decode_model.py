"""The model before the model: takes image files, answers the tensors that the model takes."""

import json
from typing import Any

import numpy as np
import triton_python_backend_utils as backend
from image_tensor import ImageForm, ImageRefusedError, read_image
from server_guard import ServerGuard


class TritonPythonModel:
    """What the backend looks for; the names of its methods are the backend's."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read from the configuration which images the model takes."""
        configuration = json.loads(args["model_config"])
        self._input = configuration["input"][0]["name"]
        self._output = configuration["output"][0]["name"]
        # Numbers of 64 bits are text in the configuration's JSON.
        channels, height, width = (int(size) for size in configuration["output"][0]["dims"])
        stated = {name: each["string_value"] for name, each in configuration["parameters"].items()}
        self._form = ImageForm(channels, height, width, stated["dtype"], int(stated["largest_value"]))
        self._guard = ServerGuard()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request by itself: one that has no image fails alone."""
        return [self._response(request) for request in requests]

    def finalize(self) -> None:
        """Let the guard go: this end is one that the server asked for."""
        self._guard.dismiss()

    def _response(self, request: Any) -> Any:
        files = backend.get_input_tensor_by_name(request, self._input).as_numpy().ravel()
        tensors = []
        for position, file in enumerate(files):
            try:
                tensors.append(read_image(file, self._form))
            except ImageRefusedError as error:
                which = "the image" if len(files) == 1 else f"image {position + 1} of {len(files)}"
                message = f"{which} is refused: {error}"
                return backend.InferenceResponse([], backend.TritonError(message, backend.TritonError.INVALID_ARG))
        return backend.InferenceResponse([backend.Tensor(self._output, np.stack(tensors))])
