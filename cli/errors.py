"""How a command ends without success: one sentence for the user and an exit code."""

from cli.exit_status import ExitStatus


class CommandError(Exception):
    """The command cannot go on; the text says why and what would help."""

    def __init__(self, message: str, status: ExitStatus = ExitStatus.ERROR) -> None:
        super().__init__(message)
        self.status = status
