"""One release of the model as Triton's Python backend runs it: the ``model.onnx`` beside this file."""

from pathlib import Path
from typing import Any

from onnx_model import OnnxModel
from server_guard import ServerGuard


class TritonPythonModel:
    """What the backend looks for; the names of its methods are the backend's."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the model; an error here keeps the server from becoming ready."""
        self._model = OnnxModel(Path(__file__).with_name("model.onnx"), args)
        self._guard = ServerGuard()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request."""
        return self._model.answer(requests)

    def finalize(self) -> None:
        """Let the guard go: this end is one that the server asked for."""
        self._guard.dismiss()
