"""What is saved beside the tensors: where the run stands, as a JSON document."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class StateError(Exception):
    """A checkpoint is not one that this version can restore."""


class RunState(BaseModel):
    """Everything about a run's progress but tensors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[3] = 3
    """Raised when a checkpoint of an earlier version can no longer be restored."""
    step: int = Field(ge=0)
    """Steps made: also the position in the data."""
    made_of: dict[str, Any]
    """What decides the trained weights; a checkpoint is no use to any other training."""
    log: tuple[dict[str, Any], ...]
    """The step log so far."""
    seconds: float = Field(ge=0)
    """For how long the run has been computing, all its attempts together."""
    loss_scale: dict[str, float | int] = Field(default_factory=dict)
    """Of float16: the state of the loss scaling."""
    privacy_secret: str | None = Field(default=None, repr=False)
    """Of private training: what its samples and its noise are drawn from."""


def decode_run_state(data: bytes) -> RunState:
    """Read what ``RunState.model_dump_json`` wrote.

    Raises:
        StateError: it is something else, or of another version's format.
    """
    try:
        return RunState.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise StateError(f"its state cannot be restored by this version: {where}: {first['msg']}") from None
