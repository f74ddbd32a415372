"""A plain service of FastAPI and PyTorch, one image to a request: `uvicorn bench.peers.fastapi_service:app`.

As its documentation has it: a request's body is a Pydantic model, https://fastapi.tiangolo.com/tutorial/body/, and what
does not await is a plain function, which FastAPI calls in a thread, https://fastapi.tiangolo.com/async/.
"""

import torch
from fastapi import FastAPI  # type: ignore[import-not-found]
from pydantic import BaseModel

from bench.peers.network import load_network

app = FastAPI()
network = load_network()


class Image(BaseModel):
    """What a client sends."""

    pixels: list[list[list[float]]]
    """(channels, height, width), as in the data set."""


class Answer(BaseModel):
    """What it gets back."""

    logits: list[float]
    """Of each label."""


@app.post("/predict")
def predict(image: Image) -> Answer:
    """The model's logits for one image."""
    with torch.inference_mode():
        logits = network(torch.tensor([image.pixels]))
    return Answer(logits=logits[0].tolist())
