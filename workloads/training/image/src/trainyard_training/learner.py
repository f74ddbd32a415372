"""What learns: model, optimiser and schedule, as one thing that makes a step, and is saved and restored whole."""

import io
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from trainyard_training.model import DigitClassifier
from trainyard_training.workers import Workers

# Bumped when a checkpoint of an earlier version can no longer be restored.
_STATE_FORMAT = 2
_WARM_UP_SHARE = 0.2
_LABEL_SMOOTHING = 0.05
_EVALUATION_BATCH = 512


class StateError(Exception):
    """Bytes are not a state that this version can restore."""


class Learner:
    """A data-parallel model in training; every worker holds one, and all of them are equal after every step."""

    def __init__(self, model: DigitClassifier, workers: Workers, *, learning_rate: float, total_steps: int) -> None:
        self._workers = workers
        self.model = model.to(workers.device)
        self._parallel = DistributedDataParallel(self.model)
        self._optimizer = torch.optim.AdamW(self.model.parameters(), lr=learning_rate)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, max_lr=learning_rate, total_steps=total_steps, pct_start=_WARM_UP_SHARE
        )
        self.step_number = 0
        """Steps made so far: also the position in the data."""
        self.history: list[tuple[int, float]] = []
        """(step, mean training loss since the entry before), what the progress lines have told."""

    def step(self, images: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
        """Make one step on this worker's part of the global batch; returns this part's mean loss before the step."""
        self._optimizer.zero_grad()
        loss: Tensor = cross_entropy(
            self._parallel(self._tensor(images)), self._tensor(labels), label_smoothing=_LABEL_SMOOTHING
        )
        loss.backward()
        self._optimizer.step()
        self._schedule.step()
        self.step_number += 1
        return float(loss.item())

    @torch.no_grad()
    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits of images (count, height, width), on this worker alone."""
        self.model.eval()
        try:
            pixels = images[:, np.newaxis].astype(np.float32)
            parts = [
                self.model(self._tensor(pixels[start : start + _EVALUATION_BATCH])).cpu()
                for start in range(0, len(pixels), _EVALUATION_BATCH)
            ]
            logits: NDArray[np.float32] = torch.cat(parts).numpy()
            return logits
        finally:
            self.model.train()

    def state(self, made_of: dict[str, Any]) -> bytes:
        """Everything that is needed to go on from here: weights, optimiser, schedule, random numbers, position.

        :param made_of: Plain values that tell what is trained; a state is no use to any other training.
        """
        buffer = io.BytesIO()
        torch.save(
            {
                "format": _STATE_FORMAT,
                "made_of": made_of,
                "step": self.step_number,
                "model": self.model.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "schedule": self._schedule.state_dict(),
                "random": torch.get_rng_state(),
                "history": self.history,
            },
            buffer,
        )
        return buffer.getvalue()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``decode_state`` returned."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"])
        self.step_number = state["step"]
        self.history = [(step, loss) for step, loss in state["history"]]

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self._workers.device)


def decode_state(data: bytes) -> dict[str, Any]:
    """Read what ``Learner.state`` returned. Tensors and plain values only: nothing in it can run code.

    Raises:
        StateError: the bytes are something else, or of another version's format.
    """
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        raise StateError(f"not a saved state: {error}") from None
    found = state.get("format") if isinstance(state, dict) else None
    if found != _STATE_FORMAT or not isinstance(state, dict):
        raise StateError(f"a state of format {found!r}, this version reads {_STATE_FORMAT}")
    return state


def build_model(image_shape: tuple[int, int], labels: int, largest_pixel: int, seed: int) -> DigitClassifier:
    """A new model; equal seeds give equal weights."""
    torch.manual_seed(seed)
    return DigitClassifier(image_shape, labels, largest_pixel)


def count_parameters(model: nn.Module) -> int:
    """Trainable numbers in the model."""
    return sum(parameter.numel() for parameter in model.parameters())
