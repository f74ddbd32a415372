"""The model of a stack, for commands that name one."""

from pathlib import Path

from engine.stack_outputs import read_outputs
from lifecycle.deployed_model import DeployedModel, acting_as_serving, model_of

__all__ = ["DeployedModel", "acting_as_serving", "find_model"]


def find_model(directory: Path, stack: str) -> DeployedModel:
    """The model that the stack has deployed. Raises EngineError where there is none."""
    return model_of(read_outputs(directory, stack), stack)
