"""Which models there are, and how one is built from a job file's choice."""

import importlib
import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from trainyard_artifacts.specification import SpecificationError
from trainyard_training.choices import ModelChoice

_OURS = ("digits", "lenet", "resnet", "binary")

_Builder = TypeVar("_Builder", bound=Callable[..., nn.Module])
_builders: dict[str, Callable[..., nn.Module]] = {}


@dataclass(frozen=True)
class DataShape:
    """What a model has to know of a data set; its builder's first argument."""

    input_shape: tuple[int, ...]
    """Of one example: (channels, height, width) of images, (features,) of others."""
    largest_value: int | None
    """Values are whole numbers from 0 to this; None: any, already of the order of 1."""
    labels: int

    @property
    def scale(self) -> float:
        """What a model multiplies raw values by."""
        return 1.0 if self.largest_value is None else 1.0 / self.largest_value

    def require_images(self, model: str, smallest: int) -> tuple[int, int, int]:
        """(channels, height, width).

        Raises:
            SpecificationError: examples are not images of at least ``smallest`` pixels a side.
        """
        if len(self.input_shape) != 3 or min(self.input_shape[1:]) < smallest:
            raise SpecificationError(
                f"model.name: {model!r} takes images of at least {smallest} x {smallest} pixels, the data set's"
                f" examples have the shape {self.input_shape}"
            )
        channels, height, width = self.input_shape
        return channels, height, width


def register_model(name: str) -> Callable[[_Builder], _Builder]:
    """Decorates a function or class that takes a ``DataShape``, and options by keyword, and gives a model."""

    def register(builder: _Builder) -> _Builder:
        _builders[name] = builder
        return builder

    return register


def build_model(choice: ModelChoice, shape: DataShape, seed: int) -> nn.Module:
    """A new model on the CPU; equal seeds give equal weights.

    Raises:
        SpecificationError: there is no such model, it does not take these options, or it does not fit the data.
    """
    builder = _builder_of(choice)
    _require_options(choice, builder)
    torch.manual_seed(seed)
    try:
        return builder(shape, **choice.options)
    except (TypeError, ValueError) as error:
        raise SpecificationError(f"model.options: {choice.options!r} do not fit {choice.name!r}: {error}") from None


def count_parameters(model: nn.Module) -> int:
    """Trainable numbers in the model."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _builder_of(choice: ModelChoice) -> Callable[..., nn.Module]:
    for name in _OURS:
        importlib.import_module(f"trainyard_training.models.{name}")
    if choice.module is not None:
        _import(choice.module)
    if choice.name not in _builders:
        raise SpecificationError(
            f"model.name: there is no model {choice.name!r}; there are {', '.join(sorted(_builders))}"
            + ("" if choice.module else "; model.module tells where one of your own is registered")
        )
    return _builders[choice.name]


def _import(module: str) -> None:
    try:
        if module.endswith(".py"):
            specification = importlib.util.spec_from_file_location(Path(module).stem, module)
            if specification is None or specification.loader is None:
                raise ImportError(f"{module} is not a Python file")
            specification.loader.exec_module(importlib.util.module_from_spec(specification))
        else:
            importlib.import_module(module)
    except Exception as error:
        raise SpecificationError(
            f"model.module: {module!r} cannot be imported: {type(error).__name__}: {error}"
        ) from None


def _require_options(choice: ModelChoice, builder: Callable[..., nn.Module]) -> None:
    taken = list(inspect.signature(builder).parameters)[1:]
    if unknown := sorted(set(choice.options) - set(taken)):
        raise SpecificationError(
            f"model.options: {choice.name!r} has no option {', '.join(unknown)}; it takes {', '.join(taken) or 'none'}"
        )
