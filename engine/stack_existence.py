"""Whether there is a stack of a name: it has a file with settings, or a state."""

from engine.errors import EngineError
from engine.file_backend import FileBackend
from engine.stack_settings import StackSettings


class StackNotFound(EngineError):
    """There is neither a stack file nor a state of that name."""


def require_stack(settings: StackSettings, backend: FileBackend) -> None:
    """Raises StackNotFound."""
    if not settings.file.is_file() and not backend.state_file(settings.stack).is_file():
        raise StackNotFound(
            f"there is no stack {settings.stack!r}: {settings.file} does not exist, and nothing is deployed under that "
            "name"
        )
