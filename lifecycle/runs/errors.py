"""How an ephemeral run is refused or fails: one sentence for the user, and the exit code's name where it has one."""

from engine.errors import EngineError


class RunError(EngineError):
    """Something about runs that the user must know and can act on; its text is complete and holds no secret."""


class RunNotFound(RunError):
    """There is no run of that name, or none that the command could use."""


class RunLocked(RunError):
    """Another living process works on the run, or on another run of the stack."""


class RunRefused(RunError):
    """A guard refuses the run before anything is created: the option or setting, its value, and what would be valid."""
