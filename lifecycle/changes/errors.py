"""Why there is no report on a change: one sentence for the user, with what would be valid."""

from engine.errors import EngineError


class ChangeReportError(EngineError):
    """A revision, repository or stack that no report can be made of; the text is complete and holds no secret."""


class UnknownStack(ChangeReportError):
    """There is a stack file of that name at neither revision."""
