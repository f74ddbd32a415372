"""The ways in which the engine refuses or fails, each with one sentence for the user."""


class EngineError(Exception):
    """Something the user must know and can act on; its text is complete and holds no secret."""


class StepError(EngineError):
    """A step on a resource failed; the text says why, `urn` which resource it was."""

    def __init__(self, urn: str, message: str) -> None:
        super().__init__(message)
        self.urn = urn


class Unsupported(EngineError):
    """A feature of Pulumi that the embedded engine does not implement; the text names it."""


class Cancelled(EngineError):
    """The deployment was stopped before this step began: by the user, or because another step failed."""


class Uncertain(EngineError):
    """Nobody can say whether the operation took place: its provider died or did not answer in time."""
