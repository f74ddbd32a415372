"""A model's trained parameters as one flat vector on the CPU, and as the named tensors of a checkpoint."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn


class FlatModel:
    """Copies between a model on any device and flat float32 vectors, (length,), on the CPU."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        self._names = list(named)
        self._parameters = list(named.values())
        self._sizes = [parameter.numel() for parameter in self._parameters]
        self.length = sum(self._sizes)
        # Memory that the GPU copies from and to by itself.
        pinned = any(parameter.is_cuda for parameter in self._parameters)
        self._gradients = torch.empty(self.length, pin_memory=pinned)
        self.parameters = torch.empty(self.length, pin_memory=pinned)
        """What ``load`` brings into the model; whoever receives parameters writes here."""

    def take_gradients(self) -> Tensor:
        """The gradients, which are gone from the model then; the vector is good until the next call."""
        parts = [
            torch.zeros_like(parameter).flatten() if parameter.grad is None else parameter.grad.flatten()
            for parameter in self._parameters
        ]
        self._gradients.copy_(torch.cat(parts))
        for parameter in self._parameters:
            parameter.grad = None
        return self._gradients

    @torch.no_grad()
    def take_parameters(self) -> Tensor:
        """The model's parameters, good until others are received."""
        self.parameters.copy_(torch.cat([parameter.flatten() for parameter in self._parameters]))
        return self.parameters

    @torch.no_grad()
    def load(self) -> None:
        """Bring ``parameters`` into the model."""
        parts = self.parameters.to(self._parameters[0].device).split(self._sizes)
        for parameter, part in zip(self._parameters, parts, strict=True):
            parameter.copy_(part.view_as(parameter))

    def named(self, vectors: Sequence[Tensor], moments: Sequence[str], updates: int) -> dict[str, Any]:
        """A checkpoint's tensors: those of ``Learner.tensors`` in the other strategies, so of no number of servers.

        :param vectors: Parameters and then each of ``moments``, (length,) each.
        :param updates: Gradients applied so far; each parameter has it as the optimiser's ``step``.
        """
        whole = self._model.state_dict()
        weights = {name: whole[name].detach().cpu().clone() for name in whole if name not in self._names}
        optimizer: dict[str, dict[str, Tensor]] = {}
        parts = [vector.split(self._sizes) for vector in vectors]
        for number, (name, parameter) in enumerate(zip(self._names, self._parameters, strict=True)):
            values, *kept = (part[number].view(parameter.shape).clone() for part in parts)
            weights[name] = values
            optimizer[name] = {"step": torch.tensor(float(updates)), **dict(zip(moments, kept, strict=True))}
        return {"model": weights, "optimizer": optimizer}

    def flat(self, tensors: Mapping[str, Any], moments: Sequence[str]) -> tuple[Tensor, int]:
        """What ``named`` was given: vectors (1 + moments, length), and updates; other values go into the model."""
        self._model.load_state_dict(tensors["model"])
        kept = [tensors["optimizer"][name] for name in self._names]
        vectors = [self.take_parameters().clone()]
        vectors += [torch.cat([each[moment].flatten() for each in kept]) for moment in moments]
        return torch.stack(vectors), int(kept[0]["step"])

    def buffers(self) -> list[Tensor]:
        """What the model keeps beside parameters, such as running means."""
        return list(self._model.buffers())
