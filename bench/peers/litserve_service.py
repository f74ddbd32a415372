"""The model behind LitServe: `python -m bench.peers.litserve_service PORT`.

As its documentation has it: a LitAPI with four methods, https://lightning.ai/docs/litserve/api-reference/litapi. It
does not ask for batches of several requests, which LitServe does not make by itself: on one core, with LeNet, they took
more time than they saved (264 requests a second instead of 282).
"""

import sys
from typing import Any

import litserve as ls  # type: ignore[import-not-found]
import torch
from torch import Tensor

from bench.peers.network import load_network


class ImageClassifier(ls.LitAPI):
    """The names of the methods are LitServe's."""

    def setup(self, device: str) -> None:
        """Load the model."""
        self.network = load_network().to(device)

    def decode_request(self, request: dict[str, Any]) -> Tensor:
        """A batch of one image, (1, channels, height, width)."""
        return torch.tensor([request["input"]])

    def predict(self, x: Tensor) -> Tensor:
        """Its logits, (1, labels)."""
        with torch.inference_mode():
            logits: Tensor = self.network(x)
        return logits

    def encode_response(self, output: Tensor) -> dict[str, list[float]]:
        """The answer for one image."""
        return {"output": output[0].tolist()}


if __name__ == "__main__":
    server = ls.LitServer(ImageClassifier(), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
