"""The model behind MLServer, as a runtime that a folder's `model-settings.json` names: `mlserver start FOLDER`.

As its documentation has it: a custom runtime, https://docs.seldon.ai/mlserver/user-guide/custom, whose tensors are read
and written by NumpyCodec, https://docs.seldon.ai/mlserver/user-guide/content-type. Batches are asked for in the
settings.
"""

import torch
from mlserver import MLModel  # type: ignore[import-not-found]
from mlserver.codecs import NumpyCodec  # type: ignore[import-not-found]
from mlserver.types import InferenceRequest, InferenceResponse  # type: ignore[import-not-found]

from bench.peers.network import load_network


class ImageClassifier(MLModel):
    """The names of the methods are MLServer's."""

    async def load(self) -> bool:
        """Load the model."""
        self.network = load_network()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The logits of all images of a request."""
        images = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        with torch.inference_mode():
            logits = self.network(torch.from_numpy(images)).numpy()
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            outputs=[NumpyCodec.encode_output("logits", logits)],
        )
